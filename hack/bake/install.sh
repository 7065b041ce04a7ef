#!/bin/sh
# Unpacks Debian's Docker engine into a cache outside the tree, for make test-bake. It is not
# installed: installing it would start a system service.
# usage: install.sh        unpacks it if it is not there; says nothing when it is
#        install.sh path   prints the folder, unpacked or not
set -eu

packages="docker.io=20.10.24+dfsg1-1+deb12u1* containerd=1.6.20~ds1-1+deb12u* runc=1.1.5+ds1-1+deb12u*"
cache=${DOMCTL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/domctl}
dir=$cache/engine-$( (uname -m; cat "$0") | sha256sum | cut -c1-12)

fail() { echo "bake: $*" >&2; exit 1; }

[ "${1:-}" != path ] || { echo "$dir"; exit 0; }
[ "$(id -u)" = 0 ] || fail "instances are namespaces with a Docker engine in them: run this as root"
command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "the Docker engine comes from Debian packages; this system has no apt-get and dpkg"

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
[ ! -e "$dir/done" ] || exit 0

echo "bake: unpacking $packages into $dir" >&2
cd "$dir"
rm -rf usr ./*.deb
# shellcheck disable=SC2086 # a list of words
download() { apt-get -qq -o APT::Sandbox::User=root download $packages >&2; }
download || { apt-get update -qq >&2 && download; } || fail "apt-get download failed: $packages"
for deb in ./*.deb; do
	dpkg -x "$deb" .
done
rm ./*.deb
rm -rf etc lib
for program in usr/bin/docker usr/bin/containerd usr/sbin/dockerd usr/sbin/runc; do
	"$program" --version >/dev/null || fail "$program does not run here; as root: apt-get install --no-install-recommends libdevmapper1.02.1 libseccomp2 libsystemd0"
done
touch done
