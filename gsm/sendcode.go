package gsm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/warthog618/modem/at"
)

// SendError is a refusal by the modem or the network. Permanent means that the same message will be refused
// again, by any modem; otherwise it may be tried later or elsewhere.
type SendError struct {
	Kind      string // "CMS", "CME", "" for a plain ERROR or a refusal of our own
	Code      int    // 3GPP TS 27.005 §3.2.5, 3GPP TS 27.007 §9.2; -1 when the modem gave words or nothing
	Permanent bool
	Reason    string
}

func (e *SendError) Error() string {
	if e.Kind == "" {
		return e.Reason
	}
	if e.Code < 0 {
		return fmt.Sprintf("+%s ERROR: %s", e.Kind, e.Reason)
	}
	return fmt.Sprintf("+%s ERROR: %d", e.Kind, e.Code)
}

// simBusy reports CME 14 and CMS 314: the SIM needs a moment.
func (e *SendError) simBusy() bool {
	return e.Kind == "CME" && e.Code == 14 || e.Kind == "CMS" && e.Code == 314
}

// simAway reports that there is no SIM, or none that can be used: CME 10 to 18 without 14 and 16 (3GPP TS 27.007
// §9.2.1), CMS 310 to 318 without 314 (3GPP TS 27.005 §3.2.5), or words of a modem that uses no numbers.
func (e *SendError) simAway() bool {
	switch {
	case e.Code < 0:
		return strings.Contains(strings.ToUpper(e.Reason), "SIM")
	case e.Kind == "CME":
		return e.Code >= 10 && e.Code <= 18 && e.Code != 14 && e.Code != 16
	}
	return e.Kind == "CMS" && e.Code >= 310 && e.Code <= 318 && e.Code != 314
}

// unread reports that the SIM never saw the PIN that it was given: it is busy or away, asks for its PUK, or asks for
// nothing any more (CME 3).
func (e *SendError) unread() bool {
	return e.simBusy() || e.Kind == "CME" && (e.Code == 3 || e.Code >= 0 && e.simAway())
}

// emptySlot reports CMS 321 and CME 21: nothing is stored there, or nothing can be.
func (e *SendError) emptySlot() bool {
	return e.Kind == "CMS" && e.Code == 321 || e.Kind == "CME" && (e.Code == 21 || e.Code == 22)
}

// permanentCMS are the refusals that concern the message or its recipient and not the moment or this modem:
// RP causes of 3GPP TS 24.011 §8.2.5.4 up to 127, TP causes of 3GPP TS 23.040 §9.2.3.22 up to 255, and those of
// the modem itself. Causes that another SIM or another hour may cure (barring, credit, congestion) are not here.
var permanentCMS = map[int]bool{
	1:   true, // unassigned number
	28:  true, // unidentified subscriber
	30:  true, // unknown subscriber
	95:  true, // semantically incorrect message
	96:  true, // invalid mandatory information
	97:  true, // message type non-existent
	99:  true, // information element non-existent
	111: true, // protocol error
	128: true, // telematic interworking not supported
	129: true, // short message type 0 not supported
	130: true, // cannot replace short message
	143: true, // unspecified TP-PID error
	144: true, // data coding scheme not supported
	145: true, // message class not supported
	159: true, // unspecified TP-DCS error
	176: true, // TPDU not supported
	195: true, // invalid SME address
	196: true, // destination SME barred
	197: true, // rejected as a duplicate: it has arrived
	304: true, // invalid PDU mode parameter
}

// refusal turns a final result of the library into a *SendError and leaves other errors as they are.
func refusal(err error) error {
	var cms at.CMSError
	var cme at.CMEError
	switch {
	case errors.As(err, &cms):
		e := coded("CMS", string(cms))
		e.Permanent = permanentCMS[e.Code]
		return e
	case errors.As(err, &cme):
		return coded("CME", string(cme))
	case errors.Is(err, at.ErrError):
		return &SendError{Code: -1, Reason: "ERROR"}
	}
	return err
}

func coded(kind, value string) *SendError {
	code, err := strconv.Atoi(value)
	if err != nil {
		code = -1 // verbose results, whatever +CMEE says
	}
	return &SendError{Kind: kind, Code: code, Reason: value}
}
