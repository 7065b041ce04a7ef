#!/usr/bin/env bash
# Times domctl beside cue on the same files, and writes docs/benchmarks.md.
set -euo pipefail
cd "$(dirname "$0")/.."
exec go run ./hack/bench "$@"
