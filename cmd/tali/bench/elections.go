package bench

import (
	"fmt"

	"tali/parser"
)

// shape is one ballot of an election to measure.
type shape struct {
	digit   byte
	keyword string
	aliases []string
	form    parser.Form
	n       int
}

// election is the shipped one, its reply texts included, with other ballots.
func election(auth parser.AuthMode, shapes ...shape) (*parser.Profile, error) {
	base, err := openProfile()
	if err != nil {
		return nil, err
	}
	p := *base
	p.Auth, p.Ballots = auth, nil
	for _, s := range shapes {
		b := &parser.Ballot{Digit: s.digit, Keyword: s.keyword, Aliases: s.aliases, Title: s.keyword, Contest: s.keyword, Form: s.form, Unit: "calon"}
		for i := range s.n {
			b.Contestants = append(b.Contestants, fmt.Sprintf("Calon %d", i+1))
		}
		p.Ballots = append(p.Ballots, b)
	}
	built, err := parser.NewProfile(p)
	if err != nil {
		return nil, fmt.Errorf("an election to measure: %w", err)
	}
	return built, nil
}

// everyBallot are elections with every keyword at once, which no real one has: a
// message has as many neighbours as can be. One reads A, one does not.
func everyBallot() ([]*parser.Profile, error) {
	full, short := parser.FormFull, parser.FormShort
	mixed, err := election(parser.AuthAccepted,
		shape{'1', "PPWP", []string{"PRES", "PILPRES"}, full, 3}, shape{'2', "DPD", nil, full, 18},
		shape{'3', "DPR", nil, full, 18}, shape{'4', "DPRDP", nil, full, 18}, shape{'5', "DPRDK", nil, short, 18},
		shape{'6', "PILGUB", []string{"GUB"}, full, 5}, shape{'7', "PILBUP", []string{"BUP"}, full, 3},
		shape{'8', "PILWALI", []string{"WALI"}, short, 2})
	if err != nil {
		return nil, err
	}
	plain, err := election(parser.AuthOff,
		shape{'1', "PPWP", []string{"PRES", "PILPRES"}, short, 3}, shape{'2', "DPD", nil, full, 54},
		shape{'3', "DPR", nil, short, 18}, shape{'6', "PILGUB", []string{"GUB"}, full, 2},
		shape{'7', "PILBUP", []string{"BUP"}, short, 4}, shape{'8', "PILWALI", []string{"WALI"}, full, 2})
	return []*parser.Profile{mixed, plain}, err
}

// pilkada are elections of two ballots with as many contestants, two to five, in
// both forms.
func pilkada() ([]*parser.Profile, error) {
	var out []*parser.Profile
	for n := 2; n <= 5; n++ {
		for _, f := range []parser.Form{parser.FormFull, parser.FormShort} {
			p, err := election(parser.AuthOff, shape{'6', "PILGUB", []string{"GUB"}, f, n}, shape{'7', "PILBUP", []string{"BUP"}, f, n})
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}
