package parser

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of a profile.
const (
	maxContestants = 54 // the longest DPD form
	minKeyword     = 2
	maxKeyword     = 16
)

// NewProfile checks a profile and makes it ready for Parse. The result holds
// its own copies of the ballots. The error names key, value and remedy.
func NewProfile(p Profile) (*Profile, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	ballots := p.Ballots
	p.Ballots = make([]*Ballot, 0, len(ballots))
	p.keywords = map[string]*Ballot{}
	p.mostRows = 0
	digits := map[byte]string{}
	for i, b := range ballots {
		at := fmt.Sprintf("ballots[%d]", i)
		if b == nil {
			return nil, wrong(at, "", "describe the ballot or remove it")
		}
		own := *b
		own.Aliases, own.Contestants = slices.Clone(b.Aliases), slices.Clone(b.Contestants)
		if err := own.check(at); err != nil {
			return nil, err
		}
		if other, taken := digits[own.Digit]; taken {
			return nil, wrong(at+".digit", string(rune(own.Digit)), "taken by "+other+": give each ballot its own")
		}
		digits[own.Digit] = own.Keyword
		if err := p.index(at, &own); err != nil {
			return nil, err
		}
		p.Ballots = append(p.Ballots, &own)
		p.mostRows = max(p.mostRows, own.N())
	}
	return &p, nil
}

func wrong(key, value, remedy string) error {
	return fmt.Errorf("%s: %q: %s", key, value, remedy)
}

// check looks at what is not about a single ballot.
func (p *Profile) check() error {
	switch {
	case p.ID == "" || strings.Trim(p.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return wrong("id", p.ID, "use lower-case letters, digits and hyphens: every key derives from it")
	case p.Phase != PhaseRehearsal && p.Phase != PhaseReal:
		return wrong("phase", string(p.Phase), "use rehearsal or real")
	case p.Round < 1:
		return wrong("round", fmt.Sprint(p.Round), "use 1 for the first count, 2 and more for a re-vote")
	case len(p.Regency) != 4 || !allDigits(p.Regency):
		return wrong("regency", p.Regency, "use the four digits of the Kemendagri code, without a dot")
	case p.Auth != AuthOff && p.Auth != AuthAccepted && p.Auth != AuthRequired:
		return wrong("auth", string(p.Auth), "use off, accepted or required")
	case p.Zone == nil:
		return wrong("zone", "", "name the time zone of the stations, e.g. Asia/Makassar")
	case p.ZoneTag != "WIB" && p.ZoneTag != "WITA" && p.ZoneTag != "WIT":
		return wrong("zone_tag", p.ZoneTag, "use WIB, WITA or WIT")
	case p.Opens.IsZero():
		return wrong("opens", "", "say when the count begins")
	case !p.Opens.Before(p.Closes):
		return wrong("closes", p.Closes.String(), "choose a time after opens, "+p.Opens.String())
	case p.ReservePermille < 0 || p.ReservePermille > 1000:
		return wrong("reserve_permille", fmt.Sprint(p.ReservePermille), "use 0 to 1000; 20 is 2 %")
	case p.QuestionTTL < 0:
		return wrong("question_ttl", p.QuestionTTL.String(), "use a positive duration, e.g. 60m")
	case p.UnknownPerHour < 0:
		return wrong("unknown_per_hour", fmt.Sprint(p.UnknownPerHour), "use 0 or more")
	case len(p.Ballots) == 0:
		return wrong("ballots", "", "describe at least one ballot")
	}
	return nil
}

// check looks at one ballot by itself; at is its key.
func (b *Ballot) check(at string) error {
	switch {
	case b.Digit < '1' || b.Digit > '8':
		return wrong(at+".digit", string(rune(b.Digit)), "use 1 to 8")
	case b.Form != FormFull && b.Form != FormShort:
		return wrong(at+".form", string(b.Form), "use full or short")
	case strings.TrimSpace(b.Unit) == "":
		return wrong(at+".unit", b.Unit, "say what a row of the votes is called, e.g. calon or partai")
	case len(b.Contestants) == 0:
		return wrong(at+".contestants", "", "name them in form order; a single pair stands against KOLOM KOSONG")
	case len(b.Contestants) > maxContestants:
		return wrong(at+".contestants", fmt.Sprint(len(b.Contestants)), fmt.Sprintf("at most %d fit a form", maxContestants))
	}
	for i, name := range b.Contestants {
		if strings.TrimSpace(name) == "" {
			return wrong(fmt.Sprintf("%s.contestants[%d]", at, i), name, "give the name that stands on the form")
		}
	}
	return nil
}

// index enters the words of b, each of which must mean nothing else.
func (p *Profile) index(at string, b *Ballot) error {
	for i, word := range append([]string{b.Keyword}, b.Aliases...) {
		key := at + ".keyword"
		if i > 0 {
			key = fmt.Sprintf("%s.aliases[%d]", at, i-1)
		}
		if err := checkKeyword(key, word); err != nil {
			return err
		}
		if other := p.keywords[word]; other != nil {
			return wrong(key, word, "taken by "+other.Keyword+": choose another word")
		}
		p.keywords[word] = b
	}
	return nil
}

// checkKeyword refuses words that could be read as anything but a keyword:
// digits are lost to O and I, and SOLO would be S = 010.
func checkKeyword(key, word string) error {
	w := []byte(word)
	glued, _ := gluedLabel(w)
	switch {
	case len(w) < minKeyword || len(w) > maxKeyword || strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return wrong(key, word, fmt.Sprintf("use %d to %d capital letters A-Z", minKeyword, maxKeyword))
	case reserved(w):
		return wrong(key, word, "has a meaning of its own in an SMS: choose another word")
	case readable(w, 1, len(w)), glued != 0:
		return wrong(key, word, "would be read as a figure, O as 0 and I and L as 1: choose another word")
	}
	return nil
}
