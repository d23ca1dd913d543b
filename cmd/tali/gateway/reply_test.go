package gateway_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tali/gsm/modemsim"
)

// queue puts a reply into the outbox as if modem i had received what it answers.
func (r *rig) queue(i int, phone, text string, priority int) {
	r.Helper()
	_, err := r.sql().ExecContext(r.Context(), `INSERT INTO outbox.reply (asked_at, priority, neutral, gateway, modem, recipient, kind, text)
		VALUES (now(), $1, false, $2, $3, $4, 'accepted', $5)`, priority, r.settings.Name, r.settings.Modems[i].Name, phone, text)
	r.must(err)
}

// awaitReply waits until the reply with that text is in a state.
func (r *rig) awaitReply(text, state string) {
	r.Helper()
	r.await(fmt.Sprintf("reply %q %s", text, state), func() bool {
		return r.count(`SELECT count(*) FROM outbox.reply WHERE text = $1 AND state = $2`, text, state) == 1
	})
}

// TestQuestionsFirst: what an officer waits for goes before what he only likes
// to know, and a modem keeps its pace.
func TestQuestionsFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	var mu sync.Mutex
	var order []string
	var at []time.Time
	r.network.OnReceive(func(got modemsim.Received) {
		mu.Lock()
		defer mu.Unlock()
		order, at = append(order, got.Text), append(at, got.At)
	})
	for i := range 3 {
		r.queue(0, phone(i), fmt.Sprintf("bukti %d", i), 5)
	}
	r.queue(0, phone(3), "pertanyaan", 1)
	r.settings.Reply.Pace = 200 * time.Millisecond
	r.start()
	r.awaitReply("bukti 2", "sent")
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(order, ", "); got != "pertanyaan, bukti 0, bukti 1, bukti 2" {
		t.Errorf("order = %s", got)
	}
	for i := 1; i < len(at); i++ {
		if gap := at[i].Sub(at[i-1]); gap < r.settings.Reply.Pace*9/10 {
			t.Errorf("%v between two SMS, want the pace of %v", gap, r.settings.Reply.Pace)
		}
	}
}

// TestAnotherModemAnswers where the one that received is away, and the one that
// received where it is not.
func TestAnotherModemAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{modems: 2})
	r.start()
	r.queue(1, phone(0), "lewat yang menerima", 5)
	r.awaitReply("lewat yang menerima", "sent")
	r.modems[1].Unplug()
	r.queue(1, phone(1), "lewat yang lain", 5)
	r.awaitReply("lewat yang lain", "sent")
	if got := r.network.Inbox(phone(0))[0].From; got != modemNumber(1) {
		t.Errorf("answered by %s, want the modem that received", got)
	}
	if got := r.network.Inbox(phone(1))[0].From; got != modemNumber(0) {
		t.Errorf("answered by %s, want the modem that is there", got)
	}
}

// TestRefusals: what is refused for good ends with its reason; what is refused
// for now is tried again later; a modem that is refused again and again rests,
// and others send.
func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{modems: 2})
	r.start()
	r.modems[0].Inject(modemsim.Plan{{Kind: modemsim.CommandError, Command: "+CMGS", Code: 1, Limit: 1}})
	r.queue(0, phone(0), "nomor mati", 5)
	r.awaitReply("nomor mati", "failed")
	var reason string
	r.must(r.sql().Get(&reason, `SELECT error FROM outbox.reply WHERE text = 'nomor mati'`))
	if reason != "+CMS ERROR: 1" {
		t.Errorf("reason = %q", reason)
	}
	r.modems[0].Inject(modemsim.Plan{{Kind: modemsim.CommandError, Command: "+CMGS", Code: 42, Limit: 3}})
	for i := range 3 {
		r.queue(0, phone(1+i), fmt.Sprintf("sibuk %d", i), 5)
		r.await("refusal", func() bool {
			return r.count(`SELECT count(*) FROM outbox.reply WHERE text LIKE 'sibuk%' AND state = 'queued' AND not_before > now() + interval '15 seconds'`) == i+1
		})
	}
	r.queue(0, phone(4), "lewat yang lain", 5)
	r.awaitReply("lewat yang lain", "sent")
	if got := r.network.Inbox(phone(4))[0].From; got != modemNumber(1) {
		t.Errorf("sent by %s although its network refuses", got)
	}
	r.await("alarm", func() bool {
		for _, a := range r.gateway.Alarms() {
			if a.Name == "send_refused" && a.Subject == "modem0" {
				return true
			}
		}
		return false
	})
}

