//go:build !race

package bench_test

const share = 1
