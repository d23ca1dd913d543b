package db_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tali/db"
	"tali/db/cluster"
	"tali/verify"
)

// The slips of the first station; %s is its TPS code.
const (
	slipRow   = "PILBUP %s 145 89 67 310 12 322 322 330 322 2 6 71674"
	slipValid = "PILBUP %s 145 98 67 301 12 322 322 330 322 2 6 71674"
	slipNear  = "PILBUP %s 98 108 67 273 12 285 285 330 285 2 43 71489"
	rightOne  = "PILBUP %s 145 98 67 310 12 322 322 330 322 2 6 71674"
	otherOne  = "PILBUP %s 143 100 67 310 12 322 322 330 322 2 6 71672"
	thirdOne  = "PILBUP %s 144 99 67 310 12 322 322 330 322 2 6 71673"
)

// at is a message of the first officer, some minutes into the count.
func (c *centre) at(minute int, text string) db.Inbound {
	if strings.Contains(text, "%s") {
		text = fmt.Sprintf(text, c.codes[0])
	}
	m := inbound(phone(0), text)
	m.Key[0], m.Key[1] = byte(minute>>8), byte(minute) // the same words again are another message
	m.ReceivedAt = receivedAt.Add(time.Duration(minute) * time.Minute)
	m.SentAt = m.ReceivedAt
	m.Proof = fmt.Sprintf("7F%03d", minute)
	return m
}

func (c *centre) questions() int { return c.number(`SELECT count(*) FROM intake.question`) }

func TestAnswerIsTakenAfterARestart(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	if got := c.intake(c.at(0, slipRow)); outcomes(got) != "figures" || got[0].Asks == nil {
		t.Fatalf("outcomes = %q", outcomes(got))
	}
	if c.questions() != 1 {
		t.Fatalf("questions = %d, want 1", c.questions())
	}
	if err := c.gateway.Close(); err != nil {
		t.Fatal(err)
	}
	c.gateway = open(t, c.pg.DSN(cluster.Gateway))
	got := c.intake(c.at(5, "2=97"), c.at(6, "2=98"))
	if outcomes(got) != "figures accepted" {
		t.Fatalf("outcomes = %q", outcomes(got))
	}
	if got[0].Reply == nil || got[0].Reply.Text != "PERIKSA "+c.codes[0]+": 2=98?" {
		t.Errorf("repeated question = %+v", got[0].Reply)
	}
	if n := c.number(`SELECT figures[2] FROM tally.entry`); n != 98 || c.questions() != 0 {
		t.Errorf("figure = %d, questions = %d, want 98 and none", n, c.questions())
	}
	if got := c.intake(c.at(7, "2=98")); outcomes(got) != "no_question" {
		t.Errorf("outcome = %q, want no_question", outcomes(got))
	}
}

func TestQuestionsFoldWithinABatch(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	got := c.intake(c.at(0, slipRow), c.at(1, slipNear), c.at(2, "terima kasih"), c.at(5, "K 71489"), c.at(6, "1=108 2=98"))
	if want := "figures figures courtesy figures accepted"; outcomes(got) != want {
		t.Errorf("outcomes = %q, want %q", outcomes(got), want)
	}
	if got[3].Reason != "swap" || c.questions() != 0 {
		t.Errorf("reason = %q, questions = %d, want swap and none", got[3].Reason, c.questions())
	}
}

// What a question remembers of its K comes back as it was.
func TestQuestionRemembersItsK(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	copied := c.at(9, slipNear)
	copied.SentAt = receivedAt
	for i, m := range []db.Inbound{c.at(0, slipNear), c.at(3, slipNear), copied, c.at(4, slipNear)} {
		got := c.intake(m)
		want := "k"
		if i == 3 {
			want = "swap"
		}
		if got[0].Reason != want {
			t.Errorf("message %d: reason = %q, want %q", i, got[0].Reason, want)
		}
	}
	if got := c.questions(); got != 1 {
		t.Errorf("questions = %d, want one that was replaced", got)
	}
}

