#!/bin/sh
# Installs Debian's openssh-server for the tests of internal/ssh, unless there is an sshd. None is
# left running: the tests start their own.
set -eu

have() { command -v sshd >/dev/null 2>&1 || [ -x /usr/sbin/sshd ]; }

have && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || {
	echo "wire: missing: sshd; on Debian run as root: apt-get install --no-install-recommends openssh-server" >&2
	exit 1
}
echo "wire: apt-get install openssh-server" >&2
apt-get update -qq >&2
# At run level 1 the package's script starts no service.
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-server >&2
