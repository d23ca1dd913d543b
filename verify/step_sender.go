package verify

import "tali/parser"

// known: the centre has this message. It is decided already: nothing is stored
// and nobody is told anything a second time.
func known(d *decision) (Verdict, bool) {
	if !d.f.Known[d.m.Key] {
		return Verdict{}, false
	}
	d.phone, _ = parser.ParsePhone(d.m.Sender)
	return Verdict{Outcome: OutcomeKnown, Reason: "known"}, true
}

// sender is step 1: who cannot be answered, or must not be, is not answered. A
// PDU that does not decode may have no sender; the staff must see it all the
// same.
func sender(d *decision) (Verdict, bool) {
	phone, kind := parser.ParsePhone(d.m.Sender)
	d.phone = phone
	switch {
	case d.m.Kind == MessageReport:
		return ignored("status_report")
	case d.f.Own[phone]:
		return ignored("own_number")
	case kind == parser.PhoneNumber:
		return Verdict{}, false
	case d.m.Kind == MessageUnreadable:
		return Verdict{Outcome: OutcomeDamaged, Reason: string(d.m.Kind), Quarantine: true}, true
	}
	return ignored(string(kind))
}
func ignored(reason string) (Verdict, bool) {
	return Verdict{Outcome: OutcomeIgnored, Reason: reason}, true
}

// notRegistered is step 2. The answer is the same whatever the message says, so
// that nobody can try out codes; and it is rare, because the sender's number
// may be forged and somebody else would get it.
func notRegistered(d *decision) (Verdict, bool) {
	d.officer = d.f.Officers[d.phone]
	if d.officer != nil {
		return Verdict{}, false
	}
	v := Verdict{Outcome: OutcomeUnknown, Reason: "not_registered", Quarantine: true}
	if !d.f.UnknownAnswered[d.phone] && d.f.UnknownThisHour < d.p.UnknownPerHour {
		v.Reply = d.reply(KindUnknown, words{})
	}
	return v, true
}

// damaged: the air or the network lost a part. Nothing is read into the rest.
func damaged(d *decision) (Verdict, bool) {
	if d.m.Kind == MessageText {
		return Verdict{}, false
	}
	return Verdict{
		Outcome:    OutcomeDamaged,
		Reason:     string(d.m.Kind),
		Quarantine: true,
		Reply:      d.reply(KindDamaged, words{}),
	}, true
}
