package verify

import "slices"

// same is step 9: sent twice, or by a colleague. The present entry counts for
// every message; a held or replaced one only where nothing is to be corrected.
func same(d *decision) (Verdict, bool) {
	if !d.rep.K.OK {
		return Verdict{}, false
	}
	c := d.standing()
	if c.Present != nil && slices.Equal(c.Present.Figures, d.rep.Figures) {
		return d.sameAs(c.Present), true
	}
	if d.rep.Ralat {
		return Verdict{}, false
	}
	for i := range c.Others {
		t := &c.Others[i]
		if t.State != StateRejected && slices.Equal(t.Figures, d.rep.Figures) {
			return d.sameAs(t), true
		}
	}
	return Verdict{}, false
}

// sameAs tells the state and time of t, and its proof to the phone that has it.
func (d *decision) sameAs(t *Tally) Verdict {
	kind := KindSame
	switch {
	case t.State == StateHeld:
		kind = KindSameHeld
	case t.State == StateSuperseded:
		kind = KindSameReplaced
	case t.Proof != "" && t.ProofTo == d.phone:
		kind = KindSameProof
	}
	return d.provedAgain(Verdict{
		Outcome: OutcomeSame,
		Reason:  string(t.State),
		Reply:   d.reply(kind, words{at: t.At, proof: t.Proof, state: t.State}),
	}, t)
}

// rejectedAgain, still step 9: the staff have refused these very figures and
// the case is empty; they look once more before the same figures count.
func rejectedAgain(d *decision) (Verdict, bool) {
	c := d.standing()
	if c.Present != nil || !d.rep.K.OK || !equalsRejected(c, d.rep.Figures) {
		return Verdict{}, false
	}
	d.again = true
	if v, ok := unproven(d); ok {
		return v, true
	}
	return d.holds(OutcomeHeld, "rejected", KindHeldRejected, words{}), true
}

func equalsRejected(c *Case, figures []int16) bool {
	for i := range c.Others {
		if t := &c.Others[i]; t.State == StateRejected && slices.Equal(t.Figures, figures) {
			return true
		}
	}
	return false
}

// closed is step 13.
func closed(d *decision) (Verdict, bool) {
	if !d.standing().Closed {
		return Verdict{}, false
	}
	return d.holds(OutcomeHeld, "closed", KindHeldClosed, words{}), true
}

// conflict is step 14: the first entry stays, nothing is overwritten, unless a
// RALAT may take its place.
func conflict(d *decision) (Verdict, bool) {
	present := d.standing().Present
	if present == nil {
		return Verdict{}, false
	}
	if d.rep.Ralat {
		return d.ralat(present)
	}
	w := words{present: present}
	kind := KindConflict
	switch {
	case present.Proof == "" || present.ProofTo != d.phone:
	case present.State == StateIn && !d.ralatBlocked():
		kind, w.proof = KindConflictProof, present.Proof
	default:
		kind, w.proof = KindConflictFinal, present.Proof
	}
	return d.holds(OutcomeConflict, "conflict", kind, w), true
}

// holds keeps the tally beside the case for the staff to decide.
func (d *decision) holds(o Outcome, reason, kind string, w words) Verdict {
	return Verdict{
		Outcome: o,
		Reason:  reason,
		Entry:   d.entry(StateHeld),
		Reply:   d.reply(kind, w),
	}
}

// accepted is step 15, reached when nothing speaks against the tally.
func accepted(d *decision) Verdict {
	v := Verdict{Outcome: OutcomeAccepted, Reason: "accepted", Entry: d.entry(StateIn)}
	if d.formTaken && len(d.rep.Broken) > 0 {
		v.Reason = "form"
		v.Reply = d.reply(KindRecorded, words{broken: culprit(d.rep.Broken), proof: d.m.Proof})
		return v
	}
	v.Reply = d.reply(KindAccepted, words{proof: d.m.Proof})
	return v
}
