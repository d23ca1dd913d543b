package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tali/parser"
	"tali/parser/typist"
	"tali/verify"
)

const (
	rightTarget  = 5 * time.Microsecond
	searchTarget = 200 * time.Microsecond
	longest      = 54 // contestants
)

// Decide measures the rules: a right form, and wrong ones of the longest ballot
// with the search for the row that was meant and the question about it.
func Decide(context.Context, Settings) ([]Row, error) {
	p, err := election(parser.AuthOff, shape{'7', "PILBUP", nil, parser.FormFull, 3}, shape{'2', "DPD", nil, parser.FormFull, longest})
	if err != nil {
		return nil, err
	}
	right := strings.Fields("145 98 67 310 12 322 322 330 322 2 6 71674")
	rng := rand.New(rand.NewPCG(protocolSeed, 54))
	f := typist.Figures(rng, p.Ballots[1])
	k, _ := p.Ballots[1].K(f)
	slip := append(typist.Written(f), k)
	slip[20] = typist.Slip(rng, slip[20])
	left := append(typist.Written(f), k)
	left = append(left[:20], left[21:]...)
	var rows []Row
	for _, m := range []struct {
		name, keyword string
		words         []string
		want          verify.Outcome
		most          time.Duration
	}{
		{"right form, 3 contestants", "PILBUP", right, verify.OutcomeAccepted, rightTarget},
		{"one figure wrong of 54 contestants", "DPD", slip, verify.OutcomeFigures, searchTarget},
		{"one row left out of 54 contestants", "DPD", left, verify.OutcomeStructure, searchTarget},
	} {
		booth := newBooth()
		booth.begin(p, "10013505")
		text := m.keyword + " 10013505 " + strings.Join(m.words, " ")
		rep := parser.Parse(p, text)
		message := booth.message(text)
		if v := verify.Decide(p, message, &rep, booth.facts); v.Outcome != m.want {
			return nil, fmt.Errorf("%q comes to %s, want %s", text, v.Outcome, m.want)
		}
		per := time.Duration(testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				verify.Decide(p, message, &rep, booth.facts)
			}
		}).NsPerOp())
		rows = append(rows, Row{m.name, per.String(), "<= " + m.most.String(), per <= m.most})
	}
	return rows, nil
}
