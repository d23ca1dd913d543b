#!/bin/sh
# Formatting, vet and every test under the race detector.
set -eu

cd "$(dirname "$0")/.."
gofmt="$(go env GOROOT)/bin/gofmt"

unformatted=$("$gofmt" -l .)
if [ -n "$unformatted" ]; then
	printf 'not formatted, run gofmt -w on:\n%s\n' "$unformatted" >&2
	exit 1
fi
export CGO_ENABLED=1 # the race detector needs it; Go turns it off where it saw no compiler
go vet ./...
exec go test -race -buildvcs=false -timeout 20m ./...
