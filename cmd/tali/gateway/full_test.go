package gateway_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"tali/cmd/tali/gateway"
	"tali/db/spool"
)

// TestBeginsOnAFullDisk: a gateway that died while it texted the staff, and begins
// again on a full disk, lives on: what it cannot write down stays in the modem, and
// with room again both the officer and the staff hear, once.
func TestBeginsOnAFullDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	d := newDisk(r)
	if !d.mounted {
		t.Skip("no small file system can be mounted here: run as root")
	}
	r.spool = d.dir + "/spool/spool.db"
	log := &buffer{}
	r.log = slog.New(slog.NewJSONHandler(log, nil))
	staff := phone(700001)
	r.settings.Alarm = gateway.AlarmSettings{Phones: []string{staff}}
	r.start()() // a first life, of which the spool keeps the key of proof codes
	journal, err := spool.Open(t.Context(), r.spool, r.log)
	r.must(err)
	_, err = journal.AddNotices(t.Context(), []spool.Notice{{To: staff, Text: "SEDANG DIKIRIM", At: time.Now()}}, 50, "alarms", "[]")
	r.must(err)
	if _, ok, err := journal.ClaimNotice(t.Context()); err != nil || !ok {
		t.Fatalf("ClaimNotice = %v, %v", ok, err)
	}
	r.must(d.fill())
	stop := r.startOn(journal)
	r.text(phone(0), 0, r.tally(0, 145))
	r.await("the trouble in the log", func() bool {
		text := log.String()
		return strings.Contains(text, "the staff are not told yet") && strings.Contains(text, "disk")
	})
	if n := r.count(`SELECT count(*) FROM intake.message`); n != 0 {
		t.Errorf("%d messages stored that the spool has no room for", n)
	}
	r.must(d.grow())
	told := func() (n int) {
		for _, m := range r.network.Inbox(staff) { // the alarms about the disk are there too
			if m.Text == "SEDANG DIKIRIM" {
				n++
			}
		}
		return n
	}
	r.await("what was under way", func() bool { return told() > 0 })
	if got := r.awaitReplies(phone(0), 1)[0].Text; !strings.HasPrefix(got, "DITERIMA") {
		t.Errorf("the officer got %q", got)
	}
	stop()
	r.audit()
	if n := told(); n != 1 {
		t.Errorf("the staff got what was under way %d times, want once", n)
	}
}
