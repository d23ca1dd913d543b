//go:build race

package bench_test

// share of a measurement that the race detector looks at: it makes deciding
// fifteen times slower, and the whole of it runs without, see scripts/test.sh.
const share = 20
