package verify

import (
	"fmt"
	"strings"
	"time"

	"tali/parser"
)

// CheckTexts renders every reply of the profile with the longest names of the
// registry (nil: without any) and the largest figures. It refuses a text that
// is missing, holds an unknown word in braces or a character that an SMS lacks,
// or does not fit one SMS even in its shortest variant.
func CheckTexts(p *parser.Profile, r *Registry) error {
	worst := longestWords(p, r)
	for _, spec := range textSpecs() {
		variants := p.Texts[spec.kind]
		if len(variants) == 0 && spec.kind == KindVerified {
			continue // officers are not told
		}
		if len(variants) == 0 {
			return fmt.Errorf("text %s: missing", spec.kind)
		}
		for _, v := range variants {
			if err := spec.check(v); err != nil {
				return fmt.Errorf("text %s: %w", spec.kind, err)
			}
		}
		for i := range worst {
			if n := shortest(variants, &worst[i]); n > MaxSeptets {
				return fmt.Errorf("text %s: %d characters with the longest names (%s, %s), at most %d fit one SMS: add a shorter variant",
					spec.kind, n, worst[i].ballot.Keyword, appendStation(nil, worst[i].station), MaxSeptets)
			}
		}
	}
	return nil
}

// check refuses what can be seen without any names.
func (s textSpec) check(text string) error {
	rest := text
	for {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			break
		}
		end := strings.IndexByte(rest[open:], '}')
		if end < 0 {
			return fmt.Errorf("%q: a brace is not closed", text)
		}
		if word := rest[open+1 : open+end]; !s.allows(word) {
			return fmt.Errorf("unknown {%s}: this text may use {%s}", word,
				strings.Join(strings.Fields(commonWords+" "+s.words), "} {"))
		}
		rest = rest[open+end+1:]
	}
	for _, c := range text {
		if septetsOf(c) == 0 {
			return fmt.Errorf("%q is no character of an SMS: write it otherwise", c)
		}
	}
	return nil
}

// shortest is the length of the shortest variant.
func shortest(variants []string, w *words) int {
	least := -1
	for _, v := range variants {
		n, _ := Septets(string(w.fill(nil, v)))
		if least < 0 || n < least {
			least = n
		}
	}
	return least
}

// longestWords is, for every ballot, what makes the longest replies about it.
func longestWords(p *parser.Profile, r *Registry) []words {
	station, officer := longestStation(r)
	var out []words
	for _, b := range p.Ballots {
		rows := make([]int16, b.Rows())
		for i := range rows {
			rows[i] = parser.MaxFigure
		}
		w := words{
			p: p, ballot: b, other: b, otherTPS: "00000000", station: station, officer: officer, figures: rows,
			typed: "0000000000", word: 200, found: strings.Repeat("M", longestTyped+1), expected: longestExpected,
			read: 100, need: 200, k: "000000", proof: "00000", state: StateIn, reason: strings.Repeat("M", MostReason),
			at:      time.Date(2024, 11, 27, 23, 59, 0, 0, time.UTC),
			present: &Tally{Figures: make([]int16, b.Rows()), State: StateVerified},
			broken:  parser.Contradiction{Relation: parser.RelationD, Want: 3 * parser.MaxFigure, Got: parser.MaxFigure},
			cases:   map[CaseKey]*Case{},
		}
		w.longestQuestion()
		for _, other := range p.Ballots {
			w.open = append(w.open, &Question{Ballot: other.Keyword})
			w.cases[CaseKey{Station: station.Code, Ballot: other.Keyword}] = &Case{Present: &Tally{State: StateVerified, Proof: "00000"}}
		}
		out = append(out, w)
	}
	return out
}

// longestQuestion fills in what questions are about.
func (w *words) longestQuestion() {
	n, last := w.ballot.N(), w.ballot.Rows()-1
	w.prefix = shortWord(w.ballot) + " "
	w.meant = Suggestion{Row: last, From: 10*parser.MaxFigure + 9, To: parser.MaxFigure}
	w.tries = mostWrongCodes
	w.second = Suggestion{Row: n - 1, From: parser.MaxFigure, To: parser.MaxFigure}
	w.repair = &repair{kind: repairSplit, figures: w.figures, k: "000000", row: last - 1, found: "000000"}
	if w.ballot.Form == parser.FormFull { // "diterima" and "digunakan" are the longest names
		w.repair.row = w.ballot.Index(parser.LabelD)
		w.meant.Row = w.repair.row
	}
}

// longestExpected stands for what the parser says was expected.
const longestExpected = "angka calon 54 (1-3 angka)"

// longestStation is the station with the longest name, and an officer to whom
// the largest number of stations with it are bound.
func longestStation(r *Registry) (*Station, *Officer) {
	longest := Station{Code: "0000000000000", TPS: "00000000", Village: "M", Number: 999}
	most := 1
	if r != nil {
		for _, s := range r.Stations {
			if nameLength(s) > nameLength(longest) {
				longest = s
			}
		}
		for _, o := range r.Officers {
			most = max(most, len(o.Stations))
			for _, s := range o.Stations {
				if nameLength(s) > nameLength(longest) {
					longest = s
				}
			}
		}
	}
	officer := &Officer{}
	for range min(most, mostStations+1) {
		officer.Stations = append(officer.Stations, longest)
	}
	return &longest, officer
}

func nameLength(s Station) int {
	n, _ := Septets(string(appendStation(nil, &s)))
	return n
}
