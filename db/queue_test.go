package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// queue reads a part of the queue in pages of n, to the end.
func (c *centre) queue(view db.QueueView, n int) []db.QueueItem {
	c.t.Helper()
	var all []db.QueueItem
	q := db.QueueQuery{View: view, Limit: n}
	for range 100 {
		items, err := c.desk.Queue(c.t.Context(), c.profile, q, receivedAt.Add(24*time.Hour))
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, items...)
		if len(items) < n {
			return all
		}
		q.After = db.ParseQueueCursor(items[n-1].Cursor().String())
	}
	c.t.Fatal("the queue has no end")
	return nil
}

func kinds(items []db.QueueItem) string {
	words := make([]string, len(items))
	for i, item := range items {
		words[i] = fmt.Sprintf("%s%d", item.Kind, item.Risk)
	}
	return strings.Join(words, " ")
}

// A page ends anywhere, between kinds and within one: together the pages are the
// queue, nothing twice and nothing left out.
func TestQueueInPages(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 14)
	c.staff()
	for i := range 6 {
		c.intake(c.plain(i, 145))
	}
	c.intake(c.tally(6, 145), c.tally(7, 146), c.plain(0, 140), c.plain(1, 141), c.plain(1, 142))
	c.intake(inbound("+628990000111", "halo"), inbound("+628990000112", "apa ini"), inbound("+628990000113", "kabar?"))
	for i := 8; i < 11; i++ {
		bad := c.plain(i, 145)
		bad.Text = "PILBUP " + c.codes[i] + " 145 89 67 310 12 322 322 330 322 2 6 71674"
		c.intake(bad)
	}
	for i := 11; i < 13; i++ {
		c.typeIn(i, "ani", 145)
	}
	whole := c.queue(db.ViewAll, 100)
	const want = "case20 case10 typing6 typing6 question5 question5 question5 case1 case1 message1 message1 message1 case0 case0 case0 case0"
	if got := kinds(whole); got != want {
		t.Fatalf("queue = %s\nwant    %s", got, want)
	}
	for n := 1; n < 8; n++ {
		paged := c.queue(db.ViewAll, n)
		for i := range whole {
			if i >= len(paged) || paged[i].Cursor() != whole[i].Cursor() {
				t.Fatalf("in pages of %d: %s", n, kinds(paged))
			}
		}
		if len(paged) != len(whole) {
			t.Errorf("in pages of %d: %d items, want %d", n, len(paged), len(whole))
		}
	}
	for view, want := range map[db.QueueView]int{
		db.ViewConflict: 2, db.ViewFlagged: 2, db.ViewPlain: 4, db.ViewTyping: 2, db.ViewQuestions: 3, db.ViewMessages: 3,
	} {
		if got := c.queue(view, 2); len(got) != want {
			t.Errorf("%s has %s, want %d", view, kinds(got), want)
		}
	}
	counts, err := c.desk.QueueCounts(t.Context(), c.profile, receivedAt.Add(24*time.Hour))
	if err != nil || counts[db.ViewAll] != len(whole) || counts[db.ViewQuestions] != 3 {
		t.Errorf("counts = %v, %v", counts, err)
	}
	lo, hi := db.StationsUnder(710801)
	if lo != 7108010000000 || hi != 7108019999999 {
		t.Errorf("stations under 710801 = %d to %d", lo, hi)
	}
}

