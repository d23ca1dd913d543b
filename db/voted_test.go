package db_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tali/db"
	"tali/db/dbtest"
	"tali/parser"
	"tali/verify"
)

// twin is a centre of an election of three ballots.
func twin(t *testing.T, stations int) *centre {
	t.Helper()
	c := &centre{t: t, pg: dbtest.New(t), profile: election(t, func(p *parser.Profile) {
		for i, keyword := range []string{"PILGUB", "PILWAL"} {
			b := *p.Ballots[0]
			b.Digit, b.Keyword, b.Aliases = "68"[i], keyword, nil
			p.Ballots = append(p.Ballots, &b)
		}
	})}
	c.fill(stations, c.pg.DSN("tali_desk"), c.pg.DSN("tali_gateway"))
	c.staff()
	return c
}

// ballotTally is a right message about a ballot of a station; first is the votes
// of its first row.
func (c *centre) ballotTally(station, ballot, first int) db.Inbound {
	f := parser.Figures{int16(first), 98, 67, 0, 12, 0, 0, 0, 0, 2, 6}
	f[3] = f[0] + f[1] + f[2]
	f[5] = f[3] + f[4]
	f[6], f[8] = f[5], f[5]
	f[7] = f[8] + f[9] + f[10]
	text, err := parser.Render(c.profile.Ballots[ballot], parser.TPSCode(c.codes[station]), f)
	if err != nil {
		c.t.Fatal(err)
	}
	return inbound(phone(station), text)
}

// TestVotedDecidesAlike: with how many voted beside each case, everything is
// decided as it is with all entries of all ballots at hand, whatever officers and
// staff do, and in whatever batches it comes.
func TestVotedDecidesAlike(t *testing.T) {
	t.Parallel()
	const stations, steps = 5, 150
	quick, whole := twin(t, stations), twin(t, stations)
	random := rand.New(rand.NewPCG(5, 1))
	acts := []verify.Act{verify.ActConfirm, verify.ActReject, verify.ActHold, verify.ActUndo}
	apart, known, acted := 0, 0, 0
	quickRows, wholeRows := quick.owner(), whole.owner()
	for step := range steps {
		if station := random.IntN(stations); random.IntN(3) == 0 {
			act, who, pick := acts[random.IntN(len(acts))], []string{"ani", "budi"}[random.IntN(2)], random.IntN(100)
			var errs [2]error
			for i, c := range []*centre{quick, whole} {
				if f := c.file(station); f.Revision > 0 {
					_, errs[i] = c.decide(station, 1+pick%f.Revision, act, who)
				}
			}
			if (errs[0] == nil) != (errs[1] == nil) {
				t.Fatalf("step %d: %s by %s: %v, and with all entries %v", step, act, who, errs[0], errs[1])
			}
			if errs[0] == nil {
				acted++
			}
			continue
		}
		var batch []db.Inbound
		for range 1 + random.IntN(4) {
			station, ballot, first := random.IntN(stations), random.IntN(3), 100+random.IntN(3)*random.IntN(40)
			if random.IntN(12) == 0 {
				batch = append(batch, inbound(phone(station), fmt.Sprintf("YA %d", step)))
				continue
			}
			batch = append(batch, quick.ballotTally(station, ballot, first))
		}
		if _, err := wholeRows.ExecContext(t.Context(), `UPDATE tally.standing SET voted = NULL`); err != nil {
			t.Fatal(err)
		}
		known += number(t, quickRows, `SELECT count(*) FROM tally.standing WHERE voted IS NOT NULL`)
		got, want := quick.intake(batch...), whole.intake(batch...)
		for i := range got {
			if told(&got[i]) != told(&want[i]) {
				t.Fatalf("step %d, %q:\n%s\nwith all entries\n%s", step, batch[i].Text, told(&got[i]), told(&want[i]))
			}
			if strings.Contains(told(&got[i]), string(verify.FlagApart)) {
				apart++
			}
		}
	}
	if apart < 5 || known < steps || acted < 5 {
		t.Errorf("%d flags, %d cases with the number, %d acts: the test shows too little", apart, known, acted)
	}
	for _, c := range []*centre{quick, whole} {
		c.wantVoted()
	}
}

// told is everything that a verdict says to anybody.
func told(v *verify.Verdict) string {
	text := fmt.Sprintf("%s %s", v.Outcome, v.Reason)
	if v.Entry != nil {
		flags := slices.Clone(v.Entry.Flags)
		slices.Sort(flags)
		text += fmt.Sprintf(" %v %d %s %v", v.Entry.Case, v.Entry.Revision, v.Entry.State, flags)
	}
	if v.Reply != nil {
		text += " " + v.Reply.Kind + " " + v.Reply.Text
	}
	return text
}

// wantVoted: the number is that of the entry that stands, or none.
func (c *centre) wantVoted() {
	c.t.Helper()
	if n := c.number(`SELECT count(*) FROM tally.standing s WHERE voted IS NOT NULL AND voted IS DISTINCT FROM (
		SELECT e.figures[6] FROM tally.entry e WHERE (e.station, e.ballot, e.round, e.election, e.revision) = (s.station, s.ballot, s.round, s.election, s.entry))`); n > 0 {
		c.t.Errorf("%d cases say another number than their entry", n)
	}
}

// TestVotedOfOthers: whoever changes what stands and does not know the number, the
// staff or a gateway of the version before, leaves none that is wrong.
func TestVotedOfOthers(t *testing.T) {
	t.Parallel()
	c := twin(t, 1)
	c.intake(c.ballotTally(0, 0, 145))
	if got := c.number(`SELECT voted FROM tally.standing`); got != 322 {
		t.Errorf("voted = %d, want 322", got)
	}
	c.intake(c.ballotTally(0, 0, 146)) // held: it changes nothing of what stands
	if got := c.number(`SELECT coalesce(voted, 0) FROM tally.standing`); got != 322 {
		t.Errorf("voted = %d beside a held report, want 322", got)
	}
	for _, who := range []string{"ani", "budi"} { // two people for a conflict; their statement names no number
		if _, err := c.decide(0, 1, verify.ActReject, who); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.number(`SELECT coalesce(voted, 0) FROM tally.standing`); got != 0 {
		t.Errorf("voted = %d where nothing stands", got)
	}
	c.wantVoted()
}
