package parser

// Kind is what an SMS turned out to be.
type Kind string

// The kinds of message.
const (
	KindTally      Kind = "tally"      // keyword, and enough behind it to speak of a tally
	KindFollowUp   Kind = "followup"   // an answer to a question of ours
	KindService    Kind = "service"    // UJI, HADIR, STATUS, BANTU
	KindCourtesy   Kind = "courtesy"   // nothing but thanks
	KindUnreadable Kind = "unreadable" // none of these; Problem says why
)

// Report is what one SMS says, and nothing about whether it may say so.
type Report struct {
	Kind    Kind
	Service string   // UJI, HADIR, STATUS or BANTU when Kind is KindService
	Answer  FollowUp // when Kind is KindFollowUp

	Ballot *Ballot // nil when no keyword was read
	TPS    TPSCode // as typed, O and I read as digits; empty when absent
	Ralat  bool    // the message began with RALAT
	Proof  string  // the code behind RALAT, normalised; may be empty or wrong

	Figures Figures         // nil unless every row was read exactly once
	K       Check           // the typing check
	Auth    Auth            // A as typed; zero when there was none
	Broken  []Contradiction // relations that the figures do not keep, in form order

	Problem *Problem // why the structure does not hold; nil when it does

	// Numbers are the digit words between the TPS code and K, O and I read as
	// digits, of any length; only with a Problem, for those who search repairs.
	// Labelled rows stand in form order, and are there only when none is missing.
	Numbers []string
}

// Complete reports whether every row and K were read: then Figures, K and
// Broken mean something.
func (r *Report) Complete() bool { return r.Figures != nil && r.Problem == nil }

// Consistent reports whether the tally keeps every relation and its K holds.
func (r *Report) Consistent() bool { return r.Complete() && r.K.OK && len(r.Broken) == 0 }

// Check is K as typed.
type Check struct {
	Given string // digits, 5 or 6 of them; empty when absent
	OK    bool   // equals the K computed from the figures of this ballot
}

// AuthKind tells the two forms of A apart.
type AuthKind string

// The forms of A.
const (
	AuthNone AuthKind = ""     // no A
	AuthHMAC AuthKind = "hmac" // six characters, bound to these figures (A2)
	AuthTAN  AuthKind = "tan"  // eight digits of the sealed card (A1)
)

// Auth is an authenticity code as typed, not checked against anything.
type Auth struct {
	Kind AuthKind
	Code string // normalised: six Crockford characters or eight digits
}

// FollowUp is an answer to a question. Exactly what its kind admits is set.
type FollowUp struct {
	Yes    bool    // YA
	Form   bool    // FORM: the paper form really says so
	Ballot *Ballot // a keyword before the answer, or alone as the answer
	Fixes  []Fix   // rows told again
	K      string  // a check computed again
	Auth   Auth    // A told again
	TPS    TPSCode // KODE and the code told again
}

// Fix is one row told again: "2=98" or "S=310".
type Fix struct {
	Row    int   // 1..n for a contestant, 0 when Label is set
	Label  Label // a row after the votes
	Figure int16
}

// Problem says what was expected where. It is the error of a structure that
// does not hold; the text for the officer is made elsewhere.
type Problem struct {
	Code     ProblemCode
	Word     int    // 1-based position of the word it is about; 0 when about the whole
	Found    string // that word as typed, shortened; empty when the text ended
	Expected string // what stands there in a right message, e.g. "kata kunci", "kode TPS", "calon 2", "K"
	Read     int    // figures read
	Need     int    // figures that this ballot has

	OtherBallot *Ballot // of the second tally; only with ProblemTwoTallies
	OtherTPS    TPSCode // of the second tally; only with ProblemTwoTallies
}

// ProblemCode is the kind of a Problem.
type ProblemCode string

// The ways in which a structure fails.
const (
	ProblemEmpty       ProblemCode = "empty"        // no word at all
	ProblemTooLong     ProblemCode = "too_long"     // more than 200 words: never cut
	ProblemNoKeyword   ProblemCode = "no_keyword"   // the first word is no ballot of this election
	ProblemNoTPS       ProblemCode = "no_tps"       // what stands behind the keyword is no TPS code and the rest does not fit either
	ProblemTooFew      ProblemCode = "too_few"      // K is there, figures are missing
	ProblemTooMany     ProblemCode = "too_many"     // K is there, there are more figures than rows
	ProblemNoK         ProblemCode = "no_k"         // every figure is there and only K is missing
	ProblemCutOff      ProblemCode = "cut_off"      // K and figures are missing at the end
	ProblemBadFigure   ProblemCode = "bad_figure"   // a word that is no figure 0..999 where one belongs
	ProblemBadLabel    ProblemCode = "bad_label"    // a label unknown, twice, missing or out of place
	ProblemTwoTallies  ProblemCode = "two_tallies"  // a second tally or another station's code behind the first
	ProblemOtherScript ProblemCode = "other_script" // digits or letters of a script that is never guessed
)