func TestQuestionsLapse(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.at(0, slipRow))
	lapsed := func(minute int) []db.Lapsed {
		out, err := c.desk.LapsedQuestions(t.Context(), c.profile, receivedAt.Add(time.Duration(minute)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := lapsed(59); len(got) != 0 {
		t.Errorf("after 59 minutes %v lapsed", got)
	}
	got := lapsed(60)
	if len(got) != 1 || got[0].Phone != phone(0) || got[0].Ballot != "PILBUP" || got[0].Station != stationCode(0) ||
		got[0].Kind != verify.KindAskRow || !strings.Contains(got[0].Draft, " 89 ") || !got[0].At.Equal(receivedAt) {
		t.Errorf("after 60 minutes %+v lapsed", got)
	}
	if got := outcomes(c.intake(c.at(60, "2=98"))); got != "no_question" {
		t.Errorf("outcome = %q, want no_question", got)
	}
	if got := outcomes(c.intake(c.at(61, rightOne))); got != "accepted" || len(lapsed(100)) != 0 {
		t.Errorf("outcome = %q, lapsed %v, want accepted and none", got, lapsed(100))
	}
}

func TestFormIsStoredFlagged(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.at(0, slipValid))
	if got := outcomes(c.intake(c.at(1, "FORM"))); got != "accepted" {
		t.Fatalf("outcome = %q", got)
	}
	if n := c.number(`SELECT figures[4] FROM tally.entry WHERE flags @> '{form}' AND state = 'masuk'`); n != 301 {
		t.Errorf("valid votes = %d, want 301", n)
	}
	if n := c.number(`SELECT risk FROM tally.standing`); n < 1 {
		t.Errorf("risk = %d, want it raised", n)
	}
}

func TestRalatSupersedes(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.at(0, rightOne))
	got := c.intake(c.at(1, "RALAT 7F000 "+otherOne))
	if outcomes(got) != "accepted" || got[0].Entry.Revision != 2 {
		t.Fatalf("outcomes = %q", outcomes(got))
	}
	if n := c.number(`SELECT entry * 100 + held * 10 + version FROM tally.standing WHERE state = 'masuk'`); n != 202 {
		t.Errorf("entry, held, version = %d, want 202", n)
	}
	got = c.intake(c.at(2, rightOne), c.at(3, otherOne))
	if outcomes(got) != "same same" || got[0].Reason != "digantikan" || got[1].Reason != "masuk" {
		t.Errorf("sent again: %q, %q and %q", outcomes(got), got[0].Reason, got[1].Reason)
	}
	if got := c.intake(c.at(4, "RALAT 7F001 "+thirdOne), c.at(5, "RALAT 7F004 "+rightOne)); outcomes(got) != "accepted accepted" {
		t.Errorf("outcomes = %q", outcomes(got))
	}
}

func TestFiveWrongProofsHoldEveryRalat(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.at(0, rightOne))
	for i := range 5 {
		got := c.intake(c.at(1+i, fmt.Sprintf("RALAT 2222%d "+otherOne, i, c.codes[0])))
		if got[0].Reason != "ralat_proof" {
			t.Fatalf("wrong code %d: %s %s", i, outcomes(got), got[0].Reason)
		}
	}
	if got := c.intake(c.at(10, "RALAT 7F000 "+thirdOne)); got[0].Reason != "ralat_blocked" {
		t.Errorf("the right code after five wrong ones: %s %s", outcomes(got), got[0].Reason)
	}
	if n := c.number(`SELECT held FROM tally.standing WHERE entry = 1`); n != 6 {
		t.Errorf("held = %d, want 6", n)
	}
}

// A whole batch is questions and answers, in a constant number of statements.
func TestQuestionsOfManyPhones(t *testing.T) {
	t.Parallel()
	const n = 60
	c := newCentre(t, n)
	ask, answer := make([]db.Inbound, n), make([]db.Inbound, n)
	for i := range n {
		ask[i] = inbound(phone(i), fmt.Sprintf(slipRow, c.codes[i]))
		answer[i] = inbound(phone(i), "2=98")
		answer[i].ReceivedAt = receivedAt.Add(5 * time.Minute)
	}
	c.intake(ask...)
	if got := c.questions(); got != n {
		t.Fatalf("questions = %d, want %d", got, n)
	}
	if got := outcomes(c.intake(answer...)); got != strings.TrimSpace(strings.Repeat("accepted ", n)) {
		t.Errorf("outcomes = %q", got)
	}
	if got := c.questions(); got != 0 {
		t.Errorf("questions = %d, want none", got)
	}
}
