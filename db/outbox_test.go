package db_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"tali/db"
)

// claim is gateway gw1's modem m1 asking.
func claim() db.Claim {
	return db.Claim{Gateway: "gw1", Modem: "m1", Alive: []string{"m1"}, Lease: time.Minute}
}

func (c *centre) claim(q db.Claim) (db.Reply, bool) {
	c.t.Helper()
	r, ok, err := c.gateway.ClaimReply(c.t.Context(), q)
	if err != nil {
		c.t.Fatalf("ClaimReply: %v", err)
	}
	return r, ok
}

func (c *centre) exec(query string, args ...any) {
	c.t.Helper()
	if _, err := c.owner().ExecContext(c.t.Context(), query, args...); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
}

func TestQuestionsGoFirst(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	receipt, question := c.tally(0, 145), c.tally(1, 100)
	question.Text = "PILBUP " + c.codes[1] + " 145 98 67 301 12 322 322 330 322 2 6 71674"
	c.intake(receipt, question)
	first, _ := c.claim(claim())
	second, _ := c.claim(claim())
	if first.Message != question.Key || second.Message != receipt.Key {
		t.Errorf("claimed %x then %x, want the question, then the receipt", first.Message, second.Message)
	}
	if _, ok := c.claim(claim()); ok {
		t.Error("a third reply was claimed of two")
	}
}

func TestCloseReply(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		outcome db.SendOutcome
		state   string
		again   bool
		repeat  bool
	}{
		{db.SendSent, "sent", false, false},
		{db.SendFailed, "failed", false, false},
		{db.SendRetry, "queued", true, false},
		{db.SendUnknown, "queued", true, true},
	} {
		t.Run(string(tc.outcome), func(t *testing.T) {
			t.Parallel()
			c := newCentre(t, 1)
			c.intake(c.tally(0, 145))
			r, _ := c.claim(claim())
			end := db.Closing{Gateway: "gw1", Modem: "m1", Attempt: r.Attempt, Outcome: tc.outcome}
			if err := c.gateway.CloseReply(t.Context(), r.ID, end); err != nil {
				t.Fatal(err)
			}
			var state string
			if err := c.owner().GetContext(t.Context(), &state, `SELECT state FROM outbox.reply`); err != nil || state != tc.state {
				t.Errorf("state = %q (%v), want %q", state, err, tc.state)
			}
			again, ok := c.claim(claim())
			if ok != tc.again || again.Repeat != tc.repeat {
				t.Errorf("claimed again = %t, repeat = %t, want %t, %t", ok, again.Repeat, tc.again, tc.repeat)
			}
			if err := c.gateway.CloseReply(t.Context(), r.ID, end); !errors.Is(err, db.ErrLeaseLost) {
				t.Errorf("closing the first claim twice = %v, want ErrLeaseLost", err)
			}
		})
	}
}

func TestLeaseEnds(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.tally(0, 145))
	first, _ := c.claim(claim())
	c.exec(`UPDATE outbox.reply SET lease_until = now() - interval '1 second'`)
	second, ok := c.claim(claim())
	if !ok || !second.Repeat || second.Attempt == first.Attempt {
		t.Errorf("after the lease: %+v, %t, want the same reply as a repeat", second, ok)
	}
	late := db.Closing{Gateway: "gw1", Modem: "m1", Attempt: first.Attempt, Outcome: db.SendSent}
	if err := c.gateway.CloseReply(t.Context(), first.ID, late); !errors.Is(err, db.ErrLeaseLost) {
		t.Errorf("closing after the lease went on = %v, want ErrLeaseLost", err)
	}
	c.exec(`UPDATE outbox.reply SET lease_until = now() - interval '1 second'`)
	if third, ok := c.claim(claim()); ok {
		t.Errorf("a second repeat was claimed: %+v", third)
	}
	if got := c.number(`SELECT count(*) FROM outbox.reply WHERE state = 'unknown'`); got != 1 {
		t.Errorf("replies of unknown outcome = %d, want 1", got)
	}
}

func TestOthersStepIn(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.tally(0, 145))
	beside := db.Claim{Gateway: "gw1", Modem: "m2", Alive: []string{"m1", "m2"}, Lease: time.Minute}
	if _, ok := c.claim(beside); ok {
		t.Error("claimed a reply of a modem that is alive")
	}
	far := db.Claim{Gateway: "gw2", Modem: "x", Alive: []string{"x"}, Lease: time.Minute}
	if err := c.gateway.Heartbeat(t.Context(), db.GatewayStatus{Name: "gw1"}); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.claim(far); ok {
		t.Error("claimed a reply of a gateway that was just heard of")
	}
	c.exec(`UPDATE registry.gateway SET last_seen = now() - interval '1 hour'`)
	r, ok := c.claim(far)
	if !ok {
		t.Fatal("no reply of a gateway that is gone")
	}
	end := db.Closing{Gateway: "gw2", Modem: "x", Attempt: r.Attempt, Outcome: db.SendRetry}
	if err := c.gateway.CloseReply(t.Context(), r.ID, end); err != nil {
		t.Fatal(err)
	}
	beside.Alive = []string{"m2"}
	if _, ok := c.claim(beside); !ok {
		t.Error("no reply of a modem that is not alive")
	}
}

func TestLimitPerNumber(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.tally(0, 145), c.tally(0, 146))
	q := claim()
	q.PerNumberHour = 1
	r, _ := c.claim(q)
	end := db.Closing{Gateway: "gw1", Modem: "m1", Attempt: r.Attempt, Outcome: db.SendSent}
	if err := c.gateway.CloseReply(t.Context(), r.ID, end); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.claim(q); ok {
		t.Error("claimed a second reply to a number in the hour of the first")
	}
}

func TestTwoClaimersNeverShare(t *testing.T) {
	t.Parallel()
	const replies = 40
	c := newCentre(t, replies)
	var batch []db.Inbound
	for i := range replies {
		batch = append(batch, c.tally(i, 145))
	}
	c.intake(batch...)
	var mu sync.Mutex
	seen := make(map[int64]int)
	var work sync.WaitGroup
	for range 4 {
		d := open(t, c.pg.DSN("tali_gateway"))
		work.Go(func() {
			for {
				r, ok, err := d.ClaimReply(t.Context(), claim())
				if err != nil {
					t.Error(err)
				}
				if !ok || err != nil {
					return
				}
				mu.Lock()
				seen[r.ID]++
				mu.Unlock()
			}
		})
	}
	work.Wait()
	for id, n := range seen {
		if n != 1 {
			t.Errorf("reply %d was claimed %d times", id, n)
		}
	}
	if len(seen) != replies {
		t.Errorf("claimed %d replies, want %d", len(seen), replies)
	}
}
