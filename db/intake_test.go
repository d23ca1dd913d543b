package db_test

import "testing"

const secondProcess = "TALI_DB_TEST_SECOND_PROCESS"

func TestIntakeStoresEverything(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 3)
	good := c.tally(0, 145)
	bad := c.tally(1, 100)
	bad.Text = "PILBUP " + c.codes[1] + " 145 98 67 301 12 322 322 330 322 2 6 71674"
	unknown := inbound("+628999999999", "halo")
	short := inbound("3636", "pulsa")
	got := c.intake(good, bad, unknown, short)
	if want := "accepted figures unknown ignored"; outcomes(got) != want {
		t.Errorf("outcomes = %q, want %q", outcomes(got), want)
	}
	for query, want := range map[string]int{
		`SELECT count(*) FROM intake.message`:                                 4,
		`SELECT count(*) FROM intake.verdict`:                                 4,
		`SELECT count(*) FROM tally.entry WHERE state = 'masuk'`:              1,
		`SELECT figures[4] FROM tally.entry`:                                  310,
		`SELECT count(*) FROM tally.standing WHERE entry = 1 AND version = 1`: 1,
		`SELECT count(*) FROM outbox.reply`:                                   3,
		`SELECT count(*) FROM outbox.reply WHERE neutral`:                     1,
		`SELECT sum(messages)::int FROM registry.gateway_intake`:              4,
		`SELECT count(*) FROM intake.verdict WHERE quarantine`:                2,
		`SELECT cardinality(pdus) FROM intake.message WHERE sender = '3636'`:  1,
		`SELECT count(*) FROM intake.message WHERE received_at = '2024-11-27 06:00+00' AND sent_at = received_at AND interim_at IS NULL`: 4,
	} {
		if got := c.number(query); got != want {
			t.Errorf("%s = %d, want %d", query, got, want)
		}
	}
}

func TestKnownMessagesChangeNothing(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	m := c.tally(0, 145)
	c.intake(m)
	if got := outcomes(c.intake(m, m)); got != "known known" {
		t.Errorf("outcomes = %q, want known twice", got)
	}
	if got := c.number(`SELECT count(*) FROM outbox.reply`); got != 1 {
		t.Errorf("replies = %d, want 1", got)
	}
	if got := c.number(`SELECT sum(batches)::int FROM registry.gateway_intake`); got != 2 {
		t.Errorf("counted batches = %d, want 2: a repeat must write too", got)
	}
}

func TestSecondReportIsHeld(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	got := c.intake(c.tally(0, 145), c.tally(0, 145), c.tally(0, 146))
	if want := "accepted known conflict"; outcomes(got) != want {
		t.Errorf("one batch: outcomes = %q, want %q", outcomes(got), want)
	}
	if got := outcomes(c.intake(c.tally(0, 147))); got != "conflict" {
		t.Errorf("a later batch: outcome = %q, want conflict", got)
	}
	if got := c.number(`SELECT held * 100 + revision * 10 + version FROM tally.standing WHERE entry = 1 AND state = 'masuk'`); got != 232 {
		t.Errorf("held, revision, version = %d, want 232", got)
	}
}
