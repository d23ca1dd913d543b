package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
)

const (
	firstSIM = "510990000000001"
	otherSIM = "510990000000002"
)

// slots is a gateway that only keeps, and what it is given.
type slots struct {
	*testing.T
	g    *Gateway
	pdus []string
}

func newSlots(t *testing.T) *slots {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	journal, err := spool.Open(t.Context(), filepath.Join(t.TempDir(), "spool.db"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := journal.Close(); err != nil {
			t.Error(err)
		}
	})
	at := time.Date(2024, 11, 27, 19, 0, 0, 0, time.UTC)
	pdus, err := modemsim.SMS{From: "+628990000001", To: "+628990000100", Text: "SATU", At: at}.PDUs()
	if err != nil {
		t.Fatal(err)
	}
	long, err := modemsim.SMS{From: "+628990000001", To: "+628990000100", Text: "PANJANG", At: at, ForceParts: 2, Reference: 7}.PDUs()
	if err != nil {
		t.Fatal(err)
	}
	g := New(Settings{Name: "uji"}, Parts{Spool: journal, Log: quiet})
	return &slots{t, g, append(pdus, long...)}
}

// read is a step: a listing of one store brings one PDU, or none.
type read struct {
	imsi, modem, store string
	slot, pdu          int // pdu -1: the store is listed and empty
}

func (s *slots) step(r read) {
	s.Helper()
	var rows []gsm.Stored
	if r.pdu >= 0 {
		rows = []gsm.Stored{{Modem: r.modem, IMSI: r.imsi, Store: r.store, Slot: r.slot, PDU: s.pdus[r.pdu], ReadAt: time.Now()}}
		if err := s.g.Keep(s.Context(), rows); err != nil {
			s.Fatal(err)
		}
	}
	s.g.listed(r.modem)(context.WithoutCancel(s.Context()), r.store, rows)
}

// TestSIMChanged: what lies in a modem's own memory counts once under whatever
// SIM it is read, and nothing else counts as the same.
func TestSIMChanged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps []read
		want  string // messages, whole long ones
	}{
		"the same slot":          {[]read{{firstSIM, "m1", "ME", 3, 0}, {otherSIM, "m1", "ME", 3, 0}}, "1 0"},
		"there and back":         {[]read{{firstSIM, "m1", "ME", 3, 0}, {otherSIM, "m1", "ME", 3, 0}, {firstSIM, "m1", "ME", 3, 0}}, "1 0"},
		"a third SIM":            {[]read{{firstSIM, "m1", "ME", 3, 0}, {otherSIM, "m1", "ME", 3, 0}, {"510990000000003", "m1", "ME", 3, 0}}, "1 0"},
		"read by the guest":      {[]read{{otherSIM, "m1", "ME", 3, 0}, {firstSIM, "m1", "ME", 3, 0}}, "1 0"},
		"memory and SIM as one":  {[]read{{firstSIM, "m1", "MT", 33, 0}, {otherSIM, "m1", "MT", 13, 0}}, "1 0"},
		"on the SIM":             {[]read{{firstSIM, "m1", "SM", 3, 0}, {otherSIM, "m1", "SM", 3, 0}}, "2 0"},
		"another slot":           {[]read{{firstSIM, "m1", "ME", 3, 0}, {otherSIM, "m1", "ME", 4, 0}}, "2 0"},
		"another modem":          {[]read{{firstSIM, "m1", "ME", 3, 0}, {otherSIM, "m2", "ME", 3, 0}}, "2 0"},
		"emptied in between":     {[]read{{firstSIM, "m1", "ME", 3, 0}, {firstSIM, "m1", "ME", 0, -1}, {otherSIM, "m1", "ME", 3, 0}}, "2 0"},
		"empty under the new":    {[]read{{firstSIM, "m1", "ME", 3, 0}, {otherSIM, "m1", "ME", 0, -1}, {otherSIM, "m1", "ME", 3, 0}}, "2 0"},
		"routed here directly":   {[]read{{firstSIM, "m1", "ME", 3, 0}, {otherSIM, "m1", "", 0, 0}}, "2 0"},
		"parts of two SIMs":      {[]read{{firstSIM, "m1", "ME", 3, 1}, {otherSIM, "m1", "ME", 4, 2}}, "0 1"},
		"the guest's part first": {[]read{{otherSIM, "m1", "ME", 4, 2}, {otherSIM, "m1", "ME", 0, -1}, {firstSIM, "m1", "SM", 1, 1}}, "0 1"},
		"a part read again":      {[]read{{firstSIM, "m1", "ME", 3, 1}, {otherSIM, "m1", "ME", 3, 1}, {otherSIM, "m1", "ME", 4, 2}}, "0 1"},
		"parts on two SIMs":      {[]read{{firstSIM, "m1", "SM", 3, 1}, {otherSIM, "m1", "SM", 4, 2}}, "0 0"},
		"parts at two modems":    {[]read{{firstSIM, "m1", "ME", 3, 1}, {otherSIM, "m2", "ME", 4, 2}}, "0 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSlots(t)
			for _, r := range c.steps {
				s.step(r)
			}
			messages, _, err := s.g.Spool.Undelivered(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			groups, err := s.g.Spool.Groups(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			whole := 0
			for _, g := range groups {
				if g.Complete {
					whole++
				}
			}
			if got := fmt.Sprint(messages, whole); got != c.want {
				t.Errorf("%s messages and whole long ones, want %s", got, c.want)
			}
		})
	}
}
