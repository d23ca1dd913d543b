package parser

import "time"

// Phase tells a rehearsal from the real thing. The two differ in election id
// too, so that codes and keys of one are worth nothing in the other.
type Phase string

// The phases of an election.
const (
	PhaseRehearsal Phase = "rehearsal"
	PhaseReal      Phase = "real"
)

// AuthMode says what a tally needs beside the registered phone.
type AuthMode string

// The modes of the authenticity code A.
const (
	AuthOff      AuthMode = "off"      // A is not read; what looks like one is part of the tail
	AuthAccepted AuthMode = "accepted" // A raises the proof, its absence is no fault
	AuthRequired AuthMode = "required" // a tally without a valid A is kept as unproven
)

// Profile is one election as data. It is read only once built: share it freely.
type Profile struct {
	ID      string // election id, part of every key derivation, e.g. "pilkada-2024"
	Name    string // as staff read it
	Version int    // raised by whoever edits the profile
	Digest  string // hex SHA-256 of everything but the reply texts
	Phase   Phase
	Round   int      // 1 first count; a re-vote (PSU, PSL, PSS) is another round
	Regency string   // 4-digit Kemendagri code, e.g. "7108"
	Auth    AuthMode // see AuthMode

	Zone    *time.Location // of the stations, e.g. Asia/Makassar
	ZoneTag string         // as officers read it: WIB, WITA, WIT
	Opens   time.Time      // before it a tally is stored, not counted
	Closes  time.Time      // after it a tally is accepted and flagged

	ReservePermille int           // ballots in reserve over the voters' list: 20 (Pemilu), 25 (Pilkada)
	QuestionTTL     time.Duration // how long a question to an officer stays open
	UnknownPerHour  int           // neutral answers to unregistered phones, all numbers together

	Ballots []*Ballot
	Texts   map[string][]string // reply texts by name, variants from long to short

	keywords map[string]*Ballot // keyword or alias -> ballot; filled by NewProfile
	mostRows int                // contestants of the longest ballot; filled by NewProfile
}

// Form says which blocks of C.HASIL an SMS of the ballot carries.
type Form string

// The two forms. A ballot has exactly one of them.
const (
	FormFull  Form = "full"  // votes, S T J, P D U R Z
	FormShort Form = "short" // votes, S T J
)

// Ballot is one contest of an election and the shape of its message.
type Ballot struct {
	Digit       byte     // '1'..'8', first digit of K
	Keyword     string   // first word of a tally, e.g. "PILBUP"
	Aliases     []string // exact other words, e.g. "BUP"
	Title       string   // as staff read it, e.g. "Bupati dan Wakil Bupati"
	Contest     string   // Sirekap's key: ppwp, pkwkp, pkwkk, ...
	Form        Form
	Unit        string   // what one row of the votes block is called: "calon", "partai"
	Contestants []string // names in form order; their number is n
}

// Ballot is the ballot with that first keyword, nil when the election has none.
func (p *Profile) Ballot(keyword string) *Ballot {
	for _, b := range p.Ballots {
		if b.Keyword == keyword {
			return b
		}
	}
	return nil
}
