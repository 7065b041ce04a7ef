#!/bin/sh
# Puts a controller under load and writes what that measures into docs/serve-figures.md, also
# where it is beyond a bound; then it fails. Usage: serve-figures.sh GO
set -eu
cd "$(dirname "$0")/.."
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT

failed=0
DOMCTL_FIGURES=$rows DOMCTL_WIRE=1 "$1" test -timeout 40m -count=1 -v -tags wire,bench -run TestServeFigures ./cmd/domctl >&2 || failed=1
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
{
	cat <<END
# A controller under load

Written by \`make bench-serve\`; do not edit. On $cpu ($(nproc) CPUs), which the
controller shares with a Gitea, MongoDB and moto: \`domctl serve\` keeps the deployments of
one repository, ten of which live on AWS and MongoDB, and each answer of the forge, of git
over SSH and of those comes 50 ms late. Events are deliveries of pushes, pull requests
and comments, a third of them once more; each hundredth is a real push.

| what | at most | seen |
|---|---|---|
END
	cat "$rows"
} >docs/serve-figures.md
exit "$failed"
