// Package compare holds another source's figures of stations against ours, row by
// row of the form.
//
// It owns the shapes in which others publish (Sirekap's JSON, a CSV with a header)
// and what counts as the same. It knows no database and prints nothing. Nothing is
// repaired: what cannot be read is named with its line. A figure that one side
// does not have is not compared.
package compare

import (
	"cmp"
	"slices"
	"strconv"
)

// Key is one station's contest in one round.
type Key struct {
	Station string `json:"kode_tps"`
	Contest string `json:"jenis"`
	Round   int    `json:"putaran"`
}

// Row is what one side says of a key. Votes stand by row of the form; empty means
// that the side has none. Fields hold the other figures that it has, by name.
type Row struct {
	Key
	Line   int // of FILE
	Votes  []int
	Fields map[string]int
}

// Fields are the names of the figures beside the votes, in the order of the form.
func Fields() []string {
	return []string{"suara_sah", "suara_tidak_sah", "suara_total", "pengguna_total_j",
		"surat_suara_diterima", "surat_suara_digunakan", "surat_suara_dikembalikan", "surat_suara_tidak_digunakan"}
}

// Status says what was found.
type Status string

// What may be found.
const (
	Agree        Status = "agree"
	Differ       Status = "differ"
	MissingHere  Status = "missing_here"
	MissingThere Status = "missing_there"
)

// Finding is one difference: of a row of the form or, with an empty Row, of a
// whole station. Here is ours; -1 is a figure that is not there.
type Finding struct {
	Status Status `json:"status"`
	Key
	Row   string `json:"row,omitempty"`
	Here  int    `json:"here"`
	There int    `json:"there"`
}

// Bad is a row of FILE that cannot be read.
type Bad struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// Report is the whole comparison.
type Report struct {
	Agree        int       `json:"agree"`
	Differ       int       `json:"differ"` // stations
	MissingHere  int       `json:"missing_here"`
	MissingThere int       `json:"missing_there"`
	Findings     []Finding `json:"findings"`
	Bad          []Bad     `json:"bad"`
}

// Equal reports whether nothing differs and nothing is missing.
func (r Report) Equal() bool { return r.Differ+r.MissingHere+r.MissingThere == 0 }

// Comparison takes our rows one by one and holds them against the source's.
type Comparison struct {
	there  map[Key]Row
	report Report
	agreed bool
}

// New begins a comparison with a source. listAgreed adds what agrees to the
// findings.
func New(s Source, listAgreed bool) *Comparison {
	return &Comparison{there: s.Rows, report: Report{Bad: s.Bad}, agreed: listAgreed}
}

// Add holds one of our rows against the source.
func (c *Comparison) Add(here Row) {
	there, ok := c.there[here.Key]
	if !ok {
		c.report.MissingThere++
		c.find(Finding{Status: MissingThere, Key: here.Key, Here: -1, There: -1})
		return
	}
	delete(c.there, here.Key)
	found := differences(here, there)
	c.report.Findings = append(c.report.Findings, found...)
	if len(found) > 0 {
		c.report.Differ++
		return
	}
	c.report.Agree++
	if c.agreed {
		c.find(Finding{Status: Agree, Key: here.Key, Here: -1, There: -1})
	}
}

func (c *Comparison) find(f Finding) { c.report.Findings = append(c.report.Findings, f) }

// Finish names what only the source has, and puts the findings in order.
func (c *Comparison) Finish() Report {
	for key := range c.there {
		c.report.MissingHere++
		c.find(Finding{Status: MissingHere, Key: key, Here: -1, There: -1})
	}
	slices.SortStableFunc(c.report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Station, b.Station), cmp.Compare(a.Contest, b.Contest), cmp.Compare(a.Round, b.Round))
	})
	return c.report
}

// differences are the rows of the form in which two sides differ. Votes are
// compared where both have some; then each row that one side lacks differs.
func differences(here, there Row) (out []Finding) {
	add := func(row string, h, t int) {
		if h != t {
			out = append(out, Finding{Status: Differ, Key: here.Key, Row: row, Here: h, There: t})
		}
	}
	if len(here.Votes) > 0 && len(there.Votes) > 0 {
		for i := range max(len(here.Votes), len(there.Votes)) {
			add("suara_paslon "+strconv.Itoa(i+1), at(here.Votes, i), at(there.Votes, i))
		}
	}
	for _, name := range Fields() {
		h, ours := here.Fields[name]
		t, theirs := there.Fields[name]
		if ours && theirs {
			add(name, h, t)
		}
	}
	return out
}

func at(votes []int, i int) int {
	if i < len(votes) {
		return votes[i]
	}
	return -1
}
