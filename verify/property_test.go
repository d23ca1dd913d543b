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

// store is the centre as far as facts go: what was stored, and nothing of what
// Apply makes of it.
type store struct {
	registry *Registry
	messages []Message
	verdicts []Verdict
}

func (s *store) save(m Message, v Verdict) {
	if v.Outcome != OutcomeKnown {
		s.messages, s.verdicts = append(s.messages, m), append(s.verdicts, v)
	}
}

// load builds the facts from the rows alone.
func (s *store) load() *Facts {
	f := s.registry.Facts(phoneA, phoneB, phoneC, phoneIdle)
	for i, m := range s.messages {
		v := s.verdicts[i]
		f.Known[m.Key] = true
		if v.Outcome == OutcomeUnknown && v.Reply != nil {
			f.UnknownAnswered[v.Phone] = true
			f.UnknownThisHour++
		}
		f.loadCodes(v)
		for _, key := range v.Settles {
			delete(f.Questions, key)
		}
		if v.Asks != nil {
			f.Questions[v.Asks.Key()] = v.Asks
		}
		e := v.Entry
		if e == nil {
			continue
		}
		c := f.Cases[e.Case]
		if c == nil {
			c = &Case{}
			f.Cases[e.Case] = c
		}
		t := Tally{Entry: m.Key, State: e.State, Revision: e.Revision, Figures: e.Figures, Proof: e.Proof, Assurance: e.Assurance, At: m.ReceivedAt}
		if e.State == StateIn {
			t.ProofTo = v.Phone
			if c.Present != nil {
				old := *c.Present
				old.State = StateSuperseded
				c.Others = append(c.Others, old)
			}
			c.Present = &t
		} else {
			t.WrongProof = slices.Contains(e.Flags, FlagWrongProof)
			c.Others = append(c.Others, t)
		}
		slices.SortFunc(c.Others, func(a, b Tally) int { return a.Revision - b.Revision })
		c.Revision++
		c.Version++
	}
	return f
}

// texts that meet each other: same and other figures of the same cases, slips,
// corrections, service words, noise.
func someText(p *parser.Profile) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		b := rapid.SampledFrom(p.Ballots[:3]).Draw(t, "ballot")
		tps := rapid.SampledFrom([]parser.TPSCode{tpsA, "10013602", "10013796"}).Draw(t, "tps")
		votes := make([]int, b.N())
		for i := range votes {
			votes[i] = 40 + i
		}
		votes[0] += rapid.IntRange(0, 2).Draw(t, "variant")
		sms, err := parser.Render(b, tps, form(b, votes, 7, 1, 410))
		if err != nil {
			t.Fatal(err)
		}
		if rapid.IntRange(0, 3).Draw(t, "answer") == 0 {
			return rapid.SampledFrom(someAnswers()).Draw(t, "answer")
		}
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0, 7:
			return fmt.Sprintf("RALAT 7F%03d %s", rapid.IntRange(1, 6).Draw(t, "proof"), sms)
		case 1:
			return strings.Replace(sms, " 41 ", " 14 ", 1)
		case 4:
			return strings.Replace(sms, " 41 ", " ", 1)
		case 5:
			return strings.Replace(sms, " 12", " 21", 1)
		case 6:
			words := strings.Fields(sms)
			words[2], words[3] = words[3], words[2]
			return strings.Join(words, " ")
		case 2:
			return sms[:rapid.IntRange(0, len(sms)-1).Draw(t, "cut")]
		case 3:
			return rapid.SampledFrom([]string{"YA", "STATUS", "HADIR 10013602", "BANTU", "UJI", "terima kasih", "halo", "K 71674", ""}).Draw(t, "word")
		}
		return sms
	})
}

// someAnswers fit the questions that the slips of someText raise, or do not.
func someAnswers() []string {
	return []string{
		"YA", "2=41", "PILGUB 2=41", "PILBUP 2 41", "FORM", "PILBUP FORM", "GUB", "PILGUB", "PILBUP", "PILWALI",
		"S=123", "S=124", "K 60915", "K 70915", "70915", "2=41 K 60915", "1=41 2=40", "KODE 10013602", "KODE 10013505",
		"KODE 1001360", "ok pak",
	}
}

func someStream(p *parser.Profile) *rapid.Generator[[]Message] {
	return rapid.Custom(func(t *rapid.T) []Message {
		texts := rapid.SliceOfN(someText(p), 1, 20).Draw(t, "texts")
		out := make([]Message, len(texts))
		for i, text := range texts {
			from := rapid.SampledFrom([]string{phoneA, phoneB, phoneC, phoneIdle, phoneAlien, "+6280000000778", "+6280000000779", phoneOwn, "3636"}).Draw(t, "from")
			out[i] = message(i+1, from, text, at("15:00"))
			out[i].Interim = rapid.SampledFrom([]string{"", "", KindInterim, KindRelation, KindCutOff}).Draw(t, "interim")
			if i > 0 && rapid.IntRange(0, 5).Draw(t, "again") == 0 {
				out[i] = out[rapid.IntRange(0, i-1).Draw(t, "which")]
			}
		}
		return out
	})
}

