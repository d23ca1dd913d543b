package gateway_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"tali/gsm/modemsim"
	"tali/parser"
)

// TestConversations sends one SMS each through a modem and reads what the phone
// gets back and what the centre keeps.
func TestConversations(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{stations: 20})
	r.start()
	right := func(i int) string { return r.tally(i, 145) }
	words := func(i int) []string { return strings.Fields(right(i)) }
	with := func(i, word int, v string) string {
		w := words(i)
		w[word] = v
		return strings.Join(w, " ")
	}
	for i, c := range []struct {
		name, text, outcome, reply string
		entries                    int
	}{
		{"right", right(0), "accepted", "DITERIMA PILBUP TPS", 1},
		{"lower case and other separators", strings.ToLower(strings.ReplaceAll(right(1), " ", "#")) + " trims", "accepted", "DITERIMA", 1},
		{"a figure that breaks a relation", with(2, 2, "154"), "figures", "PERIKSA", 0},
		{"a wrong K", with(3, len(words(3))-1, "71675"), "figures", "PERIKSA", 0},
		{"cut off", right(4)[:30], "structure", "TERPOTONG", 0},
		{"a row missing", strings.Join(append(words(5)[:4:4], words(5)[5:]...), " "), "structure", "KURANG", 0},
		{"another station", with(6, 1, r.officers[7].Stations[0].TPS), "wrong_tps", "KODE TPS", 0},
		{"not a report", "apakah server sudah bisa?", "unreadable", "", 0},
		{"thanks", "Terima kasih pak", "courtesy", "", 0},
	} {
		from := phone(i)
		r.text(from, 0, c.text)
		r.await(c.name, func() bool { return r.count(`SELECT count(*) FROM intake.verdict WHERE phone = $1`, from) == 1 })
		if n := r.count(`SELECT count(*) FROM intake.verdict WHERE phone = $1 AND outcome = $2`, from, c.outcome); n != 1 {
			var got string
			r.must(r.sql().Get(&got, `SELECT outcome FROM intake.verdict WHERE phone = $1`, from))
			t.Errorf("%s: outcome of %q = %s, want %s", c.name, c.text, got, c.outcome)
		}
		if n := r.count(`SELECT count(*) FROM tally.entry WHERE phone = $1`, from); n != c.entries {
			t.Errorf("%s: %d entries, want %d", c.name, n, c.entries)
		}
		if c.outcome == "courtesy" {
			continue
		}
		got := r.awaitReplies(from, 1)[0]
		if !strings.HasPrefix(got.Text, c.reply) || got.From != modemNumber(0) {
			t.Errorf("%s: reply %q from %s, want %q...", c.name, got.Text, got.From, c.reply)
		}
	}
	r.audit()
}

// TestStrangers: what is not registered learns nothing and cannot make us send.
func TestStrangers(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	r.start()
	stranger := phone(555555)
	for i := range 5 { // the same text in the same second would be one SMS, sent again by the network
		r.text(stranger, 0, r.tally(0, 145+i))
	}
	r.text("PROMO", 0, "Balas YA untuk hadiah")
	r.text("3636", 0, "Pulsa Anda habis")
	r.text(modemNumber(0), 0, r.tally(0, 145))
	r.text(phone(0), 0, r.tally(0, 145))
	r.awaitDrained(9)
	r.awaitReplies(phone(0), 1)
	r.await("queue", func() bool { return r.count(`SELECT count(*) FROM outbox.reply WHERE state <> 'sent'`) == 0 })
	inbox := r.network.Inbox(stranger)
	if len(inbox) != 1 || strings.Contains(inbox[0].Text, r.officers[0].Stations[0].TPS) {
		t.Errorf("a stranger got %v, want one neutral answer", inbox)
	}
	if n := len(r.network.Inbox("3636")); n != 0 {
		t.Errorf("a short code got %d answers", n)
	}
	if n := r.count(`SELECT count(*) FROM tally.entry`); n != 1 {
		t.Errorf("%d entries, want only the officer's", n)
	}
	r.audit()
}

// TestTwoReports: the first stands, a repetition changes nothing, other figures
// are held.
func TestTwoReports(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{modems: 2})
	r.start()
	from := phone(0)
	r.text(from, 0, r.tally(0, 145))
	first := r.awaitReplies(from, 1)[0].Text
	r.text(from, 1, r.tally(0, 145))
	same := r.awaitReplies(from, 2)[1].Text
	r.text(from, 1, r.tally(0, 146))
	conflict := r.awaitReplies(from, 3)[2].Text
	proof := first[strings.LastIndex(first, " ")+1:]
	if !strings.Contains(same, proof) || !strings.Contains(conflict, "DITAHAN") {
		t.Errorf("replies %q, %q, %q", first, same, conflict)
	}
	var states []string
	r.must(r.sql().Select(&states, `SELECT state FROM tally.entry ORDER BY revision`))
	if strings.Join(states, " ") != "masuk ditahan" {
		t.Errorf("entries %v, want masuk ditahan", states)
	}
	if n := r.count(`SELECT count(*) FROM tally.standing WHERE state = 'masuk' AND entry = 1`); n != 1 {
		t.Errorf("the first report does not stand")
	}
	r.audit()
}

