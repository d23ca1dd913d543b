package web

import (
	"strings"

	"tali/parser"
)

// wordView is a piece of an SMS: a word that was read as something, or what
// stands between.
type wordView struct {
	Text  string
	Class string // empty: nothing was read there
	Means string
}

// smsWords takes an SMS apart as the parser has read it. Codes that an officer
// could be robbed of are hidden first.
func (s *site) smsWords(t tongue, text string) []wordView {
	if text == "" {
		return nil
	}
	rep := parser.Parse(s.Profile, text)
	m := marker{t: t, p: s.Profile, rep: &rep}
	var out []wordView
	shown := visible(concealSMS(text))
	for shown != "" {
		start := strings.IndexFunc(shown, isWord)
		if start != 0 {
			end := len(shown)
			if start > 0 {
				end = start
			}
			out, shown = append(out, wordView{Text: shown[:end]}), shown[end:]
			continue
		}
		end := strings.IndexFunc(shown, isSeparator)
		if end < 0 {
			end = len(shown)
		}
		out, shown = append(out, m.mark(shown[:end])), shown[end:]
	}
	return out
}

// marker says what a word was read as, going through an SMS from the left.
type marker struct {
	t   tongue
	p   *parser.Profile
	rep *parser.Report
	row int // of the next figure
	k   bool
}

func (m *marker) mark(word string) wordView {
	v := wordView{Text: word}
	digits := strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(word))
	switch {
	case m.k:
	case m.rep.Ballot != nil && m.isKeyword(strings.ToUpper(word)):
		v.Class, v.Means = "w-keyword", m.t.say("word.keyword")
	case m.rep.TPS != "" && digits == string(m.rep.TPS):
		v.Class, v.Means = "w-tps", m.t.say("word.tps")
	case m.rep.K.Given != "" && strings.TrimLeft(digits, "K") == m.rep.K.Given:
		m.k = true
		v.Class, v.Means = "w-k", m.t.say("word.k")
		if !m.rep.K.OK {
			v.Class, v.Means = "w-bad", m.t.say("word.k.bad")
		}
	case m.rep.Problem != nil && m.rep.Problem.Found != "" && word == m.rep.Problem.Found:
		v.Class, v.Means = "w-bad", m.t.say("word.bad", m.rep.Problem.Expected)
	case m.isFigure(digits):
		v.Class, v.Means = "w-figure", m.rep.Ballot.RowName(m.row)
		m.row++
	}
	return v
}

func (m *marker) isKeyword(word string) bool {
	for _, w := range append([]string{m.rep.Ballot.Keyword}, m.rep.Ballot.Aliases...) {
		if word == w {
			return true
		}
	}
	return false
}

// isFigure reports whether the word is the next row of the form. Rows told by
// their labels in another order are left unmarked rather than marked wrongly.
func (m *marker) isFigure(digits string) bool {
	if m.row >= len(m.rep.Figures) {
		return false
	}
	for digits != "" && (digits[0] < '0' || digits[0] > '9') {
		digits = digits[1:]
	}
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return digits != "" && len(digits) <= 3 && n == int(m.rep.Figures[m.row])
}
