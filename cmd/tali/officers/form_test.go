package officers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tali/configs"
	"tali/parser"
)

// shippedBallots are the ballots of all profiles, by profile and keyword.
func shippedBallots(t *testing.T) map[string]*parser.Ballot {
	t.Helper()
	out := make(map[string]*parser.Ballot)
	for _, name := range []string{"pilkada-2024-bolmut", "pemilu-2024-bolmut"} {
		p, err := configs.LoadProfile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Ballots {
			out[name+" "+b.Keyword] = b
		}
	}
	return out
}

// A form that contradicts itself would make the demo show faults that nobody made.
func TestFormKeepsEveryRelation(t *testing.T) {
	t.Parallel()
	for name, b := range shippedBallots(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				voters := rapid.IntRange(-5, 1200).Draw(t, "voters")
				random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
				f := NewForm(b, voters, random)
				if len(f) != b.Rows() {
					t.Fatalf("NewForm(%s, %d) has %d rows, want %d", b.Keyword, voters, len(f), b.Rows())
				}
				for i, v := range f {
					if v < 0 || v > parser.MaxFigure {
						t.Fatalf("NewForm(%s, %d): row %d is %d", b.Keyword, voters, i, v)
					}
				}
				if broken := b.Contradictions(f); len(broken) > 0 {
					t.Fatalf("NewForm(%s, %d) = %v contradicts itself: %v", b.Keyword, voters, f, broken)
				}
				if _, err := parser.Render(b, "10013505", f); err != nil {
					t.Fatalf("NewForm(%s, %d) = %v: %v", b.Keyword, voters, f, err)
				}
				if b.Form == parser.FormFull && voters >= 40 && voters <= 600 && int(f[b.Index('P')]) > voters {
					t.Fatalf("NewForm(%s, %d): %d people voted", b.Keyword, voters, f[b.Index('P')])
				}
			})
		})
	}
}

func TestFormFollowsFromItsSeed(t *testing.T) {
	t.Parallel()
	for name, b := range shippedBallots(t) {
		form := func(seed uint64) string {
			return fmt.Sprint(NewForm(b, 300, rand.New(rand.NewPCG(seed, 0))))
		}
		if one, two := form(1), form(1); one != two {
			t.Errorf("%s: the same seed gives %s and %s", name, one, two)
		}
		if one, two := form(1), form(2); one == two {
			t.Errorf("%s: two seeds give the same form %s", name, one)
		}
	}
}

// The ballots of a station are of the same people: a queue full of differences
// would rehearse nothing.
func TestBallotsOfAStationAgree(t *testing.T) {
	t.Parallel()
	ballots := pilkada(t).Ballots
	for station := range 200 {
		p := &Play{Seed: 7, Numbers: []string{"+6289900009001"}}
		var came []int
		for _, b := range ballots {
			o, err := p.officer(Assignment{Station: fmt.Sprint(station), TPS: "10013505", Voters: 400, Ballot: b})
			if err != nil {
				t.Fatal(err)
			}
			report := parser.Parse(pilkada(t), o.right)
			came = append(came, int(report.Figures[b.Index('J')]))
		}
		if slices.Max(came)-slices.Min(came) > 3 {
			t.Errorf("station %d: %v people voted", station, came)
		}
	}
}
