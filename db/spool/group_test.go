package spool

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func later(p PDU, d time.Duration) PDU {
	p.ReadAt = p.ReadAt.Add(d)
	return p
}

func sent(p PDU, d time.Duration) PDU {
	p.SentAt = noon.Add(d)
	p.Key = sha256.Sum256(fmt.Append(nil, p.Hex, d))
	return p
}

// shape writes groups as "AB+C-": letters are part texts, + is complete.
func shape(gs []Group) string {
	var out []string
	for _, g := range gs {
		mark := "-"
		if g.Complete {
			mark = "+"
		}
		text := ""
		for _, p := range g.Parts {
			text += p.Text
		}
		out = append(out, text+mark)
	}
	return strings.Join(out, " ")
}

func TestGroups(t *testing.T) {
	t.Parallel()
	other := part(1, 2, 2, "b")
	other.Sender = "+628990000002"
	sim := part(1, 2, 2, "b")
	sim.IMSI = "510100000000002"
	wide := part(1, 2, 2, "b")
	wide.Part.Width = 16
	for _, tc := range []struct {
		name string
		rows []PDU
		want string
	}{
		{"whole", []PDU{part(1, 2, 1, "a"), part(1, 2, 2, "b")}, "ab+"},
		{"out of order", []PDU{part(1, 3, 3, "c"), part(1, 3, 1, "a"), part(1, 3, 2, "b")}, "abc+"},
		{"of one part", []PDU{part(1, 1, 1, "a")}, "a+"},
		{"missing", []PDU{part(1, 3, 3, "c"), part(1, 3, 1, "a")}, "ac-"},
		{"doubled", []PDU{part(1, 2, 1, "a"), part(1, 2, 1, "a"), part(1, 2, 2, "b")}, "ab+"},
		{"sent again, new stamp", []PDU{part(1, 2, 1, "a"), sent(part(1, 2, 1, "a"), time.Minute), part(1, 2, 2, "b")}, "ab+"},
		{"doubled with other content", []PDU{part(1, 2, 1, "a"), part(1, 2, 1, "x"), part(1, 2, 2, "b")}, "ab+ x-"},
		{"interleaved with one reference", []PDU{part(1, 2, 1, "a"), part(1, 2, 1, "x"), part(1, 2, 2, "b"), part(1, 2, 2, "y")}, "ab+ xy+"},
		{"interleaved, told apart by stamp", []PDU{sent(part(1, 2, 1, "a"), 0), sent(part(1, 2, 1, "x"), time.Minute),
			sent(part(1, 2, 2, "y"), time.Minute), sent(part(1, 2, 2, "b"), 0)}, "ab+ xy+"},
		{"other reference", []PDU{part(1, 2, 1, "a"), part(2, 2, 2, "b")}, "a- b-"},
		{"other total", []PDU{part(1, 2, 1, "a"), part(1, 3, 2, "b")}, "a- b-"},
		{"other width", []PDU{part(1, 2, 1, "a"), wide}, "a- b-"},
		{"other sender", []PDU{part(1, 2, 1, "a"), other}, "a- b-"},
		{"other SIM", []PDU{part(1, 2, 1, "a"), sim}, "a- b-"},
		{"within the window", []PDU{part(1, 2, 1, "a"), later(part(1, 2, 2, "b"), time.Hour)}, "ab+"},
		{"beyond the window", []PDU{part(1, 2, 1, "a"), later(part(1, 2, 2, "b"), time.Hour+1)}, "a- b-"},
		{"beyond the window, same again", []PDU{part(1, 2, 1, "a"), later(sent(part(1, 2, 1, "a"), 1), 2*time.Hour)}, "a- a-"},
		{"clock went back", []PDU{part(1, 2, 1, "a"), later(part(1, 2, 2, "b"), -time.Hour)}, "ab+"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, WithWindow(time.Hour))
			for _, r := range tc.rows {
				keep(t, s, r)
			}
			if got := shape(groups(t, s)); got != tc.want {
				t.Errorf("Groups = %q, want %q", got, tc.want)
			}
			if n := len(waiting(t, s)); n != 0 {
				t.Errorf("parts alone gave %d messages", n)
			}
		})
	}
}

