package verify

import (
	"slices"
	"testing"

	"tali/parser"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	full := ballot('7', "PILBUP", parser.FormFull, "calon", 3)
	short := ballot('8', "PILWALI", parser.FormShort, "calon", 2)
	other := func(b *parser.Ballot, figures []int16) map[CaseKey]*Case {
		return map[CaseKey]*Case{{Station: "7108012001003", Ballot: b.Keyword}: {Present: &Tally{State: StateIn, Figures: figures}}}
	}
	for _, row := range []struct {
		name   string
		ballot *parser.Ballot
		f      parser.Figures
		voters int
		clock  string
		cases  map[CaseKey]*Case
		want   []Flag
	}{
		{"nothing", full, form(full, []int{145, 98, 67}, 12, 2, 410), 400, "15:00", nil, nil},
		{"voters unknown", full, form(full, []int{145, 98, 67}, 12, 2, 999), 0, "15:00", nil, nil},
		{"exactly 95 %", full, form(full, []int{203, 98, 67}, 12, 0, 410), 400, "15:00", nil, nil},
		{"above 95 %", full, form(full, []int{204, 98, 67}, 12, 0, 410), 400, "15:00", nil, []Flag{FlagTurnout}},
		{"all voters", full, form(full, []int{223, 98, 67}, 12, 0, 410), 400, "15:00", nil, []Flag{FlagTurnout}},
		{"more than all voters", full, form(full, []int{224, 98, 67}, 12, 0, 410), 400, "15:00", nil, []Flag{FlagOverVoters, FlagTurnout}},
		{"reserve rounded up", full, form(full, []int{145, 98, 67}, 12, 2, 411), 401, "15:00", nil, []Flag{FlagBallotStock}},
		{"reserve rounded up, right", full, form(full, []int{145, 98, 67}, 12, 2, 412), 401, "15:00", nil, nil},
		{"one sided", full, form(full, []int{0, 298, 0}, 13, 2, 410), 400, "15:00", nil, []Flag{FlagOneSided}},
		{"no valid vote", full, form(full, []int{0, 0, 0}, 13, 2, 410), 400, "15:00", nil, nil},
		{"round", full, form(full, []int{145, 95, 60}, 10, 5, 410), 400, "15:00", nil, []Flag{FlagRound}},
		{"closing time", full, form(full, []int{145, 98, 67}, 12, 2, 410), 400, "23:00", nil, nil},
		{"after closing", full, form(full, []int{145, 98, 67}, 12, 2, 410), 400, "23:01", nil, []Flag{FlagLate}},
		{"short form, more than all voters", short, form(short, []int{203, 198}, 0, 0, 0), 400, "15:00", nil, []Flag{FlagOverVoters, FlagTurnout}},
		{"apart", full, form(full, []int{145, 98, 67}, 12, 2, 410), 400, "15:00",
			other(short, form(short, []int{203, 102}, 0, 0, 0)), []Flag{FlagApart}},
		{"near", full, form(full, []int{145, 98, 67}, 12, 2, 410), 400, "15:00",
			other(short, form(short, []int{203, 103}, 0, 0, 0)), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := station(t, "100135", "Boroko", 3, row.voters)
			d := &decision{p: testProfile(t), m: message(1, phoneA, "", at(row.clock)), station: &s,
				f: &Facts{Cases: row.cases}, rep: &parser.Report{Ballot: row.ballot, Figures: row.f}}
			if got := d.flags(); !slices.Equal(got, row.want) {
				t.Errorf("flags(%v) = %v, want %v", row.f, got, row.want)
			}
		})
	}
}
