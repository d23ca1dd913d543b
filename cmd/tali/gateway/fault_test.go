package gateway_test

import (
	"strings"
	"testing"
	"time"

	"tali/db/dbtest"
	"tali/gsm/modemsim"
)

// TestFaults runs a stream of SMS through each fault of the modem: whatever the
// network saw acknowledged is at the centre once, and every officer is answered.
func TestFaults(t *testing.T) {
	t.Parallel()
	const late = 1500 * time.Millisecond // longer than a command's patience
	for _, c := range []struct {
		name   string
		faults modemsim.Plan
	}{
		{"indications dropped", modemsim.Plan{{Kind: modemsim.DropIndication, P: 0.5}}},
		{"hang-up in mid-reply", modemsim.Plan{{Kind: modemsim.HangUp, P: 0.05, Limit: 4, Delay: 50 * time.Millisecond}}},
		{"late replies", modemsim.Plan{{Kind: modemsim.LateReply, Command: "+CMGD", P: 0.1, Limit: 1, Delay: late}}},
		{"foreign lines", modemsim.Plan{{Kind: modemsim.Interleave, P: 0.3}, {Kind: modemsim.SplitEntry, P: 0.3}}},
		{"deletes fail", modemsim.Plan{{Kind: modemsim.DeleteFails, P: 0.2}}},
		{"deletes lie", modemsim.Plan{{Kind: modemsim.DeleteKeeps, P: 0.2}}},
		{"sent again", modemsim.Plan{{Kind: modemsim.Resend, P: 0.3, Delay: 20 * time.Millisecond}}},
		{"SIM full", modemsim.Plan{{Kind: modemsim.MemoryFull, P: 0.2, Delay: 30 * time.Millisecond}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, plan{modems: 2, stations: 40, faults: c.faults})
			r.start()
			for i := range 40 {
				r.text(phone(i), i%2, r.tally(i, 100+i))
			}
			r.awaitDrained(40)
			for i := range 40 {
				if got := r.awaitReplies(phone(i), 1)[0].Text; !strings.HasPrefix(got, "DITERIMA") {
					t.Errorf("officer %d got %q", i, got)
				}
			}
			r.audit()
			r.auditReplies()
			taken := 0
			for _, m := range r.modems {
				for _, n := range m.Faults() {
					taken += n
				}
			}
			if taken == 0 {
				t.Error("no fault was taken: the test shows nothing")
			}
		})
	}
}

// auditReplies: an officer hears twice only where the first outcome was unknown.
func (r *rig) auditReplies() {
	r.Helper()
	var rows []struct {
		Recipient string
		Repeats   int
	}
	r.must(r.sql().Select(&rows, `SELECT recipient, repeats FROM outbox.reply`))
	allowed := make(map[string]int)
	for _, row := range rows {
		allowed[row.Recipient] += 1 + row.Repeats
	}
	for phone, most := range allowed {
		if got := len(r.network.Inbox(phone)); got > most {
			r.Errorf("%s got %d SMS, at most %d were due", phone, got, most)
		}
	}
}

// TestCentreAway stops PostgreSQL: SMS are kept, officers hear an interim answer,
// and when it is back everything is decided, and nothing is said twice.
func TestCentreAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{stations: 10, pg: dbtest.Own(t), interimAfter: 50 * time.Millisecond})
	stop := r.start()
	r.text(phone(0), 0, r.tally(0, 145))
	r.awaitReplies(phone(0), 1)
	r.await("snapshot", r.hasSnapshot)
	r.pg.Stop()
	bad := strings.Replace(r.tally(2, 145), " 145 ", " 154 ", 1)
	r.text(phone(1), 0, r.tally(1, 145))
	r.text(phone(2), 0, bad)
	r.text(phone(777777), 0, r.tally(3, 145))
	interim := r.awaitReplies(phone(1), 1)[0].Text
	asked := r.awaitReplies(phone(2), 1)[0].Text
	if !strings.Contains(interim, "Jangan kirim ulang") || !strings.HasPrefix(asked, "PERIKSA") {
		t.Errorf("interim answers %q and %q", interim, asked)
	}
	stop() // and a restart of the gateway while the centre is away
	r.start()
	r.text(phone(4), 0, r.tally(4, 145))
	r.await("interim after the restart", func() bool { return len(r.network.Inbox(phone(4))) == 1 })
	r.pg.Start()
	r.awaitDrained(5)
	if got := r.awaitReplies(phone(1), 2)[1].Text; !strings.HasPrefix(got, "DITERIMA") {
		t.Errorf("final answer %q", got)
	}
	r.awaitReplies(phone(4), 2)
	r.awaitReplies(phone(777777), 1)
	if got := r.network.Inbox(phone(2)); len(got) != 1 {
		t.Errorf("told the same twice: %v", got)
	}
	r.audit()
}

func (r *rig) hasSnapshot() bool {
	var n int
	r.must(r.sql().Get(&n, `SELECT count(*) FROM registry.gateway`))
	return n == 1
}

// TestConnectionsCut cuts every connection to the centre again and again under a
// stream of SMS: commits of unknown outcome are offered again and count once.
func TestConnectionsCut(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{modems: 4, stations: 200})
	r.start()
	for i := range 200 {
		r.text(phone(i), i%4, r.tally(i, 100+i))
		if i%10 == 9 {
			r.pg.CutConnections()
		}
	}
	r.awaitDrained(200)
	r.audit()
	if n := r.count(`SELECT count(*) FROM tally.entry WHERE state = 'masuk'`); n != 200 {
		t.Errorf("%d entries, want 200", n)
	}
}

// TestRestarts ends and starts the gateway in mid-stream.
func TestRestarts(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{modems: 2, stations: 90})
	var stop func()
	for i := range 90 {
		if i%30 == 0 {
			if stop != nil {
				stop()
			}
			stop = r.start()
		}
		r.text(phone(i), i%2, r.tally(i, 100+i))
	}
	r.awaitDrained(90)
	r.audit()
	r.auditReplies()
}

// TestSIMSwappedOverItsSMS: SMS that lie in the modem's own memory, kept but not
// deleted, when another SIM is put in, and when the own one is back, count once.
func TestSIMSwappedOverItsSMS(t *testing.T) {
	t.Parallel()
	const n = 6
	r := newRig(t, plan{faults: modemsim.Plan{
		{Kind: modemsim.OtherStore, P: 1},
		{Kind: modemsim.DeleteFails, Limit: 2 * n},
		{Kind: modemsim.SIMSwapped, Command: "+CMGD", Nth: n, Delay: 3 * time.Second},
	}})
	r.start()
	for i := range n {
		r.text(phone(i), 0, r.tally(i, 100+i))
	}
	r.await("the guest's reading", func() bool { return r.gateway.Status()[0].IMSI == modemsim.GuestIMSI })
	r.await("the own SIM back", func() bool { return r.gateway.Status()[0].IMSI == imsi(0) })
	r.awaitDrained(n)
	r.audit()
	if got := r.count(`SELECT count(*) FROM intake.message`); got != n {
		t.Errorf("%d messages at the centre, want %d", got, n)
	}
	if got := r.modems[0].Faults()[modemsim.SIMSwapped]; got != 1 {
		t.Errorf("the SIM was changed %d times, want once", got)
	}
}