// TestLoopGuard: a machine that answers us is not answered for ever; our own
// numbers, short codes and names never are.
func TestLoopGuard(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	r.start()
	for i := range 8 {
		r.text(phone(0), 0, fmt.Sprintf("Saya sedang rapat, akan saya hubungi kembali %d", i))
		r.await("answered or not", func() bool {
			return r.count(`SELECT count(*) FROM outbox.reply WHERE recipient = $1 AND state IN ('sent', 'failed')`, phone(0)) == i+1
		})
	}
	if got := len(r.network.Inbox(phone(0))); got != 5 {
		t.Errorf("a machine got %d answers, want 5", got)
	}
	for i, to := range []string{modemNumber(0), "3636", "TELKOMSEL"} {
		text := fmt.Sprintf("jangan %d", i)
		r.queue(0, to, text, 5)
		r.awaitReply(text, "failed")
		if n := len(r.network.Inbox(to)); n != 0 {
			t.Errorf("%s got %d SMS", to, n)
		}
	}
	// A tally from the same phone is understood, and answered.
	r.text(phone(0), 0, r.tally(0, 145))
	if got := r.awaitReplies(phone(0), 6)[5].Text; !strings.HasPrefix(got, "DITERIMA") {
		t.Errorf("answer to a tally = %q", got)
	}
}

// TestHourlyLimit: what is over the limit waits.
func TestHourlyLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	r.settings.Reply.PerHour, r.settings.Reply.Budget = 2, 1
	r.settings.Alarm.Phones = nil
	stop := r.start()
	for i := range 4 {
		r.queue(0, phone(i), fmt.Sprintf("bukti %d", i), 5)
	}
	r.awaitReply("bukti 1", "sent")
	r.await("budget alarm", func() bool {
		alarms := r.gateway.Alarms()
		return len(alarms) == 1 && alarms[0].Name == "budget"
	})
	stop()
	if n := r.count(`SELECT count(*) FROM outbox.reply WHERE state = 'queued'`); n != 2 {
		t.Errorf("%d replies wait, want 2", n)
	}
}

// TestStatusReports: what the network says of a reply reaches the centre.
func TestStatusReports(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	r.settings.Modems[0].Reports = true
	r.start()
	r.text(phone(0), 0, r.tally(0, 145))
	r.awaitReplies(phone(0), 1)
	r.await("report", func() bool {
		return r.count(`SELECT count(*) FROM outbox.reply WHERE recipient = $1 AND delivery = 'delivered' AND delivery_at IS NOT NULL`, phone(0)) == 1
	})
	if n := r.count(`SELECT count(*) FROM intake.verdict WHERE reason = 'status_report' AND outcome = 'ignored'`); n != 1 {
		t.Errorf("%d status reports kept, want 1", n)
	}
}

// TestStaleJournal: a send whose end the centre knows and the spool missed must
// not keep the reply's next try from leaving.
func TestStaleJournal(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	r.start()
	r.queue(0, phone(0), "satu", 5)
	r.awaitReply("satu", "sent")
	r.must(r.journal.BeginSend(r.Context(), 2, "modem0", phone(1)))
	r.queue(0, phone(1), "dua", 5)
	r.awaitReply("dua", "sent")
}
