package gsm

import (
	"errors"
	"io/fs"
)

// Trouble names what keeps a modem from its work, so that programs can count it and tell a person what to do. It is
// the reason behind a State, and more exact.
type Trouble string

const (
	TroubleNone       Trouble = ""
	TroubleAbsent     Trouble = "absent"      // the device is missing
	TroubleBusy       Trouble = "busy"        // another program holds the device
	TroublePermission Trouble = "permission"  // we may not open the device
	TroubleNotSerial  Trouble = "not-serial"  // the path names no serial device
	TroubleSilent     Trouble = "silent"      // nobody answers AT
	TroubleGarbled    Trouble = "garbled"     // what comes back is no text: wrong line speed, or no modem
	TroubleNoModem    Trouble = "no-modem"    // it talks, but does not know AT: another interface, another machine
	TroubleNoSIM      Trouble = "no-sim"      // no SIM, or one that cannot be read
	TroublePIN        Trouble = "pin"         // the SIM asks for a PIN and none is configured
	TroublePINRefused Trouble = "pin-refused" // the configured PIN was refused, and is not given again
	TroublePUK        Trouble = "puk"         // the SIM is blocked
	TroubleWrongModem Trouble = "wrong-modem" // its IMEI is not the configured one
	TroubleWrongSIM   Trouble = "wrong-sim"   // its IMSI or ICCID is not the configured one
	TroubleSameSIM    Trouble = "same-sim"    // another configured modem has the same SIM
	TroubleSIMChanged Trouble = "sim-changed" // the SIM was changed while we worked with it
	TroubleRefuses    Trouble = "refuses"     // it refuses a setting that receiving needs
	TroubleNoNetwork  Trouble = "no-network"  // not registered
	TroubleStoreFull  Trouble = "store-full"  // no free slot, and it stays so
	TroubleStuckSlots Trouble = "stuck-slots" // messages that cannot be deleted take room
	TroubleNoSMSC     Trouble = "no-smsc"     // no service centre is set: it receives, and cannot send
	TroubleKeeping    Trouble = "keeping"     // what was read cannot be stored
)

// Errors of identity. They all are ErrSIM: a person has to look.
var (
	errPUK       = wrapped(errLocked, "its PUK is needed: unblock it in a phone with the PUK from its card")
	errNoPIN     = wrapped(errLocked, "no PIN is configured")
	errWrongSIM  = wrapped(ErrSIM, "another SIM than the configured one")
	errWrongIMEI = wrapped(ErrSIM, "another modem than the configured one")
	errSameSIM   = wrapped(ErrSIM, "another modem has the same SIM")
	errGarbled   = errors.New("what it says is no text (wrong line speed?)")
	errNoModem   = errors.New("it talks, but does not answer AT as a modem does")
	errNotSerial = errors.New("is no serial device")
)

// refinement is an error of its own that is also a more general one.
type refinement struct {
	of   error
	text string
}

func wrapped(of error, text string) error { return &refinement{of, text} }

func (e *refinement) Error() string { return e.of.Error() + ": " + e.text }
func (e *refinement) Unwrap() error { return e.of }

// TroubleOf says what an error of a connection means; TroubleNone for none.
func TroubleOf(err error) Trouble {
	for _, c := range []struct {
		is   error
		mean Trouble
	}{
		{ErrBusy, TroubleBusy}, {fs.ErrPermission, TroublePermission}, {errNotSerial, TroubleNotSerial},
		{errPUK, TroublePUK}, {errPINRefused, TroublePINRefused}, {errNoPIN, TroublePIN}, {errLocked, TroublePIN},
		{errSameSIM, TroubleSameSIM}, {errWrongSIM, TroubleWrongSIM}, {errWrongIMEI, TroubleWrongModem},
		{errChanged, TroubleSIMChanged}, {ErrSIM, TroubleNoSIM},
		{errGarbled, TroubleGarbled}, {errNoModem, TroubleNoModem}, {errSilent, TroubleSilent},
		{errOpen, TroubleAbsent}, {errHangup, TroubleAbsent},
	} {
		if errors.Is(err, c.is) {
			return c.mean
		}
	}
	if err != nil {
		return TroubleRefuses
	}
	return TroubleNone
}
