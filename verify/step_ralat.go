package verify

// mostWrongProofs is how many wrong codes a station may name before its RALAT
// wait for a call-back: five tries in thirty million tell nobody a code.
const mostWrongProofs = 5

// ralat is step 14 for a correction. It takes the place of what stands only with
// a code of the chain that stands, told to this very phone, and while the staff
// have not confirmed; everything else is held for them. The answer is the same
// whatever was wrong: it tells nobody which codes exist.
func (d *decision) ralat(present *Tally) (Verdict, bool) {
	reason := ""
	switch {
	case d.ralatBlocked():
		reason = "ralat_blocked"
	case d.rep.Proof == "":
		reason = "ralat_no_proof"
	case !d.proves(present):
		reason = "ralat_proof"
	case present.State != StateIn:
		reason = "ralat_verified"
	case d.proof.grade < present.Assurance:
		reason = "ralat_assurance"
	default:
		return Verdict{}, false
	}
	v := d.holds(OutcomeConflict, reason, KindHeldRalat, words{})
	if reason == "ralat_proof" {
		v.Entry.Flags = append(v.Entry.Flags, FlagWrongProof)
	}
	return v, true
}

// proves reports whether the code is that of what stands, or of one that it
// replaced, and went to this phone. With an older code the correction must be the
// later message: which one a gateway delivered first does not decide.
func (d *decision) proves(present *Tally) bool {
	if present.has(d.rep.Proof, d.phone) {
		return true
	}
	if !d.m.ReceivedAt.After(present.At) {
		return false
	}
	c := d.standing()
	for i := range c.Others {
		t := &c.Others[i]
		if t.State == StateSuperseded && t.Revision > c.rejected() && t.has(d.rep.Proof, d.phone) {
			return true
		}
	}
	return false
}

// has reports whether the code of its receipt is this one and went to that phone.
func (t *Tally) has(proof, phone string) bool {
	return t.Proof != "" && t.Proof == proof && t.ProofTo == phone
}

// rejected is the newest revision that the staff have refused: no chain of
// corrections reaches behind it.
func (c *Case) rejected() int {
	newest := 0
	for i := range c.Others {
		if t := &c.Others[i]; t.State == StateRejected {
			newest = max(newest, t.Revision)
		}
	}
	return newest
}

// ralatBlocked reports whether the wrong codes of this station that wait for the
// staff are as many as it may name.
func (d *decision) ralatBlocked() bool {
	wrong := 0
	for _, b := range d.p.Ballots {
		c := d.f.Cases[CaseKey{Station: d.station.Code, Ballot: b.Keyword}]
		if c == nil {
			continue
		}
		for i := range c.Others {
			if c.Others[i].WrongProof && c.Others[i].State == StateHeld {
				wrong++
			}
		}
	}
	return wrong >= mostWrongProofs
}
