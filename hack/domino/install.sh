#!/bin/sh
# Puts Prism, which makes a server of openapi.yaml, into a cache outside the tree: all of its
# packages are pinned, by their digests, in package-lock.json. None of their scripts is run.
# usage: install.sh        does it if it is not done; says nothing when it is
#        install.sh path   prints the folder, filled or not
set -eu

cache=${DOMCTL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/domctl}
here=$(cd "$(dirname "$0")" && pwd)
dir=$cache/domino-$( (cd "$here" && cat install.sh package.json package-lock.json) | sha256sum | cut -c1-12)

fail() { echo "domino: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

[ "${1:-}" != path ] || { echo "$dir"; exit 0; }

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
[ ! -e "$dir/done" ] || exit 0

if ! have node || ! have npm; then
	[ "$(id -u)" = 0 ] && have apt-get || fail "missing: node 18 or newer, with npm; on Debian run as root: apt-get install --no-install-recommends nodejs npm"
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm >&2
fi

echo "domino: installing Prism into $dir" >&2
cd "$dir"
rm -rf node_modules
cp "$here/package.json" "$here/package-lock.json" .
npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error >&2
node node_modules/@stoplight/prism-cli/dist/index.js --version >/dev/null || fail "Prism does not run here; it needs node 18.20 or newer"
touch "$dir/done"
