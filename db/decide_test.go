package db_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/lib/pq"

	"tali/db"
	"tali/db/cluster"
	"tali/parser"
	"tali/verify"
)

// staffRows are the accounts of the tests; the last one may not decide.
const staffRows = `INSERT INTO staff.account (login, name, role) VALUES
	('ani', 'Ani', 'verifier'), ('budi', 'Budi', 'verifier'), ('citra', 'Citra', 'supervisor'), ('tamu', 'Tamu', 'viewer')
	ON CONFLICT DO NOTHING`

func (c *centre) staff() {
	c.t.Helper()
	if _, err := c.owner().ExecContext(c.t.Context(), staffRows); err != nil {
		c.t.Fatal(err)
	}
}

func (c *centre) caseKey(station int) verify.CaseKey {
	return verify.CaseKey{Station: stationCode(station), Ballot: "PILBUP"}
}

func (c *centre) file(station int) *db.CaseFile {
	c.t.Helper()
	f, err := c.desk.Case(c.t.Context(), c.profile, c.caseKey(station))
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

// decide decides on the case as it is now.
func (c *centre) decide(station, revision int, a verify.Act, staff string) (db.Decided, error) {
	c.t.Helper()
	c.staff()
	return c.desk.Decide(c.t.Context(), c.profile, db.Decision{
		Case: c.caseKey(station), Revision: revision, Version: c.file(station).Version, Act: a, Reason: "angka beda dgn formulir", Staff: staff,
	})
}

// confirm has an entry confirmed by as many people as it takes.
func (c *centre) confirm(station, revision int, staff ...string) {
	c.t.Helper()
	for _, s := range staff {
		if _, err := c.decide(station, revision, verify.ActConfirm, s); err != nil {
			c.t.Fatal(err)
		}
	}
}

// plain is a tally that touches no soft rule.
func (c *centre) plain(station, first int) db.Inbound {
	f := parser.Figures{int16(first), 98, 67, 0, 12, 0, 0, 513, 0, 2, 0}
	f[3] = f[0] + f[1] + f[2]
	f[5] = f[3] + f[4]
	f[6], f[8] = f[5], f[5]
	f[10] = f[7] - f[8] - f[9]
	text, err := parser.Render(c.profile.Ballots[0], parser.TPSCode(c.codes[station]), f)
	if err != nil {
		c.t.Fatal(err)
	}
	return inbound(phone(station), text)
}

func (f fact) String() string { return fmt.Sprintf("%d:%s", f.revision, f.state) }

type fact struct {
	revision int
	state    verify.State
}

// states are the entries of a case with the state of each, what stands first.
func states(f *db.CaseFile) string {
	words := []string{fmt.Sprintf("stands %d", f.Entry)}
	for _, e := range f.Entries {
		words = append(words, fact{e.Revision, e.State}.String())
	}
	return strings.Join(words, " ")
}

func (c *centre) wantStates(station int, want string) {
	c.t.Helper()
	if got := states(c.file(station)); got != want {
		c.t.Errorf("case %d: %s, want %s", station, got, want)
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.profile.Texts[verify.KindVerified] = []string{"TERVERIFIKASI {proof} TPS {tps}"}
	c.intake(c.plain(0, 145))
	got, err := c.decide(0, 1, verify.ActConfirm, "ani")
	if err != nil || got.First || got.Told == nil || got.Told.Text != "TERVERIFIKASI 7F3K2 TPS "+c.codes[0] {
		t.Fatalf("Decide = %+v, %v", got, err)
	}
	c.wantStates(0, "stands 1 1:terverifikasi")
	if n := c.number(`SELECT count(*) FROM outbox.reply WHERE kind = 'verified' AND message IS NULL AND gateway = 'gw1' AND recipient = $1`, phone(0)); n != 1 {
		t.Errorf("notices = %d, want 1", n)
	}
	c.project()
	if n := c.number(`SELECT count(*) FROM results.station_result`); n != 1 {
		t.Errorf("results = %d, want 1", n)
	}
	if _, err := c.decide(0, 1, verify.ActConfirm, "budi"); !errors.Is(err, verify.ErrIllegal) {
		t.Errorf("confirming again: %v", err)
	}
	if got := outcomes(c.intake(c.plain(0, 146))); got != "conflict" {
		t.Errorf("a tally after the confirmation: %s", got)
	}
	c.wantStates(0, "stands 1 1:terverifikasi 2:ditahan")
}

// Two verifiers in the same second: exactly one decision.
func TestTwoVerifiersAtOnce(t *testing.T) {
	t.Parallel()
	const stations = 12
	c := newCentre(t, stations)
	c.staff()
	for i := range stations {
		c.intake(c.plain(i, 145))
	}
	acts := []verify.Act{verify.ActConfirm, verify.ActReject, verify.ActHold, verify.ActConfirm}
	var work sync.WaitGroup
	done := make([]int, stations)
	var mu sync.Mutex
	for n, act := range acts {
		who := []string{"ani", "budi"}[n%2]
		work.Go(func() {
			for i := range stations {
				_, err := c.desk.Decide(t.Context(), c.profile, db.Decision{
					Case: c.caseKey(i), Revision: 1, Version: 1, Act: act, Reason: "uji", Staff: who,
				})
				switch {
				case err == nil:
					mu.Lock()
					done[i]++
					mu.Unlock()
				case !errors.Is(err, db.ErrOutdated):
					t.Errorf("station %d: %v", i, err)
				}
			}
		})
	}
	work.Wait()
	for i, n := range done {
		if n != 1 {
			t.Errorf("station %d: %d decisions, want 1", i, n)
		}
	}
	if n := c.number(`SELECT count(*) FROM tally.decision`); n != stations {
		t.Errorf("decision rows = %d, want %d", n, stations)
	}
	c.checkReplay(t)
}

func TestFlaggedNeedsTwo(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.tally(0, 145)) // other ballots than due were received
	got, err := c.decide(0, 1, verify.ActConfirm, "ani")
	if err != nil || !got.First {
		t.Fatalf("the first of two: %+v, %v", got, err)
	}
	c.wantStates(0, "stands 1 1:masuk")
	if _, err := c.decide(0, 1, verify.ActConfirm, "ani"); !errors.Is(err, db.ErrSecondPerson) {
		t.Errorf("the same person again: %v", err)
	}
	if got, err := c.decide(0, 1, verify.ActConfirm, "budi"); err != nil || got.First {
		t.Errorf("the second: %+v, %v", got, err)
	}
	c.wantStates(0, "stands 1 1:terverifikasi")
}

// An agreement is about what was seen: a version that came since ends it.
func TestAgreementEndsWithItsVersion(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.tally(0, 145))
	c.confirm(0, 1, "ani")
	c.intake(c.tally(0, 146))
	if got, err := c.decide(0, 1, verify.ActConfirm, "budi"); err != nil || !got.First {
		t.Errorf("the second, after another version came: %+v, %v; want the first of two again", got, err)
	}
	c.wantStates(0, "stands 1 1:masuk 2:ditahan")
}

