package verify

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tali/parser"
)

// loadCodes is store.load for what a verdict says of codes.
func (f *Facts) loadCodes(v Verdict) {
	if s := v.Spends; s != nil {
		f.Card(s.Station).Spent[s.CardCode] = s.Spent
	}
	if w := v.Tried; w != nil {
		f.Card(w.Station).Wrong[w.CardCode] = true
	}
	r := v.Raises
	if r == nil {
		return
	}
	c := f.Cases[r.Case]
	if c.Present != nil && c.Present.Revision == r.Revision {
		c.Present.Assurance = r.Assurance
	}
	for i := range c.Others {
		if c.Others[i].Revision == r.Revision {
			c.Others[i].Assurance = r.Assurance
		}
	}
}

// someTally is a good tally of Boroko, one of three for a ballot.
func someTally(t *rapid.T, p *parser.Profile) string {
	b := rapid.SampledFrom(p.Ballots[:3]).Draw(t, "ballot")
	votes := make([]int, b.N())
	for i := range votes {
		votes[i] = 40 + i
	}
	votes[0] += rapid.IntRange(0, 2).Draw(t, "variant")
	sms, err := parser.Render(b, tpsA, form(b, votes, 7, 1, 410))
	if err != nil {
		t.Fatal(err)
	}
	return sms
}

// someCoded are messages of Boroko's officers: good tallies and corrections with
// a right A, a wrong one or none, slips, and answers.
func someCoded(p *parser.Profile) *rapid.Generator[[]Message] {
	tans := parser.TANs(regencyKey(), cardOf(3, 1), 4)
	return rapid.Custom(func(t *rapid.T) []Message {
		out := make([]Message, rapid.IntRange(1, 25).Draw(t, "messages"))
		for i := range out {
			text := someTally(t, p)
			if rapid.IntRange(0, 3).Draw(t, "ralat") == 0 {
				text = fmt.Sprintf("RALAT 7F%03d %s", rapid.IntRange(1, 9).Draw(t, "proof"), text)
			}
			code := rapid.SampledFrom([]string{"none", "page", "card", "wrong", "wrong", "answer"}).Draw(t, "code")
			switch code {
			case "page":
				text += " " + signatureIn(p, text, cardOf(3, 1))
			case "card":
				text += " " + tans[rapid.IntRange(0, 3).Draw(t, "tan")]
			case "wrong":
				text += fmt.Sprintf(" 2222%d2", rapid.IntRange(0, 7).Draw(t, "wrong"))
			case "answer":
				text = rapid.SampledFrom([]string{"A " + tans[0], "A " + tans[1], "A 222222", "PILBUP A " + tans[2], "GUB", "2=41", "YA", "K 71674"}).Draw(t, "answer")
			}
			if rapid.IntRange(0, 5).Draw(t, "slip") == 0 {
				text = strings.Replace(text, " 41 ", " 14 ", 1)
			}
			out[i] = message(i+1, rapid.SampledFrom([]string{phoneA, phoneB}).Draw(t, "from"), text, at("15:00"))
			out[i].Interim = rapid.SampledFrom([]string{"", "", "", KindInterim}).Draw(t, "interim")
		}
		return out
	})
}

func someMode(t *rapid.T, modes map[parser.AuthMode]*parser.Profile) *parser.Profile {
	return modes[rapid.SampledFrom([]parser.AuthMode{parser.AuthAccepted, parser.AuthRequired}).Draw(t, "mode")]
}

func authModes(t testing.TB) map[parser.AuthMode]*parser.Profile {
	return map[parser.AuthMode]*parser.Profile{
		parser.AuthAccepted: authProfile(t, parser.AuthAccepted), parser.AuthRequired: authProfile(t, parser.AuthRequired),
	}
}

// coded are facts after a stream of messages.
func coded(t *rapid.T, p *parser.Profile, r *Registry) *Facts {
	f := (&store{registry: r}).load()
	f.RegencyKey = regencyKey()
	for _, m := range someCoded(p).Draw(t, "stream") {
		f.Apply(m, Decide(p, m, nil, f))
	}
	return f
}

func TestCodesFoldEqualsOneByOne(t *testing.T) {
	t.Parallel()
	modes, r := authModes(t), testRegistry(t)
	rapid.Check(t, func(t *rapid.T) {
		p := someMode(t, modes)
		single, folded := &store{registry: r}, &store{registry: r}
		facts := folded.load()
		facts.RegencyKey = regencyKey()
		for _, m := range someCoded(p).Draw(t, "stream") {
			loaded := single.load()
			loaded.RegencyKey = regencyKey()
			v := Decide(p, m, nil, loaded)
			single.save(m, v)
			w := Decide(p, m, nil, facts)
			facts.Apply(m, w)
			if !reflect.DeepEqual(v, w) {
				t.Fatalf("Decide(%q) = %+v in a batch, %+v alone", m.Text, w, v)
			}
		}
	})
}

