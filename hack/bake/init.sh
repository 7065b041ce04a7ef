#!/bin/sh
# The first process of a machine, in namespaces of its own: its disk is laid over the host's, then
# its SSH server and its engines run until it is told to end. Usage: init.sh FOLDER NAME ENGINES
set -eu
at=$1 name=$2 engines=$3

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock
for dir in etc opt usr/local var/lib var/log; do
	mkdir -p "$at/disk/$dir" "$at/work/$dir"
	lower=/$dir
	[ "$dir" != usr/local ] || lower=$engines/cri:$engines/usr:/usr/local
	mount -t overlay overlay -o "lowerdir=$lower,upperdir=$at/disk/$dir,workdir=$at/work/$dir" "/$dir"
done
for dir in root home tmp; do
	mkdir -p "$at/disk/$dir"
	mount --bind "$at/disk/$dir" "/$dir"
done
chmod 1777 /tmp
# An engine's layers cannot lie on an overlay.
for dir in docker containerd; do
	mkdir -p "/var/lib/$dir" "$at/data/$dir"
	mount --bind "$at/data/$dir" "/var/lib/$dir"
done
hostname "$name"

# As cloud-init does on an instance's first boot.
if [ ! -e "$at/booted" ]; then
	head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >/etc/machine-id
	mkdir -p -m 700 /root/.ssh
	cat "$at/authorized_keys" >>/root/.ssh/authorized_keys
	touch "$at/booted"
fi

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
set +e
dockerd --config-file "$at/daemon.json" >>"$at/dockerd.log" 2>&1 &
docker=$!
/usr/sbin/sshd -D -e -f "$at/sshd_config" >>"$at/sshd.log" 2>&1 &
ssh=$!
# Docker takes a containerd that is there, and has to start the one of its own package.
until [ -S /run/docker/containerd/containerd.sock ]; do
	sleep 0.02
done
(PATH=/usr/local/libexec:$PATH && exec containerd --config "$at/containerd.toml") >>"$at/containerd.log" 2>&1 &
containerd=$!
halt() {
	kill "$ssh" "$docker" "$containerd"
	wait "$docker" "$containerd"
	sync
	exit 0
}
trap halt TERM
while :; do
	wait
	sleep 1
done
