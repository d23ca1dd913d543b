package web

import (
	"strconv"

	"tali/db"
)

// districtView is a district with its villages: a line of the table and a block
// of the map.
type districtView struct {
	Code                       string
	Name                       string
	Villages                   []villageView
	Height                     int // of its block in the map
	Stations                   string
	Reporting, Confirmed, Held string
	Expected, Percent          string
	In, Sure                   int // permille of the forms: in, and confirmed
}

// villageView is one village: a tile of the map.
type villageView struct {
	Code, Name string
	X, Y       int
	Tone       string // class of the tile
	Mark       string // the same without a colour
	Text       string // what a pointer or a reader is told
}

// The map is honest about what it is: areas in the order of their codes, no
// places, because tali is shipped without coordinates.
const (
	mapColumns = 12
	mapTile    = 24
	mapLimit   = 1500 // villages; beyond, a map of tiles tells nobody anything
)

// newDistricts folds villages, which come in the order of their codes.
func newDistricts(t tongue, villages []db.VillageCoverage) []districtView {
	var out []districtView
	var sums []db.VillageCoverage
	for _, v := range villages {
		code := strconv.FormatInt(v.Code/10000, 10)
		if len(out) == 0 || out[len(out)-1].Code != code {
			out = append(out, districtView{Code: code, Name: v.District})
			sums = append(sums, db.VillageCoverage{})
		}
		d, sum := &out[len(out)-1], &sums[len(sums)-1]
		sum.Stations, sum.Expected, sum.Reporting = sum.Stations+v.Stations, sum.Expected+v.Expected, sum.Reporting+v.Reporting
		sum.Confirmed, sum.Held = sum.Confirmed+v.Confirmed, sum.Held+v.Held
		if len(villages) <= mapLimit {
			d.Villages = append(d.Villages, newVillage(t, v, len(d.Villages)))
		}
	}
	for i := range out {
		out[i].fill(t, sums[i])
	}
	return out
}

func (d *districtView) fill(t tongue, sum db.VillageCoverage) {
	d.Stations, d.Expected = t.number(sum.Stations), t.number(sum.Expected)
	d.Reporting, d.Confirmed, d.Held = t.number(sum.Reporting), t.number(sum.Confirmed), t.number(sum.Held)
	d.Percent = t.coverage(sum.Reporting, sum.Expected)
	d.In, d.Sure = permille(sum.Reporting, sum.Expected), permille(sum.Confirmed, sum.Expected)
	d.Height = (len(d.Villages) + mapColumns - 1) / mapColumns * mapTile
}

func newVillage(t tongue, v db.VillageCoverage, place int) villageView {
	out := villageView{
		Code: strconv.FormatInt(v.Code, 10), Name: v.Name, X: place % mapColumns * mapTile, Y: place / mapColumns * mapTile,
		Text: t.say("map.tile", v.Name, v.Reporting, v.Expected, v.Confirmed, v.Held),
	}
	out.Tone, out.Mark = villageState(v)
	return out
}

// villageState is the colour of a village and the sign that says the same.
func villageState(v db.VillageCoverage) (tone, mark string) {
	switch {
	case v.Held > 0:
		return "held", "!"
	case v.Expected > 0 && v.Confirmed == v.Expected:
		return "sure", "✓"
	case v.Expected > 0 && v.Reporting == v.Expected:
		return "in", "●"
	case v.Reporting > 0:
		return "part", "◐"
	}
	return "none", "○"
}
