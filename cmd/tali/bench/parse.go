package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tali/parser"
)

const (
	tally       = "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"
	parseTarget = 2 * time.Microsecond
	parseAllocs = 4
)

// Parse measures the parser on one right tally.
func Parse(context.Context, Settings) ([]Row, error) {
	p, err := openProfile()
	if err != nil {
		return nil, err
	}
	if r := parser.Parse(p, tally); !r.Consistent() {
		return nil, fmt.Errorf("the sample tally does not parse: %+v", r.Problem)
	}
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			parser.Parse(p, tally)
		}
	})
	per := time.Duration(r.NsPerOp())
	return []Row{
		{"time per tally", per.String(), "<= " + parseTarget.String(), per <= parseTarget},
		{"allocations", fmt.Sprint(r.AllocsPerOp()), fmt.Sprintf("<= %d", parseAllocs), r.AllocsPerOp() <= parseAllocs},
	}, nil
}
