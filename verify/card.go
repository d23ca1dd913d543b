package verify

import "slices"

// mostWrongCodes is how many different wrong codes a card may see before a tally
// without a right one waits for a call-back: five tries in a thousand million
// find no code.
const mostWrongCodes = 5

// Card is what has become of the codes of one station.
type Card struct {
	Spent map[CardCode]Spent // the one-time codes that were used
	Wrong map[CardCode]bool  // the codes that were wrong
}

// CardCode is a code as it was typed, and the card that it was held against: a
// card that is issued again begins anew.
type CardCode struct {
	Generation int
	Code       string
}

// Spent says which entry a one-time code belongs to: for that one it is right
// again, so that an SMS may be sent twice.
type Spent struct {
	Ballot   string // first keyword
	Revision int
}

// Spend marks a one-time code as used, once and for ever.
type Spend struct {
	Station string // 13-digit code
	CardCode
	Spent
}

// Try is a wrong code. The same one again is no second try.
type Try struct {
	Station string // 13-digit code
	CardCode
}

// Raise gives an entry that is there a better proof than it came with.
type Raise struct {
	Case      CaseKey
	Revision  int
	Assurance Assurance
}

// tries counts the wrong codes of a card.
func (c *Card) tries(generation int) int {
	n := 0
	if c != nil {
		for code := range c.Wrong {
			if code.Generation == generation {
				n++
			}
		}
	}
	return n
}

// applyCodes carries forward what v says of codes and proofs.
func (f *Facts) applyCodes(v *Verdict) {
	if s := v.Spends; s != nil {
		f.Card(s.Station).Spent[s.CardCode] = s.Spent
	}
	if t := v.Tried; t != nil {
		f.Card(t.Station).Wrong[t.CardCode] = true
	}
	if r := v.Raises; r != nil {
		f.Cases[r.Case].Raise(r.Revision, r.Assurance)
	}
}

// Card is the one of a station, made where nothing was known of it.
func (f *Facts) Card(station string) *Card {
	if f.Cards == nil {
		f.Cards = make(map[string]*Card)
	}
	c := f.Cards[station]
	if c == nil {
		c = &Card{}
		f.Cards[station] = c
	}
	if c.Spent == nil {
		c.Spent = make(map[CardCode]Spent)
	}
	if c.Wrong == nil {
		c.Wrong = make(map[CardCode]bool)
	}
	return c
}

// figuresOf are those of the entry of that revision, nil when it is not known.
func (c *Case) figuresOf(revision int) []int16 {
	if c.Present != nil && c.Present.Revision == revision {
		return c.Present.Figures
	}
	for i := range c.Others {
		if c.Others[i].Revision == revision {
			return c.Others[i].Figures
		}
	}
	return nil
}

// Raise gives the entry of that revision its better proof; nothing where there
// is no such entry.
func (c *Case) Raise(revision int, a Assurance) {
	if c == nil {
		return
	}
	if c.Present != nil && c.Present.Revision == revision {
		better := *c.Present
		better.Assurance = a
		c.Present = &better
		return
	}
	if i := slices.IndexFunc(c.Others, func(t Tally) bool { return t.Revision == revision }); i >= 0 {
		c.Others[i].Assurance = a
	}
}
