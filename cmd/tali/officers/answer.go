package officers

import (
	"strings"
	"unicode"
)

// answerKind is what an officer takes an answer for.
type answerKind int

const (
	answerAgain answerKind = iota // look at the paper and text it again
	answerEnd                     // a receipt, or it is with the staff: done
	answerWait                    // received, more will follow
)

// kindOf reads an answer as an officer does: by the words that say what to do.
func kindOf(answer string) answerKind {
	if strings.Contains(answer, "Jangan kirim ulang") {
		return answerWait
	}
	for _, words := range []string{"DITERIMA ", "DICATAT ", "Tidak perlu kirim lagi", "DITAHAN"} {
		if strings.Contains(answer, words) {
			return answerEnd
		}
	}
	return answerAgain
}

// about finds the report that an answer is about, nil when it is about another
// one: by the ballot that it names, then by the first TPS code, which is the
// one that was typed, right or wrong; otherwise it is the report texted last,
// the one on the officer's mind.
func about(waiting []*officer, ballots map[string]bool, answer string) *officer {
	named, anyBallot, code := make(map[string]bool), false, ""
	words := strings.FieldsFunc(answer, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, w := range words {
		named[w] = true
		anyBallot = anyBallot || ballots[w]
		if code == "" && len(w) == 8 && strings.Trim(w, "0123456789") == "" {
			code = w
		}
	}
	typed := func(o *officer) bool { return code != "" && strings.Contains(o.said, code) }
	var found *officer
	for _, o := range waiting {
		switch {
		case anyBallot && !named[o.Ballot.Keyword]:
		case found == nil,
			typed(o) && !typed(found),
			typed(o) == typed(found) && o.last > found.last:
			found = o
		}
	}
	return found
}
