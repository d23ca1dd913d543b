package officers

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"tali/configs"
	"tali/parser"
	"tali/verify"
)

const slipSeeds = 60 // officers that each slip is tried on

// someOfficer is an officer of the demo's kind, drawn from a seed.
func someOfficer(t *testing.T, b *parser.Ballot, seed uint64) *officer {
	t.Helper()
	p := &Play{Numbers: []string{"+6289900009001", "+6289900009002"}, Seed: seed}
	o, err := p.officer(Assignment{
		Station: "7108052002003", TPS: "10013505", Voters: 341, Phone: "+6289900000124", Ballot: b,
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func pilkada(t *testing.T) *parser.Profile {
	t.Helper()
	p, err := configs.LoadProfile("pilkada-2024-bolmut")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// asForm says whether a report holds exactly the figures of the right SMS.
func asForm(o *officer, p *parser.Profile, r parser.Report) bool {
	right := parser.Parse(p, o.right)
	return r.Consistent() && r.TPS == right.TPS && r.Ballot == right.Ballot && reflect.DeepEqual(r.Figures, right.Figures)
}

func TestSlipsMakeTheFaultTheyAreNamedFor(t *testing.T) {
	t.Parallel()
	p := pilkada(t)
	for _, c := range []struct {
		name string
		slip slip
		sms  int
		want func(o *officer, r parser.Report) bool // of the last SMS
	}{
		{"slipless", slipless, 1, func(o *officer, r parser.Report) bool { return asForm(o, p, r) }},
		{"sloppy", sloppy, 1, func(o *officer, r parser.Report) bool { return asForm(o, p, r) }},
		{"twice", twice, 2, func(o *officer, r parser.Report) bool { return asForm(o, p, r) }},
		{"longWinded", longWinded, 1, func(o *officer, r parser.Report) bool { return asForm(o, p, r) }},
		{"thanksFirst", thanksFirst, 2, func(o *officer, r parser.Report) bool { return asForm(o, p, r) }},
		{"wrongFigure", wrongFigure, 1, func(_ *officer, r parser.Report) bool { return r.Complete() && len(r.Broken) > 0 }},
		{"swapped", swapped, 1, func(o *officer, r parser.Report) bool {
			equal := o.words()[2] == o.words()[3]
			return r.Complete() && len(r.Broken) == 0 && r.K.OK == equal
		}},
		{"wrongK", wrongK, 1, func(_ *officer, r parser.Report) bool {
			return r.Complete() && len(r.Broken) == 0 && !r.K.OK && r.K.Given != ""
		}},
		{"rowMissing", rowMissing, 1, func(_ *officer, r parser.Report) bool {
			return r.Problem != nil && r.Problem.Code == parser.ProblemTooFew
		}},
		{"cutOff", cutOff, 1, func(_ *officer, r parser.Report) bool { return !r.Complete() && r.K.Given == "" }},
		{"wrongStation", wrongStation, 1, func(o *officer, r parser.Report) bool { return r.TPS != o.TPS && !r.TPS.Valid() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(slipSeeds) {
				o := someOfficer(t, p.Ballots[seed%2], seed)
				texts := c.slip(o)
				if len(texts) != c.sms {
					t.Fatalf("%d SMS, want %d", len(texts), c.sms)
				}
				last := texts[len(texts)-1]
				if last.From != o.Phone || last.To != o.number {
					t.Errorf("SMS from %s to %s, want %s to %s", last.From, last.To, o.Phone, o.number)
				}
				if r := parser.Parse(p, last.Text); !c.want(o, r) {
					t.Errorf("seed %d, right %q: %q reads as %+v", seed, o.right, last.Text, r)
				}
			}
		})
	}
}

// Every slip must be drawn, or the demo would not show its answer.
func TestEverySlipIsDrawn(t *testing.T) {
	t.Parallel()
	p := pilkada(t)
	drawn := make(map[string]int)
	const officers = 1000
	for seed := range uint64(officers) {
		o := someOfficer(t, p.Ballots[0], seed)
		name := runtime.FuncForPC(reflect.ValueOf(slipOf(o.random)).Pointer()).Name()
		drawn[name[strings.LastIndex(name, ".")+1:]]++
	}
	if len(drawn) != 11 {
		t.Errorf("drawn: %v, want 11 kinds", drawn)
	}
	if right := drawn["slipless"] + drawn["sloppy"] + drawn["twice"] + drawn["longWinded"] + drawn["thanksFirst"]; right < officers*6/10 || right > officers*8/10 {
		t.Errorf("%d of %d report rightly at once, want about 7 of 10: %v", right, officers, drawn)
	}
}

// What the gateway would answer decides whether an officer ends, so each reply
// text is read as its author meant it.
func TestOfficersUnderstandEveryText(t *testing.T) {
	t.Parallel()
	p := pilkada(t)
	end := "accepted same same_proof same_held same_replaced recorded conflict conflict_proof conflict_final held_ralat held_rejected held_closed"
	for kind, variants := range p.Texts {
		want := answerAgain
		if strings.Contains(" "+end+" ", " "+kind+" ") {
			want = answerEnd
		}
		if kind == string(verify.KindInterim) {
			want = answerWait
		}
		for _, text := range variants {
			if got := kindOf(text); got != want {
				t.Errorf("kindOf(%s: %q) = %v, want %v", kind, text, got, want)
			}
		}
	}
	for _, kind := range strings.Fields(end + " interim") {
		if len(p.Texts[kind]) == 0 {
			t.Errorf("the profile has no text %q any more", kind)
		}
	}
}

func TestAnswerIsAboutTheRightReport(t *testing.T) {
	t.Parallel()
	p := pilkada(t)
	gub, bup := someOfficer(t, p.Ballots[0], 1), someOfficer(t, p.Ballots[1], 1)
	other := someOfficer(t, p.Ballots[1], 1)
	other.TPS = "10002932"
	gub.last, bup.last, other.last = 3, 2, 1
	gub.said, bup.said, other.said = gub.right, "PILBUP 10013550 145 98", "bup.10002932.145"
	ballots := map[string]bool{"PILGUB": true, "PILBUP": true}
	for _, c := range []struct {
		name, answer string
		waiting      []*officer
		want         *officer
	}{
		{"ballot named", "PERIKSA PILBUP TPS 10013505: ...", []*officer{gub, bup}, bup},
		{"ballot and station named", "PERIKSA PILBUP TPS 10002932: ...", []*officer{bup, other}, other},
		{"neither named: the last one", "SMS Anda kosong.", []*officer{other, gub, bup}, gub},
		{"only the station named", "KODE TPS 10002932 sudah ditutup", []*officer{gub, other}, other},
		{"the code that was mistyped", "KODE TPS 10013550 bukan kode TPS Anda. Lihat 8 angka di kartu: 10013505.", []*officer{gub, bup}, bup},
		{"a ballot that waits no more", "Laporan PILGUB TPS 10013505 yang sama", []*officer{bup}, nil},
		{"both named: the last one", "seharusnya PILGUB/PILBUP", []*officer{bup, gub}, gub},
		{"nobody waits", "DITERIMA PILGUB TPS 10013505", nil, nil},
	} {
		if got := about(c.waiting, ballots, c.answer); got != c.want {
			t.Errorf("%s: about(%q) = %s, want %s", c.name, c.answer, called(got), called(c.want))
		}
	}
}

func called(o *officer) string {
	if o == nil {
		return "nobody"
	}
	return fmt.Sprint(o.Ballot.Keyword, " ", o.TPS)
}
