#!/bin/sh
# Installs the servers the wire tests use, at pinned versions, in a cache outside the tree.
# usage: install.sh        installs what is missing; says nothing when nothing is
#        install.sh mongo  installs the MongoDB alone
#        install.sh kube   a Kubernetes control plane, which takes minutes to build
#        install.sh forge  the forge, which takes minutes to build too
#        install.sh path   prints the folder of this version, installed or not
set -eu

registry_version=2.8.2
maven_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
here=$(cd "$(dirname "$0")" && pwd)
cache=${DOMCTL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/domctl}
# One folder per content of these files, so that a changed pin never meets an old install.
version=$( (uname -m; cd "$here" && cat install.sh requirements.txt pom.xml Mongo.java kube/go.mod forge/go.mod) | sha256sum | cut -c1-12)
dir=$cache/wire-$version

say() { echo "wire: $*" >&2; }
fail() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# apt_install PACKAGE...: only root can; anyone else is told what to ask for.
apt_install() {
	[ "$(id -u)" = 0 ] && have apt-get || fail "missing: $*; on Debian run as root: apt-get install --no-install-recommends $*"
	say "apt-get install $*"
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# part NAME: runs install_NAME into $dir/NAME once; a broken attempt is begun anew.
part() {
	[ -e "$dir/$1.done" ] && return
	say "installing $1 into $dir"
	rm -rf "${dir:?}/$1"
	mkdir -p "$dir/$1"
	"install_$1"
	touch "$dir/$1.done"
}

install_mongo() {
	have javac && have mvn || apt_install default-jdk-headless maven
	mvn -q -B -f "$here/pom.xml" "$maven_plugin:copy-dependencies" "-DoutputDirectory=$dir/mongo/lib" >&2
	javac -d "$dir/mongo/classes" -cp "$dir/mongo/lib/*" "$here/Mongo.java"
}

# docker_image prints the id of an image that Docker has of MongoDB's own.
docker_image() { have docker && docker image ls -q mongo 2>/dev/null | head -n 1; }

# The image's mongod runs as a process like any other, by the image's own loader and libraries:
# so it can be stopped and killed, and Docker is not needed again.
install_mongod() (
	root=$dir/mongod/root
	mkdir "$root"
	container=$(docker create "$(docker_image)")
	trap 'docker rm "$container" >/dev/null' EXIT
	docker export "$container" | tar -x -C "$root" --wildcards usr/bin/mongod 'lib*' 'usr/lib*'
	loader=$(ls "$root"/lib64/ld-linux-*.so.* "$root"/lib/ld-linux-*.so.* 2>/dev/null | head -n 1)
	libraries=$(ls -d "$root"/usr/lib/*-linux-gnu "$root"/lib/*-linux-gnu "$root"/usr/lib64 2>/dev/null | tr '\n' ':')
	printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libraries" "$root/usr/bin/mongod" >"$dir/mongod/mongod"
	chmod +x "$dir/mongod/mongod"
	"$dir/mongod/mongod" --version >&2 || fail "the mongod of Docker's image mongo does not run here; docker image rm mongo, or put a mongod on PATH"
)

# mongo installs what stands for MongoDB, unless there is a mongod.
mongo() {
	if have mongod || [ -e "$dir/mongod.done" ]; then
		return
	elif [ -n "$(docker_image)" ]; then
		part mongod
	else
		part mongo
	fi
}

install_moto() {
	python3 -c 'import venv, ensurepip' 2>/dev/null || apt_install python3-venv
	python3 -m venv "$dir/moto/venv"
	"$dir/moto/venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" >&2
}

# The package is unpacked, not installed: installing it would start a system service.
install_registry() (
	have apt-get && have dpkg || fail "docker-registry $registry_version comes from a Debian package; this system has no apt-get and dpkg"
	cd "$dir/registry"
	download || { [ "$(id -u)" = 0 ] && apt-get update -qq >&2 && download; } ||
		fail "apt-get download docker-registry failed; as root: apt-get update, then again"
	dpkg -x docker-registry_*.deb .
	rm docker-registry_*.deb
	usr/bin/docker-registry --version | grep -q " $registry_version" || fail "docker-registry is not $registry_version"
)

# Built, since no package has them; Go's own cache makes a second time quick.
install_kube() (
	have go || fail "kube-apiserver is built with Go; install it"
	cd "$here/kube"
	for server in kube-apiserver kube-controller-manager; do
		CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$dir/kube/$server" "k8s.io/kubernetes/cmd/$server"
	done
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$dir/kube/etcd" go.etcd.io/etcd/server/v3
)

# Gitea's module holds all but the built style sheets and scripts of its pages, which only a
# browser asks for. Its SQLite is in C. Modules are read-only; a copy of one must not be.
install_forge() (
	have go || fail "Gitea is built with Go; install it"
	have git || apt_install git
	have cc || apt_install gcc libc6-dev
	cd "$here/forge"
	CGO_ENABLED=1 go build -trimpath -tags 'sqlite sqlite_unlock_notify' -o "$dir/forge/gitea" \
		-ldflags "-s -w -X main.Version=$(go list -m -f '{{.Version}}' code.gitea.io/gitea | tr -d v)" code.gitea.io/gitea
	source=$(go list -m -f '{{.Dir}}' code.gitea.io/gitea)
	cp -R "$source/templates" "$source/options" "$source/public" "$dir/forge"
	chmod -R u+w "$dir/forge"
)

download() { apt-get -qq -o APT::Sandbox::User=root download "docker-registry=$registry_version*" >&2; }

# prepared LOCK: makes the cache's folder, and waits for whoever holds the lock in it.
prepared() {
	mkdir -p "$dir"
	exec 9>"$dir/$1"
	flock 9
}

case ${1:-install} in
path) echo "$dir" ;;
mongo)
	prepared lock
	mongo
	;;
kube)
	prepared lock.kube
	part kube
	;;
forge)
	prepared lock.forge
	part forge
	;;
install)
	prepared lock
	mongo
	part moto
	part registry
	;;
*) fail "usage: install.sh [mongo | kube | forge | path]" ;;
esac
