package parser

import (
	"fmt"
	"strconv"
)

// Render writes the right SMS for f: positional, unlabelled, K included. It
// refuses what an officer's worksheet would refuse: a wrong number of figures,
// a figure beyond three boxes, a contradiction, a K that does not fit.
func Render(b *Ballot, tps TPSCode, f Figures) (string, error) {
	if !tps.Valid() {
		return "", fmt.Errorf("TPS code %q: eight digits whose check holds are needed", string(tps))
	}
	if err := b.checkFigures(f); err != nil {
		return "", err
	}
	k, ok := b.K(f)
	if !ok { // no sound figures of today's forms get there
		return "", fmt.Errorf("%s: the running totals add up to more than K has digits for", b.Keyword)
	}
	out := make([]byte, 0, 160)
	out = append(out, b.Keyword...)
	out = append(out, ' ')
	out = append(out, tps...)
	for _, v := range f {
		out = append(out, ' ')
		out = strconv.AppendInt(out, int64(v), 10)
	}
	out = append(out, ' ')
	out = append(out, k...)
	return string(out), nil
}