func TestFoldEqualsOneByOne(t *testing.T) {
	t.Parallel()
	p, r := testProfile(t), testRegistry(t)
	rapid.Check(t, func(t *rapid.T) {
		stream := someStream(p).Draw(t, "stream")
		single := &store{registry: r}
		for _, m := range stream {
			facts, untouched := single.load(), single.load()
			v := Decide(p, m, nil, facts)
			if !reflect.DeepEqual(facts, untouched) {
				t.Fatalf("Decide(%q) changed the facts", m.Text)
			}
			single.save(m, v)
		}
		batched := &store{registry: r}
		for rest := stream; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			facts := batched.load()
			for _, m := range rest[:n] {
				v := Decide(p, m, nil, facts)
				facts.Apply(m, v)
				batched.save(m, v)
			}
			if want := batched.load(); !reflect.DeepEqual(facts, want) {
				t.Fatalf("facts after a batch of %d differ from those loaded\n%s\nwant\n%s", n, facts.tell(), want.tell())
			}
			rest = rest[n:]
		}
		if !reflect.DeepEqual(single.verdicts, batched.verdicts) {
			t.Fatalf("verdicts of the batches differ from one by one:\n%+v\nwant\n%+v", batched.verdicts, single.verdicts)
		}
	})
}

func (f *Facts) tell() string {
	var out strings.Builder
	tellFacts(&out, f)
	return out.String()
}

func TestReplayChangesNothing(t *testing.T) {
	t.Parallel()
	p, r := testProfile(t), testRegistry(t)
	rapid.Check(t, func(t *rapid.T) {
		stream := someStream(p).Draw(t, "stream")
		s := &store{registry: r}
		facts := s.load()
		decide := func(m Message) Verdict {
			v := Decide(p, m, nil, facts)
			facts.Apply(m, v)
			s.save(m, v)
			return v
		}
		for _, m := range stream {
			decide(m)
		}
		for _, m := range stream[:rapid.IntRange(0, len(stream)).Draw(t, "prefix")] {
			if v := decide(m); v.Entry != nil || v.Reply != nil || v.Quarantine {
				t.Fatalf("Decide(%q) again = %+v, want nothing", m.Text, v)
			}
		}
		if want := s.load(); !reflect.DeepEqual(facts, want) {
			t.Fatalf("replay changed the facts to\n%s\nwant\n%s", facts.tell(), want.tell())
		}
	})
}

// An entry yields to nothing but a RALAT that names its own receipt: nothing is
// overwritten.
func TestFirstEntryStays(t *testing.T) {
	t.Parallel()
	p, r := testProfile(t), testRegistry(t)
	rapid.Check(t, func(t *rapid.T) {
		facts := (&store{registry: r}).load()
		stands := map[CaseKey]string{} // proof of the receipt
		for _, m := range someStream(p).Draw(t, "stream") {
			v := Decide(p, m, nil, facts)
			facts.Apply(m, v)
			if v.Entry == nil || v.Entry.State != StateIn {
				continue
			}
			if proof, ok := stands[v.Entry.Case]; ok && (!v.Report.Ralat || v.Report.Proof != proof) {
				t.Fatalf("Decide(%q) accepted a second entry of %v, which has the receipt %s", m.Text, v.Entry.Case, proof)
			}
			stands[v.Entry.Case] = v.Entry.Proof
		}
	})
}

func TestNoReplyBeyondOneSMS(t *testing.T) {
	t.Parallel()
	base := testProfile(t)
	rapid.Check(t, func(t *rapid.T) {
		p := *base
		r := &Registry{Own: []string{phoneOwn}}
		for _, phone := range []string{phoneA, phoneB, phoneC} {
			o := Officer{Phone: phone}
			for i, code := range []string{tpsA, "10013602", "10013796"} {
				o.Stations = append(o.Stations, Station{
					Code: fmt.Sprintf("71080120010%02d", i), TPS: code,
					Village: strings.NewReplacer("{", "(", "}", ")").Replace(rapid.String().Draw(t, "village")), Number: rapid.IntRange(0, 999).Draw(t, "number"),
				})
			}
			r.Officers = append(r.Officers, o)
		}
		p.Name = rapid.String().Draw(t, "election")
		facts := (&store{registry: r}).load()
		stream := someStream(&p).Draw(t, "stream")
		noise := message(99, phoneA, rapid.SampledFrom([]string{"", "PILBUP ", "PILBUP 10013505 1 "}).Draw(t, "head")+rapid.String().Draw(t, "noise"), at("15:00"))
		for _, m := range append(stream, noise) {
			v := Decide(&p, m, nil, facts)
			facts.Apply(m, v)
			checkReply(t, m, v.Reply)
			if reply, ok := Interim(&p, m, nil, r); ok {
				checkReply(t, m, &reply)
			}
		}
	})
}

