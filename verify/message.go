package verify

import "time"

// Key names a message for ever: the first 128 bits of the hash that its
// gateway computed over the raw PDUs. The entry that a message gives rise to
// carries the same key.
type Key [16]byte

// MessageKind says how much of a message could be read off the air.
type MessageKind string

// The kinds of message.
const (
	MessageText       MessageKind = "text"       // one SMS, or a long one joined
	MessageIncomplete MessageKind = "incomplete" // a long SMS with parts missing after the window
	MessageUnreadable MessageKind = "unreadable" // a PDU that does not decode
	MessageReport     MessageKind = "report"     // a status report of the network
)

// Message is one SMS as far as a decision needs it.
type Message struct {
	Key        Key
	Kind       MessageKind
	Sender     string // as it came over the air
	Text       string
	SentAt     time.Time // SMSC time stamp; zero when it did not hold a time
	ReceivedAt time.Time // by the gateway's clock: every limit in time goes by this
	Gateway    string
	Modem      string
	Interim    string // kind of the answer already given while the centre was away; empty if none
	Proof      string // five characters drawn by the caller, used only when a receipt is given
}
