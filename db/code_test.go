package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/parser"
	"tali/verify"
)

// newAuthCentre is a centre that asks for codes, with a second officer at every
// station.
func newAuthCentre(t testing.TB, stations int, mode parser.AuthMode) *centre {
	t.Helper()
	c := &centre{t: t, pg: dbtest.New(t), key: []byte("kunci uji"), profile: election(t, func(p *parser.Profile) {
		p.Auth = mode
		p.Texts[verify.KindAskAuth] = []string{"KODE? Sisa {tries}"}
		p.Texts[verify.KindAskAuthAgain] = []string{"KODE tidak cocok. Sisa {tries}"}
		p.Texts[verify.KindAskAuthCall] = []string{"KODE tidak cocok. Petugas menelepon"}
	})}
	c.fill(stations, c.pg.DSN(cluster.Desk), c.pg.DSN(cluster.Gateway))
	seconds := make([]db.OfficerRow, stations)
	for i := range seconds {
		seconds[i] = db.OfficerRow{Line: i + 2, Name: fmt.Sprintf("Rekan %d", i), Phone: second(i), Station: stationCode(i)}
	}
	if _, err := c.desk.ImportOfficers(t.Context(), c.profile, seconds, nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// second is the phone of the other officer of a station.
func second(i int) string { return phone(10_000 + i) }

func (c *centre) card(station, generation int) parser.StationID {
	return parser.StationID{Election: c.profile.ID, Round: 1, Code: stationCode(station), Generation: generation}
}

func (c *centre) tan(station, i int) string {
	return parser.TANs(c.key, c.card(station, 1), parser.TANsPerCard)[i]
}

// signed is a message with the A2 of the station's first card.
func (c *centre) signed(station int, m db.Inbound) db.Inbound {
	rep := parser.Parse(c.profile, m.Text)
	canonical := parser.Canonical(rep.Ballot, rep.TPS, rep.Figures, parser.FirstReport)
	return inbound(m.Sender, m.Text+" "+parser.SignA2(parser.StationKey(c.key, c.card(station, 1)), canonical))
}

// coded is a tally of a station with a code behind it, from one of its phones.
func (c *centre) coded(from string, station, first int, code string) db.Inbound {
	return inbound(from, c.tally(station, first).Text+" "+code)
}

func (c *centre) wantNumbers(want map[string]int) {
	c.t.Helper()
	for query, n := range want {
		if got := c.number(query); got != n {
			c.t.Errorf("%s = %d, want %d", query, got, n)
		}
	}
}

func TestProofsAreStored(t *testing.T) {
	t.Parallel()
	c := newAuthCentre(t, 3, parser.AuthAccepted)
	tan := c.tan(1, 0)
	got := c.intake(c.tally(0, 145), c.coded(phone(1), 1, 145, tan), c.signed(2, c.tally(2, 145)), c.coded(second(1), 1, 150, "222222"))
	if want := "accepted accepted accepted unproven"; outcomes(got) != want {
		t.Fatalf("outcomes = %q, want %q", outcomes(got), want)
	}
	c.wantNumbers(map[string]int{
		`SELECT count(*) FROM tally.entry WHERE assurance = 'A0'`:                                                 1,
		`SELECT count(*) FROM tally.entry WHERE assurance = 'A1'`:                                                 1,
		`SELECT count(*) FROM tally.entry WHERE assurance = 'A2'`:                                                 1,
		`SELECT count(*) FROM tally.spent_code WHERE code = '` + tan + `' AND ballot = 7 AND revision = 1`:        1,
		`SELECT count(*) FROM tally.wrong_code WHERE code = '222222' AND generation = 1`:                          1,
		`SELECT count(*) FROM intake.question WHERE kind = 'ask_auth_again'`:                                      1,
		`SELECT count(*) FROM intake.verdict WHERE outcome = 'unproven' AND quarantine AND reason = 'auth_wrong'`: 1,
		`SELECT count(*) FROM tally.spent_code s JOIN tally.entry e USING (message) WHERE e.station = s.station`:  1,
	})
	// The same tally again, with a code: the entry stays, its proof is better.
	if got := outcomes(c.intake(c.coded(phone(0), 0, 145, c.tan(0, 0)), c.signed(1, c.tally(1, 145)))); got != "same same" {
		t.Fatalf("outcomes = %q", got)
	}
	c.wantNumbers(map[string]int{
		`SELECT count(*) FROM tally.raised_proof`:                        2,
		`SELECT count(*) FROM tally.proven_entry WHERE assurance = 'A1'`: 1,
		`SELECT count(*) FROM tally.proven_entry WHERE assurance = 'A2'`: 2,
		`SELECT count(*) FROM tally.spent_code`:                          2,
	})
	// A later batch loads what was raised: a weaker correction is held.
	ralat := c.tally(1, 146)
	ralat.Text = "RALAT 7F3K2 " + ralat.Text + " " + c.tan(1, 1)
	if got := c.intake(inbound(phone(1), ralat.Text)); got[0].Reason != "ralat_assurance" {
		t.Errorf("RALAT with A1 of what is A2 by now: %s %s", got[0].Outcome, got[0].Reason)
	}
}

func TestUnprovenWaitsOverARestart(t *testing.T) {
	t.Parallel()
	c := newAuthCentre(t, 1, parser.AuthRequired)
	if got := c.intake(c.at(0, rightOne), c.at(1, otherOne)); outcomes(got) != "unproven unproven" || got[1].Reply.Text != "KODE? Sisa 5" {
		t.Fatalf("outcomes = %q", outcomes(got))
	}
	c.wantNumbers(map[string]int{`SELECT count(*) FROM intake.question`: 1, `SELECT count(*) FROM tally.entry`: 0})
	c.gateway = open(t, c.pg.DSN(cluster.Gateway))
	if got := c.intake(c.at(2, "A 22222222"), c.at(3, "A "+c.tan(0, 4))); outcomes(got) != "unproven accepted" {
		t.Fatalf("outcomes = %q", outcomes(got))
	}
	c.wantNumbers(map[string]int{
		`SELECT figures[2] FROM tally.entry WHERE assurance = 'A1'`: 100, `SELECT count(*) FROM intake.question`: 0,
		`SELECT count(*) FROM tally.spent_code`: 1,
	})
}

func TestUnprovenIsListedForACallBack(t *testing.T) {
	t.Parallel()
	c := newAuthCentre(t, 1, parser.AuthRequired)
	c.intake(c.at(0, rightOne))
	lapsed, err := c.desk.LapsedQuestions(t.Context(), c.profile, receivedAt.Add(time.Hour))
	if err != nil || len(lapsed) != 1 || lapsed[0].Kind != verify.KindAskAuth || lapsed[0].Station != stationCode(0) {
		t.Errorf("after an hour %+v lapsed, %v", lapsed, err)
	}
}

func TestTriesAreCountedOverRestarts(t *testing.T) {
	t.Parallel()
	c := newAuthCentre(t, 1, parser.AuthRequired)
	for i, code := range []string{"222222", "222222", "222223", "22222224", "222225", "222226", "222227"} {
		c.gateway = open(t, c.pg.DSN(cluster.Gateway))
		got := c.intake(c.at(i, rightOne+" "+code))
		want := []string{"Sisa 4", "Sisa 4", "Sisa 3", "Sisa 2", "Sisa 1", "Petugas menelepon", "Petugas menelepon"}[i]
		if got[0].Reply == nil || !strings.HasSuffix(got[0].Reply.Text, want) {
			t.Errorf("wrong code %d: %+v, want %s", i+1, got[0].Reply, want)
		}
	}
	c.wantNumbers(map[string]int{`SELECT count(*) FROM tally.wrong_code`: 5})
	if got := c.intake(c.at(20, rightOne+" "+c.tan(0, 0))); outcomes(got) != "accepted" {
		t.Errorf("the right code after five wrong ones: %s", outcomes(got))
	}
}

// Two gateways bring the same one-time code of each station in the same moment,
// from two phones and for two tallies: one of them is proven.
func TestOneTimeCodeInTheSameMoment(t *testing.T) {
	t.Parallel()
	const stations, sides = 20, 2
	c := newAuthCentre(t, stations, parser.AuthRequired)
	var work sync.WaitGroup
	for side := range sides {
		gateway := open(t, c.pg.DSN(cluster.Gateway))
		b := c.batch()
		b.Gateway = fmt.Sprintf("gw%d", side)
		for i := range stations {
			station := i
			if side == 1 {
				station = stations - 1 - i
			}
			from := []string{phone(station), second(station)}[side]
			b.Messages = append(b.Messages, c.coded(from, station, 100+side, c.tan(station, 0)))
		}
		work.Go(func() {
			for n := range b.Messages { // one by one: the two meet at every station
				one := b
				one.Messages = b.Messages[n : n+1]
				if _, err := gateway.Intake(t.Context(), one); err != nil {
					t.Errorf("side %d: %v", side, err)
				}
			}
		})
	}
	work.Wait()
	c.wantNumbers(map[string]int{
		`SELECT count(*) FROM tally.spent_code`:                                       stations,
		`SELECT count(*) FROM tally.entry WHERE assurance = 'A1' AND state = 'masuk'`: stations,
		`SELECT count(*) FROM tally.entry`:                                            stations,
		`SELECT count(*) FROM tally.wrong_code`:                                       stations,
		`SELECT count(*) FROM intake.verdict WHERE outcome = 'unproven'`:              stations,
	})
	c.checkStanding(t)
}

// The code of one station proves nothing at another, even in the same batch.
func TestOneTimeCodeOfAnotherStation(t *testing.T) {
	t.Parallel()
	c := newAuthCentre(t, 2, parser.AuthRequired)
	tan := c.tan(0, 0)
	if got := outcomes(c.intake(c.coded(phone(1), 1, 145, tan), c.coded(phone(0), 0, 145, tan))); got != "unproven accepted" {
		t.Errorf("outcomes = %q", got)
	}
}

// Where no lock helps, the key of the table does: somebody else spends the code
// between the facts and the write, and the message is decided again.
func TestOneTimeCodeIsOneByItsKey(t *testing.T) {
	t.Parallel()
	c := newAuthCentre(t, 1, parser.AuthRequired)
	holder, err := c.owner().BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = holder.ExecContext(t.Context(), `INSERT INTO tally.spent_code (station, code, generation, round, election, ballot, revision, message)
		VALUES ($1, $2, 1, 1, 1, 7, 9, gen_random_uuid())`, stationCode(0), c.tan(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		verdicts []verify.Verdict
		err      error
	}
	done := make(chan result, 1)
	go func() {
		verdicts, err := c.gateway.Intake(context.WithoutCancel(t.Context()), c.batch(c.coded(phone(0), 0, 145, c.tan(0, 0))))
		done <- result{verdicts, err}
	}()
	c.waitFor(`SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`)
	if err := holder.Commit(); err != nil {
		t.Fatal(err)
	}
	got := <-done
	if got.err != nil || outcomes(got.verdicts) != "unproven" {
		t.Fatalf("Intake = %q, %v, want unproven", outcomes(got.verdicts), got.err)
	}
	c.wantNumbers(map[string]int{
		`SELECT count(*) FROM tally.spent_code`: 1, `SELECT count(*) FROM tally.entry`: 0,
		`SELECT count(*) FROM tally.wrong_code`: 1, `SELECT count(*) FROM intake.message`: 1,
	})
}

func TestReissuedCard(t *testing.T) {
	t.Parallel()
	c := newAuthCentre(t, 2, parser.AuthRequired)
	s := c.station(0)
	if s.Generation != 1 {
		t.Fatalf("generation = %d, want 1", s.Generation)
	}
	c.intake(c.coded(phone(0), 0, 145, "222222"))
	if n, err := c.desk.ReissueCard(t.Context(), c.profile, s, "uji"); n != 2 || err != nil {
		t.Fatalf("ReissueCard = %d, %v, want 2", n, err)
	}
	if _, err := c.desk.ReissueCard(t.Context(), c.profile, s, "uji"); !errors.Is(err, db.ErrCardChanged) {
		t.Errorf("reissuing the dead card = %v, want ErrCardChanged", err)
	}
	if _, err := c.gateway.ReissueCard(t.Context(), c.profile, c.station(1), "uji"); !errors.Is(err, db.ErrForbidden) {
		t.Errorf("as a gateway: %v, want ErrForbidden", err)
	}
	if a, b := c.station(0).Generation, c.station(1).Generation; a != 2 || b != 1 {
		t.Errorf("generations = %d and %d, want 2 and 1", a, b)
	}
	fresh := parser.TANs(c.key, c.card(0, 2), 1)[0]
	got := c.intake(c.coded(phone(0), 0, 145, c.tan(0, 0)), c.signed(0, c.tally(0, 145)), c.coded(phone(0), 0, 145, fresh))
	if outcomes(got) != "unproven unproven accepted" || got[0].Reply.Text != "KODE tidak cocok. Sisa 4" {
		t.Errorf("codes of the old card and the new one: %q, %+v", outcomes(got), got[0].Reply)
	}
	c.wantNumbers(map[string]int{
		`SELECT count(*) FROM registry.card WHERE generation = 2 AND issued_by = 'uji'`: 1,
		`SELECT generation FROM tally.spent_code`:                                       2,
	})
}

func TestReissuedTwiceInTheSameMoment(t *testing.T) {
	t.Parallel()
	c := newAuthCentre(t, 1, parser.AuthRequired)
	s := c.station(0)
	var work sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		work.Go(func() { _, errs[i] = c.desk.ReissueCard(t.Context(), c.profile, s, "uji") })
	}
	work.Wait()
	told := 0
	for _, err := range errs {
		if errors.Is(err, db.ErrCardChanged) {
			told++
		} else if err != nil {
			t.Error(err)
		}
	}
	if told != 3 || c.station(0).Generation != 2 {
		t.Errorf("%d of 4 were told, generation = %d, want 3 and 2", told, c.station(0).Generation)
	}
}

func (c *centre) station(i int) verify.Station {
	c.t.Helper()
	registry, err := c.gateway.Registry(c.t.Context(), c.profile)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, o := range registry.Officers { // a gateway decides by these
		for _, s := range o.Stations {
			if s.Code == stationCode(i) && s.Generation != registry.Stations[i].Generation {
				c.t.Errorf("officer %s knows generation %d of %s", o.Name, s.Generation, s.Code)
			}
		}
	}
	return registry.Stations[i]
}

// An intake that waits for the station while its card is declared dead knows the
// new card, though it has read the station before.
func TestReissuedWhileAnIntakeWaits(t *testing.T) {
	t.Parallel()
	c := newAuthCentre(t, 1, parser.AuthRequired)
	holder, err := c.owner().BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		`SELECT pg_advisory_xact_lock(` + stationCode(0) + `)`, `UPDATE registry.station SET generation = 2`,
	} {
		if _, err := holder.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan []verify.Verdict, 1)
	go func() {
		verdicts, err := c.gateway.Intake(context.WithoutCancel(t.Context()), c.batch(c.coded(phone(0), 0, 145, c.tan(0, 0))))
		if err != nil {
			t.Error(err)
		}
		done <- verdicts
	}()
	c.waitFor(`SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'`)
	if err := holder.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := <-done; outcomes(got) != "unproven" {
		t.Errorf("the old card's code = %q, want unproven", outcomes(got))
	}
}