func checkReply(t *rapid.T, m Message, r *Reply) {
	if r == nil {
		return
	}
	if n, ok := Septets(r.Text); !ok || n > MaxSeptets || n == 0 || strings.ContainsAny(r.Text, "{}") {
		t.Fatalf("reply to %q: %d septets, GSM-7 %v: %q", m.Text, n, ok, r.Text)
	}
}

// A form with one figure changed is never taken: neither as the first entry nor
// beside the right one.
func TestWrongFigureIsNeverAccepted(t *testing.T) {
	t.Parallel()
	texts := defaultTexts(t)
	rapid.Check(t, func(rt *rapid.T) {
		shape := rapid.SampledFrom([]parser.Form{parser.FormFull, parser.FormShort}).Draw(rt, "form")
		n := rapid.IntRange(1, 20).Draw(rt, "contestants")
		p := testProfileOf(t, texts, ballot('7', "PILBUP", shape, "calon", n))
		b := p.Ballots[0]
		votes := rapid.SliceOfN(rapid.IntRange(0, 800/n), n, n).Draw(rt, "votes")
		right := form(b, votes, rapid.IntRange(0, 30).Draw(rt, "invalid"), rapid.IntRange(0, 9).Draw(rt, "spoiled"), 900)
		sms, err := parser.Render(b, tpsA, right)
		if err != nil {
			rt.Skip(err.Error()) // K has no room for the sum of some of the long forms
		}
		wrong := slices.Clone(right)
		row := rapid.IntRange(0, len(wrong)-1).Draw(rt, "row")
		wrong[row] = int16(rapid.IntRange(0, parser.MaxFigure).Filter(func(v int) bool { return v != int(right[row]) }).Draw(rt, "figure"))
		words := strings.Fields(sms)
		words[2+row] = fmt.Sprint(wrong[row])

		facts := testFacts(t)
		m := message(1, phoneA, strings.Join(words, " "), at("15:00"))
		if v := Decide(p, m, nil, facts); v.Entry != nil || v.Outcome != OutcomeFigures {
			rt.Fatalf("Decide(%q) = %s with entry %+v, want figures and none; right is %q", m.Text, summary(v), v.Entry, sms)
		}
		first := message(2, phoneA, sms, at("14:00"))
		v := Decide(p, first, nil, facts)
		if v.Outcome != OutcomeAccepted || !slices.Equal(v.Entry.Figures, right) {
			rt.Fatalf("Decide(%q) = %s, want accepted", sms, summary(v))
		}
		facts.Apply(first, v)
		if v := Decide(p, m, nil, facts); v.Entry != nil {
			rt.Fatalf("Decide(%q) = %s with an entry beside the right one", m.Text, summary(v))
		}
	})
}

func testProfileOf(t testing.TB, texts map[string][]string, b *parser.Ballot) *parser.Profile {
	p := *testProfile(t)
	p.Ballots, p.Texts = []*parser.Ballot{b}, texts
	built, err := parser.NewProfile(p)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func BenchmarkDecide(b *testing.B) {
	p, f := testProfile(b), testFacts(b)
	m := message(1, phoneA, good, at("15:00"))
	rep := parser.Parse(p, m.Text)
	b.ReportAllocs()
	for b.Loop() {
		if v := Decide(p, m, &rep, f); v.Outcome != OutcomeAccepted {
			b.Fatal(v.Outcome)
		}
	}
}

func BenchmarkDecideAndParse(b *testing.B) {
	p, f := testProfile(b), testFacts(b)
	m := message(1, phoneA, good, at("15:00"))
	b.ReportAllocs()
	for b.Loop() {
		if v := Decide(p, m, nil, f); v.Outcome != OutcomeAccepted {
			b.Fatal(v.Outcome)
		}
	}
}

func BenchmarkFigures(b *testing.B) {
	p, f := testProfile(b), testFacts(b)
	m := message(1, phoneA, "PILBUP 10013505 145 89 67 310 12 322 322 410 322 2 86 71754", at("15:00"))
	rep := parser.Parse(p, m.Text)
	b.ReportAllocs()
	for b.Loop() {
		if v := Decide(p, m, &rep, f); v.Outcome != OutcomeFigures {
			b.Fatal(v.Outcome)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	p, f := testProfile(b), testFacts(b)
	d := &decision{p: p, f: f, station: &f.Officers[phoneA].Stations[0], officer: f.Officers[phoneA]}
	rep := parser.Parse(p, good)
	d.rep = &rep
	b.ReportAllocs()
	for b.Loop() {
		if r := d.reply(KindAccepted, words{proof: "7F3K2"}); r == nil {
			b.Fatal("no reply")
		}
	}
}
