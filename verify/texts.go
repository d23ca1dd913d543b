package verify

import (
	"slices"
	"strings"
)

// The kinds of reply: each is the name of a text in the profile. They are
// stored with the replies and travel with a message as its interim answer.
const (
	KindUnknown       = "unknown"
	KindDamaged       = "damaged"
	KindHelp          = "help"
	KindTest          = "test"
	KindPresent       = "present"
	KindStatus        = "status"
	KindWhichStation  = "which_station"
	KindNoStation     = "no_station"
	KindNoQuestion    = "no_question"
	KindEmpty         = "empty"
	KindTooLong       = "too_long"
	KindNoKeyword     = "no_keyword"
	KindNoTPS         = "no_tps"
	KindBadWord       = "bad_word"
	KindOtherScript   = "other_script"
	KindNotOpen       = "not_open"
	KindWrongTPS      = "wrong_tps"
	KindTooFew        = "too_few"
	KindTooMany       = "too_many"
	KindNoK           = "no_k"
	KindCutOff        = "cut_off"
	KindTwoTallies    = "two_tallies"
	KindSame          = "same"
	KindSameProof     = "same_proof"
	KindSameHeld      = "same_held"
	KindSameReplaced  = "same_replaced"
	KindRelation      = "relation"
	KindForm          = "form"
	KindK             = "k"
	KindOtherBallot   = "other_ballot"
	KindHeldRejected  = "held_rejected"
	KindHeldClosed    = "held_closed"
	KindHeldRalat     = "held_ralat"
	KindConflict      = "conflict"
	KindConflictProof = "conflict_proof"
	KindConflictFinal = "conflict_final"
	KindAccepted      = "accepted"
	KindInterim       = "interim"
	KindRecorded      = "recorded"
	KindWhichBallot   = "which_ballot"
	KindNotFitting    = "not_fitting"
	KindVerified      = "verified"  // by the staff; an election without this text tells nobody
	KindRejected      = "rejected"  // by the staff, with their reason
	KindAskAgain      = "ask_again" // by the staff: look at the form and send all again
	KindAskAgainProof = "ask_again_proof"
)

// The kinds of reply that open a question.
const (
	KindAskTPS     = "ask_tps"      // YA or KODE: one station is bound to the phone
	KindAskCode    = "ask_code"     // KODE: several are
	KindAskRepair  = "ask_repair"   // YA: figures joined, split, typed twice
	KindAskMissing = "ask_missing"  // the row that was left out
	KindAskFits    = "ask_fits"     // which ballot: the rows fit another
	KindAskNoK     = "ask_no_k"     // K: every row is there
	KindAskRow     = "ask_row"      // the row that one slip explains
	KindAskForm    = "ask_form"     // FORM: the form contradicts itself
	KindAskFormRow = "ask_form_row" // FORM, or the row that one slip explains
	KindAskK       = "ask_k"        // K
	KindAskSwap    = "ask_swap"     // both rows, or K
	KindAskBallot  = "ask_ballot"   // which ballot: K names another

	KindAskAuth      = "ask_auth"       // A: it is missing
	KindAskAuthAgain = "ask_auth_again" // A: it was wrong
	KindAskAuthCall  = "ask_auth_call"  // A, though the staff will call: too many were wrong
)

// The priorities of replies: an officer who must act is told first.
const (
	PriorityQuestion = 1
	PriorityReceipt  = 2
	PriorityNotice   = 3
)

// priorityOf is the priority of a kind of reply.
func priorityOf(kind string) int {
	switch kind {
	case KindUnknown, KindHelp, KindTest, KindPresent, KindStatus, KindNotOpen, KindVerified:
		return PriorityNotice
	case KindSame, KindSameProof, KindSameHeld, KindSameReplaced, KindHeldRejected, KindHeldClosed,
		KindHeldRalat, KindConflict, KindConflictProof, KindConflictFinal, KindAccepted, KindRecorded, KindInterim:
		return PriorityReceipt
	}
	return PriorityQuestion
}

// textSpec is one text that a profile must have, and what stands in braces in
// it beside the words that every text may use.
type textSpec struct {
	kind  string
	words string
}

// commonWords stand in braces in any text.
const commonWords = "election ballot ballots tps station stations codes order zone"

// textSpecs lists the texts. The words of each are those that a decision fills
// in where it uses the text: others would render as nothing.
func textSpecs() []textSpec {
	return []textSpec{
		{KindUnknown, ""},
		{KindDamaged, ""},
		{KindHelp, ""},
		{KindTest, ""},
		{KindPresent, "time"},
		{KindStatus, "status status_short progress"},
		{KindWhichStation, "found"},
		{KindNoStation, ""},
		{KindNoQuestion, ""},
		{KindEmpty, problemWords},
		{KindTooLong, problemWords},
		{KindNoKeyword, problemWords},
		{KindNoTPS, problemWords},
		{KindBadWord, problemWords},
		{KindOtherScript, problemWords},
		{KindNotOpen, "opens"},
		{KindWrongTPS, "typed"},
		{KindTooFew, problemWords},
		{KindTooMany, problemWords},
		{KindNoK, problemWords},
		{KindCutOff, problemWords},
		{KindTwoTallies, problemWords + " other other_tps"},
		{KindSame, tallyWords + " time state"},
		{KindSameProof, tallyWords + " time state proof"},
		{KindSameHeld, tallyWords + " time"},
		{KindSameReplaced, tallyWords + " time"},
		{KindRelation, tallyWords + " fault"},
		{KindForm, tallyWords + " fault"},
		{KindK, tallyWords + " k"},
		{KindOtherBallot, tallyWords + " other digit"},
		{KindHeldRejected, tallyWords},
		{KindHeldClosed, tallyWords},
		{KindHeldRalat, tallyWords},
		{KindConflict, tallyWords + " difference"},
		{KindConflictProof, tallyWords + " difference proof"},
		{KindConflictFinal, tallyWords + " difference proof"},
		{KindAccepted, tallyWords + " proof"},
		{KindInterim, tallyWords},
		{KindRecorded, "clash proof"},
		{KindWhichBallot, "open"},
		{KindNotFitting, ""},
		{KindVerified, tallyWords + " proof time"},
		{KindRejected, "reason time"},
		{KindAskAgain, "reason"},
		{KindAskAgainProof, "reason proof"},
		{KindAskTPS, "typed yes"},
		{KindAskCode, "typed code"},
		{KindAskRepair, "found repair yes"},
		{KindAskMissing, "read need before row to fix"},
		{KindAskFits, "other other_word"},
		{KindAskNoK, "read k_word k_digits"},
		{KindAskRow, "row from to fix"},
		{KindAskForm, "fault form"},
		{KindAskFormRow, "fault from fix form"},
		{KindAskK, "k k_word k_digits"},
		{KindAskSwap, "swap fix second k_word k_digits"},
		{KindAskBallot, "other digit other_word ballot_word"},
		{KindAskAuth, "tries auth_word"},
		{KindAskAuthAgain, "tries auth_word"},
		{KindAskAuthCall, "auth_word"},
	}
}

// What stands in braces where a structure does not hold, and where every figure
// was read.
const (
	problemWords = "word found expected read need missing extra rows"
	tallyWords   = "figures totals count"
)

// allows reports whether the text may use that word.
func (s textSpec) allows(word string) bool {
	return slices.Contains(strings.Fields(commonWords), word) || slices.Contains(strings.Fields(s.words), word)
}
