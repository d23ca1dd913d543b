#!/bin/sh
# Builds tali and prints the path of the binary: bin/tali in the checkout, or
# in the user's cache directory when the checkout is not writable.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

out=$root/bin
if ! { mkdir -p "$out" && [ -w "$out" ]; } 2>/dev/null; then
	out=${XDG_CACHE_HOME:-${HOME:?neither the checkout nor a home directory is writable}/.cache}/tali/bin
	mkdir -p "$out"
fi

# git refuses a checkout of another user, and an unpacked archive has none (or
# lies inside another project's): both are "dev".
version=dev
if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$root" ]; then
	version=$(git describe --tags --always --dirty 2>/dev/null) || version=dev
fi

go build -buildvcs=false -ldflags "-X main.version=$version" -o "$out/tali" ./cmd/tali >&2
printf '%s\n' "$out/tali"
