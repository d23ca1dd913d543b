package verify

import (
	"strconv"
	"strings"

	"tali/parser"
)

// draft is a tally that waits for an answer: its words, in form order. As text
// it is a message again, so that an amended one goes the way of every message.
type draft struct {
	ralat   bool
	proof   string
	keyword string
	tps     string
	numbers []string
	k       string
	auth    string // A, not checked yet
	form    bool   // FORM was answered: the form really says so
}

// A draft is what may be a tally yet, not whatever was typed.
const (
	longestWord  = 10 // digits: two merged figures with K behind them
	mostNumbers  = 66 // the longest form and a few rows more
	noTPS        = "-"
	draftCheck   = "K"
	draftAuth    = "A"
	draftForm    = "FORM"
	draftRalat   = "RALAT"
	otherProof   = "0" // stands for a code of another shape: it equals none either
	proofMissing = "-"
)

// draftOf takes what was read apart; false when that is no tally in order.
func draftOf(r *parser.Report) (draft, bool) {
	d := draft{ralat: r.Ralat, proof: r.Proof, keyword: r.Ballot.Keyword, tps: string(r.TPS), numbers: r.Numbers, k: r.K.Given, auth: r.Auth.Code}
	if _, ok := parser.NormalizeProof(d.proof); !ok && d.proof != "" {
		d.proof = otherProof
	}
	if r.Figures != nil {
		d.numbers = written(r.Figures)
	}
	if len(d.numbers) == 0 || len(d.numbers) > mostNumbers {
		return draft{}, false
	}
	for _, word := range d.numbers {
		if len(word) > longestWord {
			return draft{}, false
		}
	}
	return d, true
}

// readDraft reads what String has written.
func readDraft(text string) draft {
	var d draft
	words := strings.Fields(text)
	take := func() (word string) {
		if len(words) > 0 {
			word, words = words[0], words[1:]
		}
		return word
	}
	if len(words) > 0 && words[0] == draftRalat {
		take()
		d.ralat, d.proof = true, take()
		if d.proof == proofMissing {
			d.proof = ""
		}
	}
	d.keyword, d.tps = take(), take()
	if d.tps == noTPS {
		d.tps = ""
	}
	if last := len(words) - 1; last >= 0 && words[last] == draftForm {
		d.form, words = true, words[:last]
	}
	d.auth, words = marked(words, draftAuth)
	d.k, words = marked(words, draftCheck)
	d.numbers = words
	return d
}

// marked takes the last word off where it begins with that letter.
func marked(words []string, letter string) (string, []string) {
	if last := len(words) - 1; last >= 0 && strings.HasPrefix(words[last], letter) {
		return words[last][len(letter):], words[:last]
	}
	return "", words
}

// String is the draft as a message.
func (d draft) String() string {
	var words []string
	if d.ralat {
		words = append(words, draftRalat, orElse(d.proof, proofMissing))
	}
	words = append(append(words, d.keyword, orElse(d.tps, noTPS)), d.numbers...)
	if d.k != "" {
		words = append(words, draftCheck+d.k)
	}
	if d.auth != "" {
		words = append(words, draftAuth+d.auth)
	}
	if d.form {
		words = append(words, draftForm)
	}
	return strings.Join(words, " ")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// repaired is the draft with what a search has found.
func (d draft) repaired(r *repair) draft {
	d.numbers, d.k = written(r.figures), r.k
	return d
}

// written is figures as words.
func written(f parser.Figures) []string {
	out := make([]string, len(f))
	for i, v := range f {
		out[i] = strconv.Itoa(int(v))
	}
	return out
}
