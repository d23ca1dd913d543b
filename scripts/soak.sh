#!/bin/sh
# An election night of so many minutes in which everything goes wrong: it prints
# a line now and then and a table at the end, and fails when an SMS was lost,
# counted twice or answered wrongly. TALI_TEST_SOAK_SEED plays another night.
set -eu

cd "$(dirname "$0")/.."
minutes=${1:?how many minutes}
export TALI_TEST_SOAK_MINUTES="$minutes"
exec go test -buildvcs=false -count=1 -v -timeout "$(( ${minutes%.*} + 30 ))m" -run '^TestNight$' ./cmd/tali/gateway
