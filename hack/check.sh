#!/usr/bin/env bash
# The house's checks: formatting, vet, staticcheck (named by the first argument,
# with its version), and generated files that are up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(git ls-files '*.go' | xargs gofmt -l)
if [ -n "$unformatted" ]; then
	printf 'gofmt would change:\n%s\n' "$unformatted" >&2
	exit 1
fi
go mod tidy -diff
go vet ./...
go vet -tags wire ./...
go run "$1" -tags wire ./...
go test ./internal/house/...
if [ -d hack/gendocs ]; then
	go run ./hack/gendocs
	if ! git diff --exit-code --stat -- docs; then
		echo "generated files were out of date; make generate writes them" >&2
		exit 1
	fi
fi
echo "check: clean"