func TestConflictIsDecided(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.tally(0, 145), c.tally(0, 146), c.tally(0, 147))
	c.confirm(0, 2, "ani", "budi")
	c.wantStates(0, "stands 2 1:digantikan 2:terverifikasi 3:digantikan")
	if _, err := c.decide(0, 2, verify.ActUndo, "citra"); err != nil {
		t.Fatal(err)
	}
	c.wantStates(0, "stands 1 1:masuk 2:ditahan 3:ditahan")
	if _, err := c.decide(0, 2, verify.ActUndo, "citra"); !errors.Is(err, verify.ErrIllegal) {
		t.Errorf("undoing an undo: %v", err)
	}
	c.confirm(0, 3, "ani", "budi")
	c.wantStates(0, "stands 3 1:digantikan 2:digantikan 3:terverifikasi")
	c.checkReplay(t)
}

func TestRejectTellsTheReason(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.profile.Texts[verify.KindRejected] = []string{"DITOLAK {tps}: {reason}"}
	c.intake(c.plain(0, 145))
	got, err := c.decide(0, 1, verify.ActReject, "ani")
	if err != nil || got.Told == nil || got.Told.Text != "DITOLAK "+c.codes[0]+": angka beda dgn formulir" {
		t.Fatalf("Decide = %+v, %v", got.Told, err)
	}
	c.wantStates(0, "stands 0 1:ditolak")
	again := c.plain(0, 145)
	again.Key[0]++
	if got := outcomes(c.intake(again, c.plain(0, 140))); got != "held accepted" {
		t.Errorf("outcomes = %q, want held accepted", got)
	}
	c.wantStates(0, "stands 3 1:ditolak 2:ditahan 3:masuk")
	if _, err := c.decide(0, 1, verify.ActUndo, "ani"); err != nil {
		t.Fatal(err)
	}
	c.wantStates(0, "stands 3 1:ditahan 2:ditahan 3:masuk")
	c.checkReplay(t)
}