// Whatever came before, however many wrong codes: the A of a right tally is not
// asked for again.
func TestAValidCodeIsNeverRefused(t *testing.T) {
	t.Parallel()
	modes, r := authModes(t), testRegistry(t)
	rapid.Check(t, func(t *rapid.T) {
		p := someMode(t, modes)
		f := coded(t, p, r)
		text := someTally(t, p)
		if rapid.Bool().Draw(t, "ralat") {
			text = fmt.Sprintf("RALAT 7F%03d %s", rapid.IntRange(1, 30).Draw(t, "proof"), text)
		}
		unused := parser.TANs(regencyKey(), cardOf(3, 1), parser.TANsPerCard)[5]
		m := message(900, rapid.SampledFrom([]string{phoneA, phoneB}).Draw(t, "from"), text+" "+
			rapid.SampledFrom([]string{signatureIn(p, text, cardOf(3, 1)), unused}).Draw(t, "code"), at("15:30"))
		v := Decide(p, m, nil, f)
		switch {
		case v.Outcome == OutcomeUnproven, v.Tried != nil, v.Asks != nil:
			t.Fatalf("Decide(%q) = %s", m.Text, summary(v))
		case v.Entry != nil && v.Entry.Assurance == AssuranceA0:
			t.Fatalf("Decide(%q) gives %+v", m.Text, v.Entry)
		case v.Outcome == OutcomeSame:
			f.Apply(m, v)
			c := f.Cases[CaseKey{v.Station.Code, v.Report.Ballot.Keyword}]
			better := func(t Tally) bool { return slices.Equal(t.Figures, v.Report.Figures) && t.Assurance > AssuranceA0 }
			if !slices.ContainsFunc(append(slices.Clone(c.Others), present(c)...), better) {
				t.Fatalf("Decide(%q) left the tally at A0", m.Text)
			}
		}
	})
}

// A one-time code proves one entry, whatever happens.
func TestACodeProvesOneEntry(t *testing.T) {
	t.Parallel()
	modes, r := authModes(t), testRegistry(t)
	rapid.Check(t, func(t *rapid.T) {
		p := someMode(t, modes)
		f := (&store{registry: r}).load()
		f.RegencyKey = regencyKey()
		spent := map[CardCode]bool{}
		for _, m := range someCoded(p).Draw(t, "stream") {
			v := Decide(p, m, nil, f)
			f.Apply(m, v)
			if v.Entry != nil && v.Entry.Assurance == AssuranceA1 && v.Spends == nil {
				t.Fatalf("Decide(%q): an entry with A1 spends no code", m.Text)
			}
			if s := v.Spends; s != nil {
				if spent[s.CardCode] {
					t.Fatalf("Decide(%q) spends %s again", m.Text, s.Code)
				}
				spent[s.CardCode] = true
			}
			if n := f.Card("7108012001003").tries(1); n > mostWrongCodes {
				t.Fatalf("%d tries are kept", n)
			}
		}
	})
}

// The answer to a wrong A is the same whatever the figures: those that are there
// already, those that were replaced or rejected, or others; as a correction too.
func TestAWrongCodeTellsNothingOfTheFigures(t *testing.T) {
	t.Parallel()
	modes, r := authModes(t), testRegistry(t)
	rapid.Check(t, func(t *rapid.T) {
		p := someMode(t, modes)
		f := coded(t, p, r)
		from := rapid.SampledFrom([]string{phoneA, phoneB}).Draw(t, "from")
		code := fmt.Sprintf(" 3333%d3", rapid.IntRange(0, 9).Draw(t, "code"))
		b := rapid.SampledFrom(p.Ballots[:3]).Draw(t, "ballot")
		answer := ""
		for first := 40; first < 44; first++ {
			votes := []int{first, 41, 42}[:b.N()]
			text, err := parser.Render(b, tpsA, form(b, votes, 7, 1, 410))
			if err != nil {
				t.Fatal(err)
			}
			for _, prefix := range []string{"", "RALAT ", "RALAT 7F001 "} {
				v := Decide(p, message(900, from, prefix+text+code, at("15:30")), nil, f)
				if v.Reply == nil || v.Entry != nil || v.Asks == nil {
					t.Fatalf("Decide(%q) = %+v", prefix+text+code, v)
				}
				if answer != "" && v.Reply.Text != answer {
					t.Fatalf("Decide(%q) = %q, and to other figures %q", prefix+text+code, v.Reply.Text, answer)
				}
				answer = v.Reply.Text
			}
		}
	})
}

// While the centre is away nobody is told anything of A, and nothing of a card
// that may have been issued again is believed.
func TestInterimKnowsNoCodes(t *testing.T) {
	t.Parallel()
	p, r := authProfile(t, parser.AuthRequired), testRegistry(t)
	want := ""
	for _, code := range []string{"", " 222222", " 22222222", " " + tan(1), " " + signature(good, cardOf(3, 1)), " " + signature(good, cardOf(3, 2))} {
		reply, ok := Interim(p, message(1, phoneA, good+code, at("15:00")), nil, r)
		if !ok || reply.Kind != KindInterim || want != "" && reply.Text != want {
			t.Errorf("Interim(%q) = %+v, %v", good+code, reply, ok)
		}
		want = reply.Text
	}
}

// Without a key nobody can work codes out, and nobody's are right.
func TestNoKeyNoRightCode(t *testing.T) {
	t.Parallel()
	p, f := authProfile(t, parser.AuthAccepted), testFacts(t)
	id := cardOf(3, 1)
	text := good + " " + parser.SignA2(parser.StationKey(nil, id), parser.Canonical(p.Ballot("PILBUP"), tpsA, goodFigures(), parser.FirstReport))
	if v := Decide(p, message(1, phoneA, text, at("15:00")), nil, f); v.Outcome != OutcomeUnproven {
		t.Errorf("Decide(%q) = %s", text, summary(v))
	}
}
