package gateway_test

import (
	"log/slog"
	"testing"
	"time"

	"tali/cmd/tali/gateway"
	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/verify"
)

// misread keeps what an older version could not read: PDUs that this one can.
func (r *rig) misread(texts ...string) {
	r.Helper()
	journal, err := spool.Open(r.Context(), r.spool, slog.New(slog.DiscardHandler))
	r.must(err)
	for i, text := range texts {
		parts := 1
		if text == longText {
			parts = 2
		}
		pdus, err := modemsim.SMS{From: phone(i), To: modemNumber(0), Text: text, ForceParts: parts, At: time.Now()}.PDUs()
		r.must(err)
		for _, pdu := range pdus {
			_, err = journal.Keep(r.Context(), []spool.PDU{{Key: gsm.Key(imsi(0), pdu), Modem: "modem0", IMSI: imsi(0), Hex: pdu,
				ReadAt: time.Now(), Kind: spool.KindUnreadable, Reason: "an older program"}})
			r.must(err)
		}
	}
	_, err = journal.Keep(r.Context(), []spool.PDU{{Key: [32]byte{1}, Modem: "modem0", IMSI: imsi(0), Hex: "00", ReadAt: time.Now(), Kind: spool.KindUnreadable}})
	r.must(err)
	r.must(journal.Close())
}

const longText = "PANJANG yang tidak terbaca"

func (r *rig) rereadSpool(apply bool) gateway.Reread {
	r.Helper()
	journal, err := spool.Open(r.Context(), r.spool, slog.New(slog.DiscardHandler))
	r.must(err)
	n, err := gateway.SpoolRereader{Spool: journal, Apply: apply}.Run(r.Context())
	r.must(err)
	r.must(journal.Close())
	return n
}

// outcomes counts the verdicts at the centre.
func (r *rig) outcomes() map[verify.Outcome]int {
	r.Helper()
	o, err := r.desk.OverviewAnew(r.Context(), r.profile.ID)
	r.must(err)
	out := map[verify.Outcome]int{}
	for _, v := range o.Verdicts {
		out[v.Outcome] += v.Messages
	}
	return out
}

// TestRereadSpool reads again what waits in a spool, once and not twice.
func TestRereadSpool(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{stations: 3})
	r.misread(r.tally(0, 11), r.tally(1, 12), longText)
	want := gateway.Reread{Looked: 5, Readable: 4, Parts: 2, Still: 1}
	if n := r.rereadSpool(false); n != want {
		t.Errorf("dry run found %+v, want %+v", n, want)
	}
	if n := r.rereadSpool(true); n != want {
		t.Errorf("first run found %+v, want %+v", n, want)
	}
	if n := r.rereadSpool(true); n != (gateway.Reread{Looked: 5, Before: 4, Still: 1}) {
		t.Errorf("second run found %+v, want everything read before", n)
	}
	stop := r.start()
	r.await("both tallies accepted", func() bool { return r.outcomes()[verify.OutcomeAccepted] == 2 })
	r.await("the long one joined", func() bool {
		return r.count(`SELECT count(*) FROM intake.message WHERE text = $1`, longText) == 1
	})
	stop()
	// The centre has the unreadable rows too, and knows their second lives by their keys.
	c := gateway.CentreRereader{Desk: r.desk, Gateway: r.centre, Profile: r.profile, Version: "test", Apply: true}
	n, err := c.Run(t.Context())
	r.must(err)
	if n.Looked != 5 || n.Before != 2 || n.Parts != 2 || n.Still != 1 {
		t.Errorf("at the centre %+v, want two read before and two parts for the spool", n)
	}
}

// TestRereadCentre reads again what only the centre has.
func TestRereadCentre(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{stations: 3})
	r.misread(r.tally(0, 11), r.tally(1, 12))
	stop := r.start()
	r.await("unreadable rows at the centre", func() bool { return r.outcomes()[verify.OutcomeDamaged] == 3 })
	stop()
	c := gateway.CentreRereader{Desk: r.desk, Gateway: r.centre, Profile: r.profile, Version: "test"}
	run := func(want gateway.Reread) {
		t.Helper()
		n, err := c.Run(t.Context())
		r.must(err)
		if n != want {
			t.Errorf("found %+v, want %+v", n, want)
		}
	}
	run(gateway.Reread{Looked: 3, Readable: 2, Still: 1})
	if n := r.outcomes()[verify.OutcomeAccepted]; n != 0 {
		t.Errorf("%d tallies accepted by a dry run", n)
	}
	c.Apply = true
	run(gateway.Reread{Looked: 3, Readable: 2, Still: 1})
	run(gateway.Reread{Looked: 3, Before: 2, Still: 1})
	if n := r.outcomes()[verify.OutcomeAccepted]; n != 2 {
		t.Errorf("%d tallies accepted, want 2", n)
	}
	// The gateway's own rows are known by the same keys.
	if n := r.rereadSpool(true); n.Readable != 2 {
		t.Errorf("the spool found %+v", n)
	}
	stop = r.start()
	r.text(phone(2), 0, r.tally(2, 13))
	r.await("the next tally accepted", func() bool { return r.outcomes()[verify.OutcomeAccepted] == 3 })
	stop()
	if n := r.count(`SELECT count(*) FROM intake.message`); n != 6 {
		t.Errorf("%d messages at the centre, want three unreadable ones, two read again and a new one", n)
	}
}