// TestLongSMS: parts in any order, doubled, with either width of reference,
// interleaved with another's, are one message; missing ones are shown.
func TestLongSMS(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{partsWindow: time.Second})
	r.start()
	want := 0
	for i, c := range []struct {
		width int
		order []int
	}{{8, []int{0, 1, 2}}, {16, []int{2, 0, 1}}, {8, []int{1, 1, 0, 2, 2}}} {
		sms := modemsim.SMS{
			From: phone(i), To: modemNumber(0), Text: r.tally(i, 145), Encoding: modemsim.UCS2,
			ForceParts: 3, RefWidth: c.width, Reference: 77,
		}
		pdus, err := sms.PDUs()
		r.must(err)
		for _, at := range c.order {
			_, err := r.network.SubmitPDU(modemNumber(0), pdus[at])
			r.must(err)
		}
		got := r.awaitReplies(phone(i), 1)[0]
		if !strings.HasPrefix(got.Text, "DITERIMA") {
			t.Errorf("long SMS %d: %q", i, got.Text)
		}
		want++
		r.await("joined message", func() bool {
			return r.count(`SELECT count(*) FROM intake.message WHERE replace(key::text, '-', '') = $1`, joinedKey(imsi(0), pdus)) == 1
		})
	}
	if n := r.count(`SELECT count(*) FROM intake.message WHERE kind = 'text'`); n != want {
		t.Errorf("%d messages, want %d", n, want)
	}
}

// TestIncomplete: a part that never comes leaves a message for the staff, and
// one that comes late still makes the whole.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{partsWindow: time.Second})
	r.settings.PartsWindow = 200 * time.Millisecond
	r.start()
	pdus, err := modemsim.SMS{From: phone(0), To: modemNumber(0), Text: r.tally(0, 145), ForceParts: 2}.PDUs()
	r.must(err)
	_, err = r.network.SubmitPDU(modemNumber(0), pdus[0])
	r.must(err)
	r.await("incomplete message", func() bool {
		return r.count(`SELECT count(*) FROM intake.message m JOIN intake.verdict v ON v.message = m.key WHERE m.kind = 'incomplete' AND v.quarantine`) == 1
	})
	_, err = r.network.SubmitPDU(modemNumber(0), pdus[1])
	r.must(err)
	r.await("whole message", func() bool { return r.count(`SELECT count(*) FROM tally.entry`) == 1 })
}

// TestPoison: what does not decode is kept and in nobody's way.
func TestPoison(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	r.start()
	for _, pdu := range []string{
		"07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07FF", // an octet too many
		"0791", "00", "07911326040000F0440B911346610089F6",
	} {
		_, err := r.network.SubmitPDU(modemNumber(0), pdu)
		r.must(err)
	}
	r.text(phone(0), 0, strings.Repeat("\x00€{}", 12))
	r.text(phone(1), 0, "")
	r.text(phone(2), 0, strings.Repeat("PILBUP 1 2 3 ", 11))
	r.text(phone(3), 0, r.tally(3, 145))
	r.awaitDrained(8)
	r.awaitReplies(phone(3), 1)
	r.audit()
}

// TestRealTallies texts the two tallies that were published for Pemilu 2024 as
// PPWP: the consistent one is taken, the misread one is asked about.
func TestRealTallies(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{profile: "pemilu-2024-bolmut"})
	r.start()
	b := r.profile.Ballots[0]
	for i, c := range []struct {
		figures parser.Figures
		reply   string
	}{
		{parser.Figures{62, 136, 13, 211, 5, 216}, "DITERIMA PPWP"},
		{parser.Figures{86, 89, 15, 190, 4, 594}, "PERIKSA"},
	} {
		k, _ := b.K(c.figures)
		text := "PPWP " + r.officers[i].Stations[0].TPS
		for _, f := range c.figures {
			text += " " + strconv.Itoa(int(f))
		}
		r.text(phone(i), 0, text+" "+k)
		if got := r.awaitReplies(phone(i), 1)[0].Text; !strings.HasPrefix(got, c.reply) {
			t.Errorf("figures %v: reply %q, want %q...", c.figures, got, c.reply)
		}
	}
	var stored []string
	r.must(r.sql().Select(&stored, `SELECT figures::text FROM tally.entry`))
	if len(stored) != 1 || stored[0] != "{62,136,13,211,5,216}" {
		t.Errorf("stored figures %v", stored)
	}
}
