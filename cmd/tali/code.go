package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tali/configs"
	"tali/parser"
)

func newCode() *cobra.Command {
	var profile, ballot, tps string
	c := &cobra.Command{
		Use:   "code v1 v2 ... T [R Z]",
		Short: "Write the right SMS for these figures, K included",
		Long: `code takes the rows that cannot be computed from others, in the order of the
form: the votes v1 v2 ..., invalid votes (T) and, for the full form, ballots
spoiled (R) and ballots unused (Z). It adds up the rest, works out the typing
check K and prints the finished SMS. It is for staff and tests; officers have
the worksheet on their card.

Three contestants with 145, 98 and 67 votes, 12 invalid, 2 spoiled, 6 unused:`,
		Example: `  tali code --profile pilkada-2024-bolmut --ballot PILBUP --tps 10013505 145 98 67 12 2 6`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("no figures given: write the votes, T and, for the full form, R and Z; see %s --help", c.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := configs.LoadProfile(profile)
			if err != nil {
				return err
			}
			b, err := chooseBallot(p, ballot, len(args))
			if err != nil {
				return err
			}
			figures, err := fillForm(b, args)
			if err != nil {
				return err
			}
			code := parser.TPSCode(tps)
			if !code.Valid() {
				return fmt.Errorf("--tps %q: write the 8 digits of the station's card; the last two check the others", tps)
			}
			text, err := parser.Render(b, code, figures)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), text)
			return nil
		},
	}
	c.Flags().StringVar(&profile, "profile", configs.Default().Election, "election profile: a name or a file")
	c.Flags().StringVar(&ballot, "ballot", "", "keyword of the ballot (needed when the number of rows does not tell)")
	c.Flags().StringVar(&tps, "tps", "", "8-digit TPS code")
	_ = c.MarkFlagRequired("tps") // the flag exists: defined one line above
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return fmt.Errorf("%w (a figure is a number from 0 to %d, without a sign)", err, parser.MaxFigure)
	})
	return c
}

// chooseBallot finds the ballot by keyword or alias or, without one, by the
// number of rows if only one ballot of the election has so many.
func chooseBallot(p *parser.Profile, keyword string, rows int) (*parser.Ballot, error) {
	var fitting []*parser.Ballot
	var names []string
	for _, b := range p.Ballots {
		if slices.ContainsFunc(append([]string{b.Keyword}, b.Aliases...), func(k string) bool { return strings.EqualFold(k, keyword) }) {
			return b, nil
		}
		names = append(names, fmt.Sprintf("%s (%d rows)", b.Keyword, given(b)))
		if given(b) == rows {
			fitting = append(fitting, b)
		}
	}
	choice := strings.Join(names, ", ")
	switch {
	case keyword != "":
		return nil, fmt.Errorf("--ballot %q is no ballot of this election: write one of %s", keyword, choice)
	case len(fitting) == 0:
		return nil, fmt.Errorf("%d figures fit no ballot: %s", rows, choice)
	case len(fitting) > 1:
		return nil, fmt.Errorf("%d figures fit several ballots: add --ballot with one of %s", rows, choice)
	}
	return fitting[0], nil
}

// given is the number of rows that the others do not determine.
func given(b *parser.Ballot) int {
	if b.Form == parser.FormShort {
		return b.N() + 1
	}
	return b.N() + 3
}

// fillForm completes the form from its independent rows.
func fillForm(b *parser.Ballot, args []string) (parser.Figures, error) {
	if len(args) != given(b) {
		return nil, fmt.Errorf("%s: %d figures given, needs %d: %d votes, T%s",
			b.Keyword, len(args), given(b), b.N(), map[parser.Form]string{parser.FormFull: ", R, Z"}[b.Form])
	}
	rows := make([]int16, len(args))
	for i, arg := range args {
		v, err := strconv.Atoi(arg)
		if err != nil || v < 0 || v > parser.MaxFigure {
			return nil, fmt.Errorf("figure %d is %q: write a number from 0 to %d", i+1, arg, parser.MaxFigure)
		}
		rows[i] = int16(v)
	}
	f, valid := append(parser.Figures{}, rows[:b.N()]...), 0
	for _, v := range f {
		valid += int(v)
	}
	invalid := int(rows[b.N()])
	cast := valid + invalid
	sums := []int{valid, invalid, cast}
	if b.Form == parser.FormFull {
		spoiled, unused := int(rows[b.N()+1]), int(rows[b.N()+2])
		sums = append(sums, cast, cast+spoiled+unused, cast, spoiled, unused)
	}
	for i, v := range sums {
		if v > parser.MaxFigure {
			return nil, fmt.Errorf("%s adds up to %d: a row of the form holds at most %d", b.RowName(b.N()+i), v, parser.MaxFigure)
		}
		f = append(f, int16(v))
	}
	return f, nil
}
