#!/bin/sh
# Runs each fuzz target of a package for a while, one after the other, as go
# test takes only one at a time.
#
#   scripts/fuzz.sh ./parser 1m
set -eu

package=${1:?a package, such as ./parser}
time=${2:-1m}
cd "$(dirname "$0")/.."

# Listed in two steps: a pipe would hide that the package does not build.
listed=$(go test -list '^Fuzz' "$package")
targets=$(printf '%s\n' "$listed" | grep '^Fuzz') || {
	printf '%s has no fuzz target\n' "$package" >&2
	exit 1
}
for target in $targets; do
	printf '%s %s for %s\n' "$package" "$target" "$time"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
done
