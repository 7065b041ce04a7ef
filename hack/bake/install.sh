#!/bin/sh
# Puts the engines of make test-bake into a cache outside the tree: Debian's Docker engine, unpacked
# (installing it would start a system service), and containerd 2 with crictl, built with Go.
# usage: install.sh        does it if it is not done; says nothing when it is
#        install.sh path   prints the folder, filled or not
set -eu

packages="docker.io=20.10.24+dfsg1-1+deb12u1* containerd=1.6.20~ds1-1+deb12u* runc=1.1.5+ds1-1+deb12u*"
cache=${DOMCTL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/domctl}
here=$(cd "$(dirname "$0")" && pwd)
dir=$cache/engines-$( (uname -m; cd "$here" && cat install.sh containerd/go.mod) | sha256sum | cut -c1-12)

fail() { echo "bake: $*" >&2; exit 1; }

[ "${1:-}" != path ] || { echo "$dir"; exit 0; }
[ "$(id -u)" = 0 ] || fail "instances are namespaces with engines in them: run this as root"
command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "the Docker engine comes from Debian packages; this system has no apt-get and dpkg"
command -v go >/dev/null || fail "containerd is built with Go; install it"

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
[ ! -e "$dir/done" ] || exit 0

echo "bake: unpacking $packages into $dir" >&2
cd "$dir"
rm -rf usr cri ./*.deb
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

echo "bake: building containerd into $dir" >&2
mkdir -p cri/bin cri/libexec
cd "$here/containerd"
export CGO_ENABLED=0
build() { go build -trimpath -ldflags "-s -w" -o "$@" >&2; }
build "$dir/cri/bin/" github.com/containerd/containerd/v2/cmd/ctr sigs.k8s.io/cri-tools/cmd/crictl
build "$dir/cri/libexec/" github.com/containerd/containerd/v2/cmd/containerd github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2
touch "$dir/done"
