package web

import "tali/verify"

// The tones of the style sheet.
const (
	toneGood  = "good"
	toneAsk   = "ask"
	toneStop  = "stop"
	toneQuiet = "quiet"
)

// Where an outcome is counted: the tiles of all groups add up to the messages.
const (
	groupAccepted = iota
	groupAsked
	groupHeld
	groupUnknown
	groupOther
)

// outcomeKind is where an outcome is counted and in which colour it is shown.
type outcomeKind struct {
	outcome verify.Outcome
	group   int
	tone    string
}

// outcomeWord is how an outcome reads on a page.
type outcomeWord struct {
	outcomeKind
	Word, Tone, Meaning string
}

// outcomeKinds are all outcomes that are stored, the usual ones first. Their
// texts are outcome.NAME and outcome.NAME.means.
func outcomeKinds() []outcomeKind {
	return []outcomeKind{
		{verify.OutcomeAccepted, groupAccepted, toneGood},
		{verify.OutcomeSame, groupOther, toneGood},
		{verify.OutcomeFigures, groupAsked, toneAsk},
		{verify.OutcomeStructure, groupAsked, toneAsk},
		{verify.OutcomeWrongTPS, groupAsked, toneAsk},
		{verify.OutcomeUnproven, groupAsked, toneAsk},
		{verify.OutcomeUnreadable, groupAsked, toneAsk},
		{verify.OutcomeNoQuestion, groupAsked, toneAsk},
		{verify.OutcomeNotOpen, groupAsked, toneAsk},
		{verify.OutcomeConflict, groupHeld, toneStop},
		{verify.OutcomeHeld, groupHeld, toneStop},
		{verify.OutcomeUnknown, groupUnknown, toneStop},
		{verify.OutcomeDamaged, groupOther, toneStop},
		{verify.OutcomeService, groupOther, toneQuiet},
		{verify.OutcomeCourtesy, groupOther, toneQuiet},
		{verify.OutcomeIgnored, groupOther, toneQuiet},
	}
}

// outcome never hides an outcome that the desk does not know yet.
func (t tongue) outcome(o verify.Outcome) outcomeWord {
	for _, k := range outcomeKinds() {
		if k.outcome == o {
			key := "outcome." + string(o)
			return outcomeWord{k, t.say(key), k.tone, t.say(key + ".means")}
		}
	}
	return outcomeWord{outcomeKind{o, groupOther, toneQuiet}, string(o), toneQuiet, t.say("outcome.unknown_word")}
}
