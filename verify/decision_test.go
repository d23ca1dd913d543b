package verify

import (
	"errors"
	"maps"
	"slices"
	"testing"
)

// caseOf has the entries in those states; stands is the revision that stands.
func caseOf(stands int, states ...State) *Case {
	c := &Case{Revision: len(states)}
	for i, s := range states {
		t := Tally{Revision: i + 1, State: s}
		if i+1 == stands {
			c.Present = &t
			continue
		}
		c.Others = append(c.Others, t)
	}
	return c
}

func TestDecideIsLegal(t *testing.T) {
	t.Parallel()
	all := []State{StateIn, StateHeld, StateVerified, StateRejected, StateSuperseded}
	legal := map[Act][]State{
		ActConfirm: {StateIn, StateHeld}, ActReject: {StateIn, StateHeld}, ActHold: {StateIn}, ActReplace: nil, ActUndo: nil, "edit": nil,
	}
	for act, from := range legal {
		for _, s := range all {
			stands := 0
			if s == StateIn || s == StateVerified {
				stands = 1
			}
			_, err := caseOf(stands, s).Decide(act, 1)
			if want := slices.Contains(from, s); (err == nil) != want || err != nil && !errors.Is(err, ErrIllegal) {
				t.Errorf("%s of %s: %v, legal: %t", act, s, err, want)
			}
		}
		if _, err := caseOf(1, StateIn).Decide(act, 2); !errors.Is(err, ErrIllegal) {
			t.Errorf("%s of an entry that is not there: %v", act, err)
		}
	}
}

// Confirming settles the whole case, and undoing it brings everything back.
func TestConfirmSettlesTheCase(t *testing.T) {
	t.Parallel()
	c := caseOf(2, StateSuperseded, StateIn, StateHeld, StateRejected, StateHeld)
	changes, err := c.Decide(ActConfirm, 3)
	want := []Change{
		{2, ActReplace, StateIn, StateSuperseded}, {5, ActReplace, StateHeld, StateSuperseded}, {3, ActConfirm, StateHeld, StateVerified},
	}
	if err != nil || !slices.Equal(changes, want) {
		t.Fatalf("changes = %v, %v, want %v", changes, err, want)
	}
	if revision, s := c.Stands(changes); revision != 3 || s != StateVerified || c.Held(changes) != 0 {
		t.Errorf("stands %d %s, held %d", revision, s, c.Held(changes))
	}
	after := caseOf(3, StateSuperseded, StateSuperseded, StateVerified, StateRejected, StateSuperseded)
	back, err := after.Undo(changes)
	if err != nil {
		t.Fatal(err)
	}
	if revision, s := after.Stands(back); revision != 2 || s != StateIn || after.Held(back) != 2 {
		t.Errorf("after undo: stands %d %s, held %d", revision, s, after.Held(back))
	}
	if _, err := caseOf(2, StateSuperseded, StateIn, StateHeld, StateRejected, StateHeld).Undo(back); !errors.Is(err, ErrIllegal) {
		t.Errorf("undoing an undo: %v", err)
	}
}

// What was rejected does not push out what came since.
func TestUndoBesideANewerEntry(t *testing.T) {
	t.Parallel()
	rejected := []Change{{1, ActReject, StateIn, StateRejected}}
	back, err := caseOf(2, StateRejected, StateIn).Undo(rejected)
	if err != nil || len(back) != 1 || back[0].To != StateHeld {
		t.Errorf("beside a newer entry: %v, %v", back, err)
	}
	back, err = caseOf(0, StateRejected).Undo(rejected)
	if err != nil || len(back) != 1 || back[0].To != StateIn {
		t.Errorf("in an empty case: %v, %v", back, err)
	}
	if _, err := caseOf(1, StateIn).Undo(rejected); !errors.Is(err, ErrIllegal) {
		t.Errorf("when it is no longer rejected: %v", err)
	}
}

func TestNotices(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	r := testRegistry(t)
	n := Notice{Kind: KindRejected, Station: &r.Stations[0], Ballot: p.Ballots[0], Reason: "☎ angka beda dgn C.HASIL yang ditempel di TPS ini"}
	got := n.Render(p)
	if got == nil || got.Kind != KindRejected {
		t.Fatalf("Render = %+v", got)
	}
	if size, ok := Septets(got.Text); !ok || size > MaxSeptets {
		t.Errorf("%d septets, of the alphabet: %t: %s", size, ok, got.Text)
	}
	n.Kind, n.Proof = KindAskAgain, "7F3K2"
	if got := n.Render(p); got == nil || got.Kind != KindAskAgainProof {
		t.Errorf("with a proof = %+v", got)
	}
	p.Texts = maps.Clone(p.Texts)
	delete(p.Texts, KindVerified)
	n.Kind = KindVerified
	if got := n.Render(p); got != nil {
		t.Errorf("an election that tells nobody tells %+v", got)
	}
	if err := CheckTexts(p, r); err != nil {
		t.Errorf("CheckTexts without the text of a confirmation: %v", err)
	}
}
