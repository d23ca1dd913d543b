package gateway_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/parser"
	"tali/verify"
)

// account is what a night has cost, by the network's own log.
type account struct {
	lost, doubled, wrong []string
	uninvited            int // adverts and poison that were kept
	again                int // SMS with another time stamp that phones sent once more
	arrived              int // replies, at phones
	interims             int // of them: answers given while the centre was away
	twice                int // of them: sent again because nobody knew
	alarms               int // SMS to the staff
	unknown              int // replies that may have arrived, twice tried
}

// audit holds what the network saw against what the centre keeps.
func (n *night) audit() account {
	n.Helper()
	var a account
	n.auditMessages(&a)
	n.auditEntries(&a)
	n.auditAnswers(&a)
	n.auditAlarms(&a)
	return a
}

// auditAlarms: the staff heard of the trouble, and no alarm hangs between two states.
func (n *night) auditAlarms(a *account) {
	n.Helper()
	for _, r := range n.network.Inbox(alarmed) {
		a.alarms++
		if !strings.HasPrefix(r.Text, "TALI uji: ") {
			a.wrong = append(a.wrong, fmt.Sprintf("the staff got %q", r.Text))
		}
	}
	if a.alarms == 0 && n.soak.long { // a short night may be too short for one
		a.wrong = append(a.wrong, "the staff heard of no trouble at all")
	}
	journal, err := spool.Open(n.Context(), filepath.Join(n.troubles.disk.dir, "spool", "spool.db"), slog.New(slog.DiscardHandler))
	n.must(err)
	open, err := journal.OpenNotices(n.Context())
	n.must(err)
	n.must(journal.Close())
	for _, notice := range open {
		a.wrong = append(a.wrong, fmt.Sprintf("the alarm %q was begun and never ended", notice.Text))
	}
}

// auditMessages: every SMS of which the network saw all parts acknowledged is
// at the centre once, with one verdict, and nothing else is there.
func (n *night) auditMessages(a *account) {
	n.Helper()
	var rows []struct{ Key, Sender string }
	n.must(n.sql().Select(&rows, `SELECT replace(m.key::text, '-', '') AS key, m.sender FROM intake.message m JOIN intake.verdict v ON v.message = m.key`))
	stored := make(map[string]int, len(rows))
	for _, row := range rows {
		stored[row.Key]++
	}
	n.auditUninvited(a, stored)
	phones := make(map[string]bool) // of officers
	for _, m := range n.crowd.sent {
		switch times := timesAny(stored, m.keys); {
		case times == 0:
			a.lost = append(a.lost, fmt.Sprintf("lost: %q of %s (%s)", m.text, m.phone, n.fate(m)))
		case times > 1:
			a.doubled = append(a.doubled, fmt.Sprintf("stands %d times: %q of %s", times, m.text, m.phone))
		}
		for _, key := range m.keys {
			delete(stored, key)
		}
		phones[m.phone] = phones[m.phone] || m.from != nil
	}
	for _, row := range rows {
		if stored[row.Key] > 0 && phones[row.Sender] {
			a.doubled = append(a.doubled, fmt.Sprintf("%s never sent message %s", row.Sender, row.Key))
		}
	}
	if all := n.count(`SELECT count(*) FROM intake.message`); all != len(rows) {
		a.wrong = append(a.wrong, fmt.Sprintf("%d messages, %d verdicts", all, len(rows)))
	}
}

// timesAny counts rows under any of these keys.
func timesAny(stored map[string]int, keys []string) (n int) {
	for _, key := range keys {
		n += stored[key]
	}
	return n
}

// keysOf are the keys that a PDU may have which is a whole SMS.
func (n *night) keysOf(d modemsim.Delivery) []string {
	n.Helper()
	for i, m := range n.modems {
		if m.Number() == d.To {
			return messageKeys(sims(i), []string{d.PDU})
		}
	}
	n.Fatalf("PDU %d went to no modem: %s", d.ID, d.To)
	return nil
}

// auditUninvited: adverts and poison are kept like anything else, and so is what a
// phone sends once more with another time stamp. Of those in several parts the key
// depends on what was joined; they are passed over.
func (n *night) auditUninvited(a *account, stored map[string]int) {
	n.Helper()
	invited, sent := make(map[modemsim.ID]bool), make(map[string]*sms)
	for _, m := range n.crowd.sent {
		for _, id := range m.ids {
			invited[id] = true
		}
		sent[m.phone+" "+m.text] = m
	}
	for _, d := range n.network.Deliveries() {
		if invited[d.ID] || d.Acknowledged.IsZero() {
			continue
		}
		read, err := gsm.Decode(d.PDU)
		if err == nil && read.Part != nil {
			continue
		}
		keys := n.keysOf(d)
		if times := timesAny(stored, keys); times != 1 {
			a.lost = append(a.lost, fmt.Sprintf("PDU %d stands %d times at the centre: %s", d.ID, times, d.PDU))
		}
		m := sent[read.Sender+" "+read.Text]
		if m == nil {
			a.uninvited++
			continue
		}
		a.again++
		m.again = append(m.again, keys...)
		for _, key := range keys {
			delete(stored, key)
		}
	}
}