// A form that contradicts itself is confirmed only once somebody has called.
func TestFormNeedsACall(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.staff()
	if got := outcomes(c.intake(c.at(0, slipValid), c.at(1, "FORM"))); got != "figures accepted" {
		t.Fatalf("outcomes = %q", got)
	}
	if _, err := c.decide(0, 1, verify.ActConfirm, "ani"); !errors.Is(err, db.ErrCallBack) {
		t.Errorf("without a call: %v", err)
	}
	call := db.Decision{Case: c.caseKey(0), Revision: 1, Version: 1, Reason: "tidak diangkat", Staff: "ani"}
	if err := c.desk.RecordCall(t.Context(), c.profile, call, false); err != nil {
		t.Fatal(err)
	}
	if _, err := c.decide(0, 1, verify.ActConfirm, "ani"); !errors.Is(err, db.ErrCallBack) {
		t.Errorf("nobody answered: %v", err)
	}
	call.Reason = "di formulir memang begitu"
	if err := c.desk.RecordCall(t.Context(), c.profile, call, true); err != nil {
		t.Fatal(err)
	}
	c.confirm(0, 1, "ani", "budi")
	c.wantStates(0, "stands 1 1:terverifikasi")
}

func TestHoldAndAskAgain(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.profile.Texts[verify.KindAskAgainProof] = []string{"PERIKSA LAGI {tps}: {reason}. RALAT {proof}"}
	c.intake(c.plain(0, 145))
	told, err := c.desk.AskAgain(t.Context(), c.profile, db.Decision{Case: c.caseKey(0), Revision: 1, Version: 1, Reason: "S terlalu besar?", Staff: "x"})
	if !errors.Is(err, db.ErrNotDecider) {
		t.Errorf("an account that is none asks: %v, %v", told, err)
	}
	c.staff()
	told, err = c.desk.AskAgain(t.Context(), c.profile, db.Decision{Case: c.caseKey(0), Revision: 1, Version: 1, Reason: "S terlalu besar?", Staff: "ani"})
	if err != nil || told == nil || !strings.Contains(told.Text, "S terlalu besar?. RALAT 7F3K2") {
		t.Fatalf("AskAgain = %+v, %v", told, err)
	}
	if _, err := c.decide(0, 1, verify.ActHold, "ani"); err != nil {
		t.Fatal(err)
	}
	c.wantStates(0, "stands 0 1:ditahan")
	if got := outcomes(c.intake(c.plain(0, 144))); got != "accepted" {
		t.Errorf("after the hold: %s", got)
	}
	c.wantStates(0, "stands 2 1:ditahan 2:masuk")
	c.checkReplay(t)
}

