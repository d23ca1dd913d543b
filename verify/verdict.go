package verify

import "tali/parser"

// Outcome is what became of a message.
type Outcome string

// The outcomes, in the order in which the protocol decides them.
const (
	OutcomeKnown      Outcome = "known"       // the centre has this message already: nothing is stored or told again
	OutcomeIgnored    Outcome = "ignored"     // alphanumeric, short code, own number, status report: stored, never answered
	OutcomeUnknown    Outcome = "unknown"     // sender not registered: quarantined
	OutcomeDamaged    Outcome = "damaged"     // incomplete long SMS or undecodable PDU: quarantined
	OutcomeService    Outcome = "service"     // UJI, HADIR, STATUS, BANTU answered
	OutcomeNoQuestion Outcome = "no_question" // a follow-up, but nothing is open that it could answer
	OutcomeCourtesy   Outcome = "courtesy"    // thanks, no answer
	OutcomeUnreadable Outcome = "unreadable"  // which word was expected where
	OutcomeNotOpen    Outcome = "not_open"    // before the opening: stored, not counted
	OutcomeWrongTPS   Outcome = "wrong_tps"   // quarantined until answered
	OutcomeStructure  Outcome = "structure"   // too few, too many, cut off: asked
	OutcomeSame       Outcome = "same"        // equals what is there: present state told
	OutcomeFigures    Outcome = "figures"     // relations or K fail: asked
	OutcomeUnproven   Outcome = "unproven"    // A required and missing, or wrong: kept, no entry
	OutcomeHeld       Outcome = "held"        // after the staff closed or rejected: held
	OutcomeConflict   Outcome = "conflict"    // another entry stands: held
	OutcomeAccepted   Outcome = "accepted"    // state masuk, receipt
)

// Flag is a soft rule that a tally touches. Flags refuse nothing; they raise
// the tally in the staff's queue.
type Flag string

// The soft rules.
const (
	FlagOverVoters  Flag = "over_voters"  // more users than registered voters
	FlagBallotStock Flag = "ballot_stock" // received ballots differ from voters' list plus reserve
	FlagTurnout     Flag = "turnout"      // above 95 %
	FlagOneSided    Flag = "one_sided"    // one contestant has every vote
	FlagRound       Flag = "round"        // every last digit 0 or 5
	FlagLate        Flag = "late"         // arrived outside opening hours
	FlagApart       Flag = "apart"        // differs too much from another ballot of this station
	FlagRejected    Flag = "rejected"     // equals a tally that the staff have refused
	FlagForm        Flag = "form"         // contradicts itself as the form does (FORM): call back before anybody confirms
	FlagWrongProof  Flag = "wrong_proof"  // a RALAT whose code is not the receipt's
)

// Verdict is the decision on one message.
type Verdict struct {
	Outcome    Outcome
	Reason     string         // the rule in one stable word, e.g. "relation", "k", "too_few"
	Report     *parser.Report // what was decided on: as read, or a draft with the answer in it; nil when nothing was read
	Phone      string         // sender, E.164; as received when that cannot be
	Station    *Station       // nil unless the message is about one of this phone's stations
	Entry      *Entry         // nil unless a tally is to be stored
	Quarantine bool           // the staff must look at the message itself
	Reply      *Reply         // nil when silence is right
	Suggestion *Suggestion    // the row that was probably meant otherwise; nil when there is no single one
	Asks       *Question      // now open in the place of the one that was; nil when none is asked
	Settles    []QuestionKey  // closed by this message
	Spends     *Spend         // a one-time code that this message used up; nil when none
	Tried      *Try           // a wrong code that was none before; nil when none
	Raises     *Raise         // the better proof of an entry that is there; nil when none
}

// Entry is a tally to be stored with the message that brought it.
type Entry struct {
	Case      CaseKey
	Revision  int
	State     State // StateIn or StateHeld
	Figures   parser.Figures
	Assurance Assurance
	Flags     []Flag
	Proof     string // code told in the receipt; empty when held
}

// Reply is what the officer is told.
type Reply struct {
	Kind     string // name of the text in the profile, e.g. "accepted"
	Text     string // at most 160 GSM-7 characters
	Priority int    // questions before receipts: lower goes first
}
