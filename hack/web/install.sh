#!/bin/sh
# Installs what the tests of the page need: Debian's Chromium, and the accessibility checks of
# axe-core at a pinned version, in a cache outside the tree.
# usage: install.sh        installs what is missing; says nothing when nothing is
#        install.sh path   prints the folder of this version, installed or not
set -eu

axe=4.14.1
axe_sum=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
oldest=120 # of Chromium: the first that has all that is driven here
dir=${DOMCTL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/domctl}/web-$axe

say() { echo "web: $*" >&2; }
fail() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# apt_install PACKAGE...: only root can; anyone else is told what to ask for.
apt_install() {
	[ "$(id -u)" = 0 ] && have apt-get || fail "missing: $*; on Debian run as root: apt-get install --no-install-recommends $*"
	say "apt-get install $*"
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

case ${1:-install} in
path) echo "$dir" ;;
install)
	mkdir -p "$dir"
	exec 9>"$dir/lock"
	flock 9
	have chromium || apt_install chromium fonts-dejavu-core
	version=$(chromium --version 2>/dev/null | sed 's/[^0-9]*\([0-9]*\).*/\1/')
	[ "${version:-0}" -ge "$oldest" ] || fail "chromium is version ${version:-unknown}; $oldest or later is needed"
	[ ! -e "$dir/axe.min.js" ] || exit 0
	have npm || apt_install npm
	say "installing axe-core $axe into $dir"
	(cd "$dir" && npm pack --silent "axe-core@$axe" >/dev/null && tar -xzf "axe-core-$axe.tgz" package/axe.min.js)
	echo "$axe_sum  $dir/package/axe.min.js" | sha256sum -c --quiet >&2 || fail "axe-core $axe is not as it was when it was pinned"
	mv "$dir/package/axe.min.js" "$dir/axe.min.js"
	rm -r "$dir/package" "$dir/axe-core-$axe.tgz"
	;;
*) fail "usage: install.sh [path]" ;;
esac