func TestGroupsOrderNeverMatters(t *testing.T) {
	t.Parallel()
	s := open(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for ref := range 30 {
		rows := []PDU{part(ref, 5, 1, "a"), part(ref, 5, 2, "b"), part(ref, 5, 3, "c"), part(ref, 5, 4, "d"), part(ref, 5, 5, "e"),
			part(ref, 5, 3, "c"), part(ref, 5, 1, "a")}
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		keep(t, s, rows...)
	}
	gs := groups(t, s)
	if len(gs) != 30 {
		t.Fatalf("%d groups, want 30", len(gs))
	}
	for _, g := range gs {
		if shape([]Group{g}) != "abcde+" {
			t.Errorf("reference %d: %q, want abcde+", g.Ref, shape([]Group{g}))
		}
	}
}

func join(tb testing.TB, s *Spool, g Group, kind MessageKind, text string) {
	tb.Helper()
	if err := s.AddJoined(tb.Context(), g, kind, text); err != nil {
		tb.Fatalf("AddJoined(%q, %s): %v", shape([]Group{g}), kind, err)
	}
}

func TestAddJoined(t *testing.T) {
	t.Parallel()
	s := open(t)
	a, b := part(1, 2, 1, "a"), later(part(1, 2, 2, "b"), time.Minute)
	keep(t, s, b, a, a)
	g := groups(t, s)[0]
	join(t, s, g, MessageText, "ab")
	join(t, s, g, MessageText, "ab") // an unclear outcome is tried again
	got := waiting(t, s)
	sum := sha256.Sum256(slices.Concat(a.Key[:], b.Key[:]))
	if len(got) != 1 || got[0].Key != [16]byte(sum[:16]) || got[0].Kind != MessageText || got[0].Text != "ab" ||
		!slices.Equal(got[0].PDUs, []string{a.Hex, b.Hex}) || got[0].Sender != a.Sender || got[0].IMSI != a.IMSI ||
		got[0].Modem != a.Modem || !got[0].ReceivedAt.Equal(b.ReadAt) || !got[0].SentAt.Equal(a.SentAt) || got[0].Copies != 2 {
		t.Errorf("Waiting = %+v", got)
	}
	if gs := groups(t, s); len(gs) != 0 {
		t.Errorf("Groups after joining = %q, want none", shape(gs))
	}
	// The phone sends part 1 again after all was joined: no orphan.
	keep(t, s, sent(a, time.Hour))
	if gs := groups(t, s); len(gs) != 0 {
		t.Errorf("a copy of a joined part opened %q", shape(gs))
	}
}

func TestIncompleteIsCompletedByLatePart(t *testing.T) {
	t.Parallel()
	s := open(t)
	a, b, c := part(1, 3, 1, "a"), part(1, 3, 2, "b"), part(1, 3, 3, "c")
	keep(t, s, a)
	join(t, s, groups(t, s)[0], MessageIncomplete, "a")
	if gs := groups(t, s); len(gs) != 0 {
		t.Errorf("a reported group comes again without a new part: %q", shape(gs))
	}
	deliver(t, s, noon, waiting(t, s)...)
	keep(t, s, c)
	gs := groups(t, s)
	if shape(gs) != "ac-" || !gs[0].Reported {
		t.Fatalf("Groups = %q, want ac- reported", shape(gs))
	}
	join(t, s, gs[0], MessageIncomplete, "ac")
	keep(t, s, b)
	gs = groups(t, s)
	if shape(gs) != "abc+" {
		t.Fatalf("Groups = %q, want abc+", shape(gs))
	}
	join(t, s, gs[0], MessageText, "abc")
	got := waiting(t, s)
	if len(got) != 2 || got[0].Kind != MessageIncomplete || got[1].Kind != MessageText || got[0].Key == got[1].Key ||
		!slices.Equal(got[1].PDUs, []string{a.Hex, b.Hex, c.Hex}) {
		t.Errorf("Waiting = %+v", got)
	}
	if gs := groups(t, s); len(gs) != 0 {
		t.Errorf("Groups = %q, want none", shape(gs))
	}
	// Retention takes the delivered incomplete one, not the parts of the rest.
	if n, err := s.Prune(t.Context(), noon.Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("Prune = %d, %v, want 1", n, err)
	}
	if again := waiting(t, s); !slices.Equal(again[1].PDUs, got[1].PDUs) {
		t.Errorf("after Prune PDUs = %q, want %q", again[1].PDUs, got[1].PDUs)
	}
}

func TestAddJoinedRefuses(t *testing.T) {
	t.Parallel()
	s := open(t)
	keep(t, s, part(1, 2, 1, "a"))
	half := groups(t, s)[0]
	if err := s.AddJoined(t.Context(), half, MessageText, "a"); err == nil {
		t.Error("an incomplete group was taken as text")
	}
	if err := s.AddJoined(t.Context(), Group{}, MessageIncomplete, ""); err == nil {
		t.Error("an empty group was taken")
	}
	keep(t, s, part(1, 2, 2, "b"))
	join(t, s, groups(t, s)[0], MessageText, "ab")
	if err := s.AddJoined(t.Context(), half, MessageIncomplete, "a"); !errors.Is(err, ErrStale) {
		t.Errorf("AddJoined of used parts = %v, want ErrStale", err)
	}
	if n := len(waiting(t, s)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}
