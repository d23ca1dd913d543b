package db

import (
	"context"
	"fmt"
	"strconv"

	"tali/parser"
	"tali/verify"
)

const reported = `
SELECT s.station::text AS station, s.ballot
FROM tally.standing s JOIN registry.election e ON e.id = s.election
WHERE e.code = $1 AND s.round = $2 AND s.station / 1000000000 = $3 AND s.entry IS NOT NULL`

// Reported names the cases of p's election, round and regency in which an entry
// stands.
func (d *DB) Reported(ctx context.Context, p *parser.Profile) (map[verify.CaseKey]bool, error) {
	regency, err := strconv.Atoi(p.Regency)
	if err != nil {
		return nil, fmt.Errorf("regency %q of %s: %w", p.Regency, p.ID, err)
	}
	var rows []struct {
		Station string
		Ballot  int
	}
	if err := d.list(ctx, &rows, reported, p.ID, p.Round, regency); err != nil {
		return nil, fmt.Errorf("reading what was reported to %s: %w", p.ID, err)
	}
	keywords := make(map[int]string, len(p.Ballots))
	for _, b := range p.Ballots {
		keywords[int(b.Digit-'0')] = b.Keyword
	}
	out := make(map[verify.CaseKey]bool, len(rows))
	for _, r := range rows {
		out[verify.CaseKey{Station: r.Station, Ballot: keywords[r.Ballot]}] = true
	}
	return out, nil
}