// fate is what the network knows of an SMS.
func (n *night) fate(m *sms) string {
	var parts []string
	for _, id := range m.ids {
		d, _ := n.network.Delivery(id)
		parts = append(parts, fmt.Sprintf("PDU %d acknowledged %v, deleted %v", id, !d.Acknowledged.IsZero(), !d.Deleted.IsZero()))
	}
	return strings.Join(parts, "; ")
}

// auditEntries: each entry holds the figures that its message did.
func (n *night) auditEntries(a *account) {
	n.Helper()
	var rows []struct{ Key, Figures string }
	n.must(n.sql().Select(&rows, `SELECT replace(message::text, '-', '') AS key, figures::text FROM tally.entry`))
	stored := make(map[string]string, len(rows))
	for _, row := range rows {
		stored[row.Key] = row.Figures
	}
	for _, m := range n.crowd.sent {
		want := ""
		if m.figures != nil {
			want = "{" + strings.ReplaceAll(strings.Trim(fmt.Sprint([]int16(m.figures)), "[]"), " ", ",") + "}"
		}
		got := ""
		for _, key := range append(m.keys, m.again...) { // whichever came first made the entry
			got += stored[key]
		}
		if got != want {
			n.crowd.wrong = append(n.crowd.wrong, fmt.Sprintf("figures of %q from %s: %s, want %s", m.text, m.phone, got, want))
		}
	}
}

// due is how often a phone may get a text, and how often it must.
type due struct{ least, most, interim int }

// auditAnswers: each phone got what the outbox says and what an interim answer
// to one of its SMS would say, as often as that was sent; twice only where the
// outcome of the first was unknown.
func (n *night) auditAnswers(a *account) {
	n.Helper()
	allowed := n.owed(a)
	n.allowInterims(allowed)
	phones := make(map[string]bool)
	for _, m := range n.crowd.sent {
		phones[m.phone] = true
	}
	for phone := range phones {
		got := make(map[string]int)
		for _, r := range n.network.Inbox(phone) {
			got[r.Text]++
			a.arrived++
		}
		for text, times := range got {
			d := allowed[phone][text]
			if d.interim > 0 {
				a.interims += times
			}
			if times > d.most+2*d.interim {
				a.wrong = append(a.wrong, fmt.Sprintf("%s got %q %d times, due %d", phone, text, times, d.most))
			}
			a.twice += max(0, times-max(d.least, d.interim, 1))
		}
		for text, d := range allowed[phone] {
			if got[text] < d.least {
				a.wrong = append(a.wrong, fmt.Sprintf("%s got %q %d times, the outbox says %d", phone, text, got[text], d.least))
			}
		}
	}
}

// owed is what the outbox has sent, by phone and text.
func (n *night) owed(a *account) map[string]map[string]due {
	n.Helper()
	var rows []struct {
		Recipient, Text, State, Outcome string
		Repeats                         int
	}
	n.must(n.sql().Select(&rows, `SELECT r.recipient, r.text, r.state, r.repeats, v.outcome
		FROM outbox.reply r JOIN intake.verdict v ON v.message = r.message`))
	out := make(map[string]map[string]due)
	officers := make(map[string]bool)
	for _, m := range n.crowd.sent {
		officers[m.phone] = true
	}
	for _, r := range rows {
		if r.State == "failed" && !officers[r.Recipient] { // an invented sender of poison, whom no SMS reaches
			continue
		}
		if out[r.Recipient] == nil {
			out[r.Recipient] = make(map[string]due)
		}
		d := out[r.Recipient][r.Text]
		switch r.State {
		case "sent":
			d.least, d.most = d.least+1, d.most+1+r.Repeats
		case "unknown":
			a.unknown++
			d.most += 1 + r.Repeats
		default:
			a.wrong = append(a.wrong, fmt.Sprintf("reply %q to %s is %s", r.Text, r.Recipient, r.State))
		}
		out[r.Recipient][r.Text] = d
		if i := slices.Index(saying, r.Outcome); i >= 0 && !strings.HasPrefix(r.Text, saying[i+1]) {
			a.wrong = append(a.wrong, fmt.Sprintf("reply to what is %s: %q", r.Outcome, r.Text))
		}
	}
	return out
}

// saying is how the replies to some outcomes begin.
var saying = []string{"accepted", "DITERIMA", "same", "Laporan ", "conflict", "SUDAH ADA", "structure", "TERPOTONG", "figures", "PERIKSA"}

// allowInterims adds what a gateway on its own would have told each phone.
func (n *night) allowInterims(allowed map[string]map[string]due) {
	n.Helper()
	registry, err := n.desk.Registry(n.Context(), n.profile)
	n.must(err)
	for _, m := range n.crowd.sent {
		report := parser.Parse(n.profile, m.text)
		message := verify.Message{Kind: verify.MessageText, Sender: m.phone, Text: m.text, ReceivedAt: time.Now()}
		reply, ok := verify.Interim(n.profile, message, &report, registry)
		if !ok {
			continue
		}
		if allowed[m.phone] == nil {
			allowed[m.phone] = make(map[string]due)
		}
		d := allowed[m.phone][reply.Text]
		d.interim += 1 + len(m.again)
		allowed[m.phone][reply.Text] = d
	}
}
