package verify

import "time"

// Station is a polling station (TPS) as the registry knows it.
type Station struct {
	Code     string `json:"code"`    // 13 digits: 10-digit village and 3-digit TPS
	TPS      string `json:"tps"`     // 8-digit code that officers type
	Village  string `json:"village"` // e.g. "Boroko"
	Number   int    `json:"number"`  // TPS number in the village
	Voters   int    `json:"voters"`  // registered voters (DPT), 0 when unknown
	District string `json:"district"`

	Generation int `json:"generation"` // of the station's card, from 1: codes of earlier ones are dead
}

// Officer is a registered sender and the stations bound to the phone.
type Officer struct {
	Phone    string    `json:"phone"` // E.164
	Name     string    `json:"name"`
	Stations []Station `json:"stations"`
}

// CaseKey names the case of one ballot at one station.
type CaseKey struct {
	Station string // 13-digit code
	Ballot  string // first keyword
}

// State is where an entry stands. The words are those of the staff.
type State string

// The states of an entry.
const (
	StateIn         State = "masuk"         // accepted, waits for the staff
	StateHeld       State = "ditahan"       // a conflict or a doubt: the staff decide
	StateVerified   State = "terverifikasi" // confirmed by the staff
	StateRejected   State = "ditolak"       // refused by the staff
	StateSuperseded State = "digantikan"    // replaced by its RALAT
)

// Assurance says how well the origin of an entry is proven.
type Assurance string

// The grades of assurance.
const (
	AssuranceA0 Assurance = "A0" // the registered phone alone
	AssuranceA1 Assurance = "A1" // and a one-time TAN of the sealed card
	AssuranceA2 Assurance = "A2" // and a code bound to these figures
)

// Tally is one entry of a case as it stands now.
type Tally struct {
	Entry     Key
	State     State
	Revision  int
	Figures   []int16
	Proof     string // code of its receipt; empty when none was given
	ProofTo   string // the phone that got it
	Assurance Assurance
	At        time.Time // of receipt

	WrongProof bool // came as a RALAT with a code that is not the receipt's
}

// Case is all that is known of one ballot at one station.
type Case struct {
	Present  *Tally  // the entry that stands; nil before the first and after ditolak
	Others   []Tally // held, superseded and rejected ones
	Version  int     // of the standing row, for the guard in its WHERE clause
	Revision int     // of the newest entry of the case
	Closed   bool    // the staff have closed this ballot
}

// Facts is everything known that a batch of messages may need. Decide only
// reads it; Apply carries a verdict forward to the next message of the batch.
type Facts struct {
	Known    map[Key]bool        // messages that the centre has already
	Officers map[string]*Officer // by phone, E.164
	Cases    map[CaseKey]*Case
	Voted    map[CaseKey]int // by what stands, of cases left out of Cases: all that the tally of another ballot asks of them
	Own      map[string]bool // numbers of our own modems, E.164

	Questions map[QuestionKey]*Question // of these officers, lapsed ones too

	RegencyKey []byte           // that the cards of this election derive from; nil: every code is wrong
	Cards      map[string]*Card // by station code; nothing of a station whose codes nobody used

	UnknownAnswered map[string]bool // unregistered phones that got their answer of the day
	UnknownThisHour int             // neutral answers in the last hour, all phones
}
