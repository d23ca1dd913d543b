package verify

import (
	"strconv"
	"time"

	"tali/parser"
)

// words is what may stand in braces in a text. Only what the text of that kind
// uses is set.
type words struct {
	p       *parser.Profile
	ballot  *parser.Ballot
	station *Station
	officer *Officer
	figures []int16

	typed      parser.TPSCode // as the officer typed it
	word       int            // position of the word that does not fit
	found      string         // that word
	expected   string         // what belongs there
	read, need int            // figures

	broken   parser.Contradiction
	k        string
	other    *parser.Ballot // named by the first digit of K, or by a second tally
	otherTPS parser.TPSCode

	at      time.Time
	proof   string
	state   State
	present *Tally // what a conflict is with

	meant  Suggestion // the row asked about
	second Suggestion // the other one of a swap
	repair *repair
	open   []*Question // that an answer might be about
	tries  int         // wrong codes that are left
	prefix string      // what an answer must begin with: a ballot and a blank, or nothing

	reason string // of the staff
	phone  string // to whom a STATUS may tell its proofs
	cases  map[CaseKey]*Case
}

// append appends the value of one word; an unknown one gives nothing.
func (w *words) append(buf []byte, word string) []byte {
	switch word {
	case "election":
		return appendName(buf, w.p.Name)
	case "ballot":
		return appendKeyword(buf, w.ballot)
	case "ballots":
		return w.appendBallots(buf)
	case "tps":
		return w.appendCode(buf)
	case "station":
		return appendStation(buf, w.station)
	case "stations":
		return w.appendStations(buf, true)
	case "codes":
		return w.appendStations(buf, false)
	case "order":
		return appendOrder(buf, w.ballot)
	case "zone":
		return append(buf, w.p.ZoneTag...)
	}
	return w.appendFromMessage(buf, word)
}

// appendFromMessage appends the words that say what was typed wrongly.
func (w *words) appendFromMessage(buf []byte, word string) []byte {
	switch word {
	case "typed":
		return appendTyped(buf, string(w.typed))
	case "found":
		return appendTyped(buf, w.found)
	case "expected":
		return appendName(buf, w.expected)
	case "word":
		return appendInt(buf, w.word)
	case "read":
		return appendInt(buf, w.read)
	case "need":
		return appendInt(buf, w.need)
	case "missing":
		return appendInt(buf, w.need-w.read)
	case "extra":
		return appendInt(buf, w.read-w.need)
	case "rows":
		return appendRows(buf, w.ballot)
	case "fault":
		return appendFault(buf, w.ballot, w.broken)
	case "k":
		return appendTyped(buf, w.k)
	case "other":
		return appendKeyword(buf, w.other)
	case "digit":
		return appendDigit(buf, w.other)
	case "other_tps":
		return appendTyped(buf, string(w.otherTPS))
	}
	return w.appendFromCase(buf, word)
}

// appendFromCase appends the words about a tally and its case.
func (w *words) appendFromCase(buf []byte, word string) []byte {
	switch word {
	case "figures":
		return appendFigures(buf, w.ballot, w.figures)
	case "totals":
		return appendTotals(buf, w.ballot, w.figures)
	case "count":
		return appendInt(buf, len(w.figures))
	case "difference":
		return w.appendDifference(buf)
	case "time":
		return w.appendTime(buf, "15:04")
	case "opens":
		return w.appendTime(buf, "02/01 15:04")
	case "proof":
		return append(buf, w.proof...)
	case "reason":
		return append(buf, w.reason...)
	case "state":
		return append(buf, stateWords(w.state)...)
	case "status":
		return w.appendStatus(buf, true)
	case "status_short":
		return w.appendStatus(buf, false)
	case "progress":
		return w.appendProgress(buf)
	}
	return w.appendFromQuestion(buf, word)
}

// longestTyped keeps a word that an officer typed from filling the reply.
const longestTyped = 12

// appendTyped appends what an officer typed, shortened; a gap has a name.
func appendTyped(buf []byte, s string) []byte {
	if s == "" {
		return append(buf, "(kosong)"...)
	}
	n := 0
	for i := range s {
		if n++; n > longestTyped {
			return append(appendName(buf, s[:i]), ".."...)
		}
	}
	return appendName(buf, s)
}

func appendInt(buf []byte, n int) []byte { return strconv.AppendInt(buf, int64(n), 10) }

func appendKeyword(buf []byte, b *parser.Ballot) []byte {
	if b == nil {
		return buf
	}
	return append(buf, b.Keyword...)
}

func appendDigit(buf []byte, b *parser.Ballot) []byte {
	if b == nil {
		return buf
	}
	return append(buf, b.Digit)
}

func (w *words) appendBallots(buf []byte) []byte {
	for i, b := range w.p.Ballots {
		if i > 0 {
			buf = append(buf, '/')
		}
		buf = append(buf, b.Keyword...)
	}
	return buf
}

// appendTime appends a time of the clock on the officer's wall.
func (w *words) appendTime(buf []byte, layout string) []byte {
	at := w.at
	if w.p.Zone != nil {
		at = at.In(w.p.Zone)
	}
	buf = at.AppendFormat(buf, layout)
	if w.p.ZoneTag != "" {
		buf = append(append(buf, ' '), w.p.ZoneTag...)
	}
	return buf
}
