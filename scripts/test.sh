#!/bin/sh
# Formatting, vet and every test under the race detector; then, without it, the
# simulations of a million SMS, of which the detector saw a twentieth.
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
go test -race -buildvcs=false -timeout 20m ./...
go test -buildvcs=false -run '^(TestProtocol|TestRates)$' ./cmd/tali/bench
command -v chromium >/dev/null 2>&1 ||
	printf 'passed, but NOT TESTED: the offline page, as there is no chromium\n' >&2