// typeIn keys in the figures of plain for a station.
func (c *centre) typeIn(station int, who string, first int) db.Typed {
	c.t.Helper()
	rep := parser.Parse(c.profile, c.plain(station, first).Text)
	out, err := c.desk.TypeIn(c.t.Context(), c.profile, db.Typing{
		Case: c.caseKey(station), Source: db.FromPaper, Figures: rep.Figures, Staff: who, Note: "salinan dari saksi",
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// Two people who key in the same make an entry, held until two confirm it.
func TestBlindSecondTyping(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.staff()
	if got := c.typeIn(0, "ani", 145); got.Revision != 0 || got.Differs != nil {
		t.Errorf("first: %+v", got)
	}
	if got := c.typeIn(0, "ani", 145); got.Revision != 0 {
		t.Errorf("the same person twice made entry %d", got.Revision)
	}
	if got := c.typeIn(0, "budi", 144); got.Revision != 0 || len(got.Differs) != 2 || got.Differs[0].Staff != "ani" {
		t.Errorf("another figure: %+v", got)
	}
	if got := c.typeIn(0, "budi", 145); got.Revision != 1 {
		t.Fatalf("equal figures of two people: %+v", got)
	}
	c.wantStates(0, "stands 0 1:ditahan")
	if got := len(c.queue(db.ViewTyping, 10)); got != 0 {
		t.Errorf("%d typings wait still", got)
	}
	if got, err := c.decide(0, 1, verify.ActConfirm, "ani"); err != nil || !got.First {
		t.Errorf("one of the two confirms alone: %+v, %v", got, err)
	}
	c.confirm(0, 1, "citra")
	c.wantStates(0, "stands 1 1:terverifikasi")
	c.checkReplay(t)
	_, err := c.desk.TypeIn(t.Context(), c.profile, db.Typing{Case: c.caseKey(0), Source: db.FromCall, Figures: parser.Figures{1, 2}, Staff: "ani"})
	if !errors.Is(err, verify.ErrIllegal) {
		t.Errorf("two figures for a form of eleven: %v", err)
	}
}

func TestQuarantinedMessage(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	c.staff()
	ctx := t.Context()
	stranger := inbound("+628990000114", c.plain(0, 145).Text)
	noise := inbound("+628990000115", "halo pak")
	c.intake(stranger, noise)
	keys := map[string]string{}
	for _, item := range c.queue(db.ViewMessages, 10) {
		keys[item.Phone] = item.Message
	}
	f, err := c.desk.Message(ctx, c.profile, keys["+628990000114"])
	if err != nil || !f.Waits || f.Outcome != verify.OutcomeUnknown || f.Text != stranger.Text {
		t.Fatalf("Message = %+v, %v", f, err)
	}
	attach := db.Typing{
		Case: c.caseKey(0), Source: db.FromSMS, Message: f.Key, Staff: "ani", Note: "nomor ketua KPPS",
		Figures: parser.Parse(c.profile, f.Text).Figures,
	}
	if got, err := c.desk.TypeIn(ctx, c.profile, attach); err != nil || got.Revision != 1 {
		t.Fatalf("attaching: %+v, %v", got, err)
	}
	if _, err := c.desk.TypeIn(ctx, c.profile, attach); err == nil {
		t.Error("the same SMS was attached twice")
	}
	c.wantStates(0, "stands 0 1:ditahan")
	if e := c.file(0).Of(1); !e.Two || !e.Typed || e.Text != stranger.Text || e.Officer != "" {
		t.Errorf("entry = %+v", e)
	}
	c.confirm(0, 1, "budi", "citra")
	done := db.Handling{Message: keys["+628990000115"], Kind: db.HandlingDismissed, Staff: "ani", Note: "salah sambung"}
	if err := c.desk.Handle(ctx, c.profile, done); err != nil {
		t.Fatal(err)
	}
	if err := c.desk.Handle(ctx, c.profile, done); !errors.Is(err, db.ErrOutdated) {
		t.Errorf("dismissing twice: %v", err)
	}
	if left := c.queue(db.ViewAll, 10); len(left) != 0 {
		t.Errorf("left in the queue: %s", kinds(left))
	}
	c.checkReplay(t)
}

// A question that was dealt with leaves the queue; a new one comes back to it. A
// message that was asked about and answered waits for nobody.
func TestLapsedQuestionIsDealtWith(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.staff()
	c.intake(c.at(0, slipValid)) // quarantined, and asked about
	items := c.queue(db.ViewAll, 10)
	if got := kinds(items); got != "question5" {
		t.Fatalf("queue = %s, want the question alone", got)
	}
	handled := db.Handling{Message: items[0].Message, Kind: db.HandlingCalled, Staff: "ani", Note: "tidak diangkat"}
	if err := c.desk.Handle(t.Context(), c.profile, handled); err != nil {
		t.Fatal(err)
	}
	if got := kinds(c.queue(db.ViewAll, 10)); got != "question5" {
		t.Errorf("after a call that ended nothing: %s", got)
	}
	handled.Kind = db.HandlingDismissed
	if err := c.desk.Handle(t.Context(), c.profile, handled); err != nil {
		t.Fatal(err)
	}
	if got := kinds(c.queue(db.ViewAll, 10)); got != "" {
		t.Errorf("after it was dealt with: %s", got)
	}
	c.intake(c.at(90, slipRow))
	if got := kinds(c.queue(db.ViewAll, 10)); got != "question5" {
		t.Errorf("a new question: %s", got)
	}
	c.intake(c.at(91, rightOne))
	if got := kinds(c.queue(db.ViewAll, 10)); got != "case1" {
		t.Errorf("after the right tally: %s, want the entry alone", got)
	}
}

func TestLogAndSearch(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 3)
	ctx := context.WithoutCancel(t.Context())
	c.intake(c.plain(0, 145), c.plain(1, 120), inbound("+628990000116", "kotak suara BASAH pak' | & !"))
	for more := true; more; {
		var err error
		if more, err = c.desk.FillLookup(ctx); err != nil {
			t.Fatal(err)
		}
	}
	c.intake(c.plain(2, 119))
	for range 2 { // twice: nothing stands there twice
		if _, err := c.desk.FillLookup(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		q    db.LogQuery
		want int
	}{
		"all":           {db.LogQuery{}, 4},
		"phone":         {db.LogQuery{Phone: phone(0)}, 1},
		"station":       {db.LogQuery{Station: stationCode(2)}, 1},
		"words":         {db.LogQuery{Words: "basah kotak"}, 1},
		"beginnings":    {db.LogQuery{Words: "PILB"}, 3},
		"operators":     {db.LogQuery{Words: "' | & ! basah"}, 1},
		"nothing":       {db.LogQuery{Words: "kering"}, 0},
		"receipt code":  {db.LogQuery{Proof: "7F3K2"}, 3},
		"another proof": {db.LogQuery{Proof: "7F3K3"}, 0},
	} {
		tc.q.Limit = 10
		rows, err := c.desk.MessageLog(ctx, c.profile, tc.q)
		if err != nil || len(rows) != tc.want {
			t.Errorf("%s: %d rows, %v, want %d", name, len(rows), err, tc.want)
		}
		for _, r := range rows {
			if r.Text == "" || r.Station != "" && !strings.HasPrefix(r.Reply, "DITERIMA") {
				t.Errorf("%s: row %+v", name, r)
			}
		}
	}
	first, err := c.desk.MessageLog(ctx, c.profile, db.LogQuery{Limit: 3})
	if err != nil || len(first) != 3 {
		t.Fatalf("first page: %v, %v", first, err)
	}
	next, err := c.desk.MessageLog(ctx, c.profile, db.LogQuery{
		Limit: 3, Before: db.ParseLogCursor(db.LogCursor{At: first[2].At, Key: first[2].Key}.String()),
	})
	if err != nil || len(next) != 1 {
		t.Errorf("second page has %d rows, %v", len(next), err)
	}
	for text, want := range map[string]int{"desa": 3, "DESA 1": 3, c.codes[1]: 1, stationCode(2): 1, "710801": 3, "100%": 0, "": 3, "_": 0} {
		hits, err := c.desk.FindStations(ctx, c.profile, text, 10)
		if err != nil || len(hits) != want {
			t.Errorf("stations for %q: %d, %v, want %d", text, len(hits), err, want)
		}
	}
}

// A tally that was taken by FORM, and one that no code has proven, each stand in a
// part of the queue of their own, and are counted there.
func TestQueueOfFormsAndUnproven(t *testing.T) {
	t.Parallel()
	c := newAuthCentre(t, 4, parser.AuthAccepted)
	c.staff()
	want := func(when string, forms, unproven int) {
		t.Helper()
		counts, err := c.desk.QueueCounts(t.Context(), c.profile, receivedAt)
		if err != nil || counts[db.ViewForm] != forms || counts[db.ViewUnproven] != unproven {
			t.Errorf("%s: %v, %v, want %d forms and %d unproven", when, counts, err, forms, unproven)
		}
		for view, n := range map[db.QueueView]int{db.ViewForm: forms, db.ViewUnproven: unproven} {
			if got := c.queue(view, 2); len(got) != n {
				t.Errorf("%s: the queue of %s has %d, want %d", when, view, len(got), n)
			}
		}
		c.wantMarks(t)
	}
	if got := outcomes(c.intake(c.at(0, slipValid), c.at(1, "FORM"))); got != "figures accepted" {
		t.Fatalf("a form that contradicts itself: %s", got)
	}
	c.intake(c.tally(1, 145), c.tally(2, 146), c.signed(3, c.tally(3, 147)))
	want("at first", 1, 3)
	if form := c.queue(db.ViewForm, 1); !slices.Contains(form[0].Flags, verify.FlagForm) {
		t.Errorf("the part of FORM = %+v, want the one entry", form)
	}
	c.intake(c.signed(1, c.tally(1, 145)))
	want("once the same came with its code", 1, 2)
	// A held one beside what stands changes nothing; once it stands alone it does.
	c.intake(inbound(second(3), c.tally(3, 150).Text))
	want("beside a proven one", 1, 2)
	if _, err := c.decide(3, 1, verify.ActReject, "ani"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.decide(3, 1, verify.ActReject, "budi"); err != nil {
		t.Fatal(err)
	}
	want("when the proven one was rejected", 1, 3)
	if _, err := c.decide(3, 1, verify.ActUndo, "budi"); err != nil {
		t.Fatal(err)
	}
	want("when that was undone", 1, 2)
	for _, who := range []string{"ani", "budi"} { // the form contradicts itself
		_, err := c.desk.TypeIn(t.Context(), c.profile, db.Typing{
			Case: c.caseKey(2), Source: db.FromPaper, Figures: parser.Figures{1, 2, 3, 7, 0, 7, 7, 9, 7, 0, 2}, Staff: who,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want("a form keyed in beside another", 1, 2)
}

// wantMarks compares what each case says of its entry with the facts.
func (c *centre) wantMarks(t *testing.T) {
	t.Helper()
	wrong := c.number(`
SELECT count(*) FROM tally.standing s
LEFT JOIN tally.entry e ON (e.station, e.ballot, e.round, e.election, e.revision) = (s.station, s.ballot, s.round, s.election, coalesce(s.entry, s.revision))
LEFT JOIN tally.proven_entry v ON (v.station, v.ballot, v.round, v.election, v.revision) = (e.station, e.ballot, e.round, e.election, e.revision)
WHERE s.form IS DISTINCT FROM coalesce('form' = ANY (e.flags), false)
   OR s.unproven IS DISTINCT FROM coalesce(v.assurance = 'A0' AND $1, false)`, c.profile.Auth != parser.AuthOff)
	if wrong != 0 {
		t.Errorf("%d cases do not say what their entry is", wrong)
	}
}
