#!/usr/bin/env bash
# go, with `go test` also written as JSON events to the log that is named first,
# and printed as a line a package and what failed.
set -euo pipefail
log=$1
shift
if [ "$1" != test ]; then
	exec go "$@"
fi
shift
at=()
if [ "$1" = -C ]; then # which must come first
	at=("$1" "$2")
	shift 2
fi
go test "${at[@]}" -json "$@" | tee -a "$log" | go run ./hack/testlines
