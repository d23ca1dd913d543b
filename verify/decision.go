package verify

import (
	"errors"
	"fmt"
)

// Act is what the staff do about an entry.
type Act string

// The acts that change a state.
const (
	ActConfirm Act = "confirm" // this entry is what the form says
	ActReject  Act = "reject"  // it is not; the case is empty afterwards
	ActHold    Act = "hold"    // it stands no longer, and waits
	ActReplace Act = "replace" // what confirming another entry of the case does to it
	ActUndo    Act = "undo"    // the newest act was a mistake
)

// Change is what an act does to one entry of a case.
type Change struct {
	Revision int
	Act      Act
	From, To State
}

// ErrIllegal: the entry's state does not allow the act.
var ErrIllegal = errors.New("no legal change")

// Decide lists what an act on one entry changes in the case. These and those of
// (*decision).entry are all legal changes:
//
//	confirm  masuk, ditahan -> terverifikasi, and it stands; what else stood or
//	         was held -> digantikan
//	reject   masuk, ditahan -> ditolak
//	hold     masuk -> ditahan
//	undo     back, see Undo
//
// A confirmed entry is rejected or held only after its confirmation was undone:
// nothing that was published disappears by one slip.
func (c *Case) Decide(a Act, revision int) ([]Change, error) {
	t := c.tally(revision)
	if t == nil {
		return nil, fmt.Errorf("%w: no revision %d", ErrIllegal, revision)
	}
	open := t.State == StateIn || t.State == StateHeld
	switch {
	case a == ActConfirm && open:
		return c.confirm(t), nil
	case a == ActReject && open:
		return []Change{{revision, a, t.State, StateRejected}}, nil
	case a == ActHold && t.State == StateIn:
		return []Change{{revision, a, t.State, StateHeld}}, nil
	}
	return nil, fmt.Errorf("%w: %s of revision %d, which is %s", ErrIllegal, a, revision, t.State)
}

// tally is the entry of that revision, nil when there is none.
func (c *Case) tally(revision int) *Tally {
	if c.Present != nil && c.Present.Revision == revision {
		return c.Present
	}
	for i := range c.Others {
		if c.Others[i].Revision == revision {
			return &c.Others[i]
		}
	}
	return nil
}

// confirm settles the whole case: no version waits beside a confirmed one that
// the staff have seen it with.
func (c *Case) confirm(t *Tally) []Change {
	var out []Change
	if p := c.Present; p != nil && p.Revision != t.Revision {
		out = append(out, Change{p.Revision, ActReplace, p.State, StateSuperseded})
	}
	for i := range c.Others {
		if o := &c.Others[i]; o.Revision != t.Revision && o.State == StateHeld {
			out = append(out, Change{o.Revision, ActReplace, o.State, StateSuperseded})
		}
	}
	return append(out, Change{t.Revision, ActConfirm, t.State, StateVerified})
}

// Undo lists the changes that take the newest act of the case back. What stood
// before stands again, unless another entry has taken its place meanwhile: then
// it is held beside it. An undo is not undone: the act is done again.
func (c *Case) Undo(last []Change) ([]Change, error) {
	if len(last) == 0 || last[0].Act == ActUndo {
		return nil, fmt.Errorf("%w: nothing to undo", ErrIllegal)
	}
	taken := c.Present != nil
	for _, l := range last {
		taken = taken && c.Present.Revision != l.Revision
	}
	out := make([]Change, 0, len(last))
	for _, l := range last {
		t := c.tally(l.Revision)
		if t == nil || t.State != l.To {
			return nil, fmt.Errorf("%w: revision %d has changed since", ErrIllegal, l.Revision)
		}
		to := l.From
		if to == StateIn && taken {
			to = StateHeld
		}
		out = append(out, Change{l.Revision, ActUndo, t.State, to})
	}
	return out, nil
}

// Stands is the entry that stands after the changes, 0 when none does, and its
// state.
func (c *Case) Stands(changes []Change) (revision int, s State) {
	if c.Present != nil {
		revision, s = c.Present.Revision, c.Present.State
	}
	for _, ch := range changes {
		if ch.Revision == revision {
			revision, s = 0, ""
		}
	}
	for _, ch := range changes {
		if ch.To == StateIn || ch.To == StateVerified {
			revision, s = ch.Revision, ch.To
		}
	}
	return revision, s
}

// Held is how many entries wait beside what stands after the changes.
func (c *Case) Held(changes []Change) int {
	n := 0
	for i := range c.Others {
		if c.Others[i].State == StateHeld {
			n++
		}
	}
	for _, ch := range changes {
		if ch.From == StateHeld {
			n--
		}
		if ch.To == StateHeld {
			n++
		}
	}
	return n
}
