package verify

import "slices"

// entry is the tally of this message in that state, with the next revision of
// its case. All legal changes that a message can make to a case are here and in
// (*Case).take; the staff's own are not a message's business:
//
//	nothing stands         -> masuk, and it stands
//	something stands       -> ditahan, beside it
//	a RALAT that proves it -> masuk, and it stands; what stood is digantikan
//	closed by the staff    -> ditahan, beside what stands
//	equals a rejected one  -> ditahan, flagged; the case stays empty
func (d *decision) entry(s State) *Entry {
	e := &Entry{
		Case:      d.caseKey(),
		Revision:  d.standing().Revision + 1,
		State:     s,
		Figures:   d.rep.Figures,
		Assurance: d.proof.grade,
		Flags:     d.flags(),
	}
	if s == StateIn {
		e.Proof = d.m.Proof
	}
	return e
}

// Apply carries a verdict on m forward, so that the next message of a batch is
// decided as if the facts had been loaded after m was stored.
func (f *Facts) Apply(m Message, v Verdict) {
	if v.Outcome == OutcomeKnown {
		return
	}
	if f.Known == nil {
		f.Known = make(map[Key]bool)
	}
	f.Known[m.Key] = true
	if v.Outcome == OutcomeUnknown && v.Reply != nil {
		if f.UnknownAnswered == nil {
			f.UnknownAnswered = make(map[string]bool)
		}
		f.UnknownAnswered[v.Phone] = true
		f.UnknownThisHour++
	}
	f.applyCodes(&v)
	for _, key := range v.Settles {
		delete(f.Questions, key)
	}
	if v.Asks != nil {
		if f.Questions == nil {
			f.Questions = make(map[QuestionKey]*Question)
		}
		f.Questions[v.Asks.Key()] = v.Asks
	}
	if v.Entry == nil {
		return
	}
	if f.Cases == nil {
		f.Cases = make(map[CaseKey]*Case)
	}
	c := f.Cases[v.Entry.Case]
	if c == nil {
		c = &Case{}
		f.Cases[v.Entry.Case] = c
	}
	c.take(m, v)
}

// take adds the entry of v to the case. What is held changes the standing row
// too, which counts it: every entry raises the version by one.
func (c *Case) take(m Message, v Verdict) {
	t := Tally{
		Entry:     m.Key,
		State:     v.Entry.State,
		Revision:  v.Entry.Revision,
		Figures:   v.Entry.Figures,
		Proof:     v.Entry.Proof,
		Assurance: v.Entry.Assurance,
		At:        m.ReceivedAt,
	}
	if t.Proof != "" {
		t.ProofTo = v.Phone
	}
	c.Revision = t.Revision
	c.Version++
	if t.State == StateIn {
		c.supersede()
		c.Present = &t
		return
	}
	t.WrongProof = slices.Contains(v.Entry.Flags, FlagWrongProof)
	c.Others = append(c.Others, t)
}

// supersede puts what stands among the others, which stay in the order of their
// revisions.
func (c *Case) supersede() {
	if c.Present == nil {
		return
	}
	old := *c.Present
	old.State = StateSuperseded
	at := 0
	for at < len(c.Others) && c.Others[at].Revision < old.Revision {
		at++
	}
	c.Others = slices.Insert(c.Others, at, old)
}