// What the page would not do, the tables refuse.
func TestTablesGuardDecisions(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	c.staff()
	c.intake(c.tally(0, 145), c.plain(1, 145))
	const insert = `INSERT INTO tally.decision (election, station, ballot, round, revision, act, kind, was, state, version, seen, staff, reason) VALUES `
	desk := c.pg.Open(cluster.Desk)
	for name, tc := range map[string]struct{ sql, want string }{
		"alone on a flagged one":   {insert + `(1, 7108012001001, 7, 1, 1, 1, 'confirm', 'masuk', 'terverifikasi', 1, 1, 'ani', '')`, "TL003"},
		"an old version":           {insert + `(1, 7108012001002, 7, 1, 1, 1, 'confirm', 'masuk', 'terverifikasi', 0, 1, 'ani', '')`, "TL001"},
		"from another state":       {insert + `(1, 7108012001002, 7, 1, 1, 1, 'confirm', 'ditahan', 'terverifikasi', 1, 1, 'ani', '')`, "TL001"},
		"no such entry":            {insert + `(1, 7108012001002, 7, 1, 2, 1, 'confirm', 'masuk', 'terverifikasi', 1, 1, 'ani', '')`, "TL002"},
		"to a state of another":    {insert + `(1, 7108012001002, 7, 1, 1, 1, 'hold', 'masuk', 'terverifikasi', 1, 1, 'ani', '')`, "TL002"},
		"undoing nothing":          {insert + `(1, 7108012001002, 7, 1, 1, 1, 'undo', 'masuk', NULL, 1, 1, 'ani', '')`, "TL002"},
		"a viewer":                 {insert + `(1, 7108012001002, 7, 1, 1, 1, 'confirm', 'masuk', 'terverifikasi', 1, 1, 'tamu', '')`, "TL007"},
		"nobody":                   {insert + `(1, 7108012001002, 7, 1, 1, 1, 'confirm', 'masuk', 'terverifikasi', 1, 1, 'siapa', '')`, "TL007"},
		"no reason":                {insert + `(1, 7108012001002, 7, 1, 1, 1, 'reject', 'masuk', 'ditolak', 1, 1, 'ani', '')`, "23514"},
		"decision alone":           {insert + `(1, 7108012001002, 7, 1, 1, 1, 'confirm', 'masuk', 'terverifikasi', 1, 1, 'ani', '')`, "TL006"},
		"standing alone":           {`UPDATE tally.standing SET state = 'terverifikasi', version = version + 1 WHERE station = 7108012001002`, "TL006"},
		"dropping what stands":     {`UPDATE tally.standing SET state = NULL, entry = NULL, version = version + 1 WHERE station = 7108012001002`, "TL006"},
		"entry without typing":     {`SELECT tally.add_entry(1, 2)`, "P0002"},
		"an entry of its own":      {`INSERT INTO tally.entry SELECT * FROM tally.entry`, "42501"},
		"changing a remark":        {`UPDATE tally.remark SET note = 'x'`, "42501"},
		"taking a typing back":     {`DELETE FROM tally.typing`, "42501"},
		"changing who was claimed": {`UPDATE tally.handling SET note = 'x'`, "42501"},
	} {
		_, err := desk.ExecContext(t.Context(), tc.sql)
		if got := sqlstate(err); got != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	if n := c.number(`SELECT count(*) FROM tally.decision`); n != 0 {
		t.Errorf("decisions = %d, want none", n)
	}
}

func TestClaimKeepsOthersOut(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.plain(0, 145))
	ctx := t.Context()
	subject, err := c.desk.CaseSubject(ctx, c.profile, c.caseKey(0))
	if err != nil {
		t.Fatal(err)
	}
	open := func(who, want string) {
		t.Helper()
		got, err := c.desk.OpenOnDesk(ctx, subject, who)
		if err != nil || got.Staff != want {
			t.Errorf("%s opens: it is with %q, %v; want %q", who, got.Staff, err, want)
		}
	}
	open("ani", "ani")
	open("budi", "ani")
	if _, err := c.decide(0, 1, verify.ActConfirm, "budi"); !errors.Is(err, db.ErrClaimed) {
		t.Errorf("deciding what another has open: %v", err)
	}
	if err := c.desk.TakeOver(ctx, subject, "budi", "Ani istirahat"); err != nil {
		t.Fatal(err)
	}
	open("ani", "budi")
	if n := c.number(`SELECT count(*) FROM desk.claim WHERE staff = 'budi' AND before = 'ani' AND note = 'Ani istirahat'`); n != 1 {
		t.Error("the note of taking over is not kept")
	}
	c.confirm(0, 1, "budi")
	if _, err := c.owner().ExecContext(ctx, `UPDATE desk.claim SET until = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	open("ani", "ani") // it lapsed
	if err := c.desk.LeaveDesk(ctx, subject, "ani"); err != nil {
		t.Fatal(err)
	}
	open("budi", "budi")
}

func sqlstate(err error) string {
	var refused *pq.Error
	if errors.As(err, &refused) {
		return string(refused.Code)
	}
	return ""
}

// Whoever opens a case first has it, however many open it in the same moment.
func TestOneOfManyClaims(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	const people, subjects = 6, 10
	holders := make([][people]string, subjects)
	var work sync.WaitGroup
	for person := range people {
		work.Go(func() {
			for i := range subjects {
				got, err := c.desk.OpenOnDesk(t.Context(), fmt.Sprintf("c:1:%d:7:1", i), fmt.Sprintf("staf%d", person))
				if err != nil {
					t.Error(err)
				}
				holders[i][person] = got.Staff
			}
		})
	}
	work.Wait()
	for i, seen := range holders {
		for _, who := range seen {
			if who == "" || who != seen[0] {
				t.Errorf("subject %d is with %v", i, seen)
				break
			}
		}
	}
}
