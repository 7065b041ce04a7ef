#!/bin/sh
# Runs make test-bake and writes what it measures into docs/bake-figures.md. Usage: figures.sh GO
set -eu
cd "$(dirname "$0")/../.."
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT

DOMCTL_FIGURES=$rows make --no-print-directory test-bake GO="$1" >&2
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
{
	cat <<END
# What a bake gains, on real engines

Written by \`make bench-bake\`; do not edit. On $cpu ($(nproc) CPUs). The images are of
5 to 8 MiB on a base of 7 MiB, and the registry is on the same machine: read that a
forecast holds, and that a cached image costs no transfer.

| runtime | bytes said | bytes fetched | error | first container, cached, s | not cached, s |
|---|---|---|---|---|---|
END
	cat "$rows"
} >docs/bake-figures.md
