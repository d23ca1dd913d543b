package gsm

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/warthog618/modem/at"
	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/tpdu"
)

var (
	// ErrUnplugged means that nothing has left: another modem may be tried at once.
	ErrUnplugged = errors.New("modem is not connected")
	// ErrUnknownOutcome means that the message may have left, and may not.
	ErrUnknownOutcome = errors.New("outcome of sending is unknown")
)

// Sent is a message that the network took.
type Sent struct {
	Reference int // TP-MR as the modem reported it, -1 when it reported none
	At        time.Time
}

// job is a message on its way to the owner.
type job struct {
	length int // octets of the TPDU
	pdu    string
	done   chan result // size one: the owner never waits for its reader
}

type result struct {
	sent Sent
	err  error
}

// Send sends one SMS of at most 160 GSM-7 characters, never two. Its errors: ErrUnplugged, or ctx's own while the
// modem was busy (nothing has left); *SendError (refused); ErrUnknownOutcome. Once the modem has begun, Send
// waits for the outcome whatever ctx says.
func (m *Modem) Send(ctx context.Context, to, text string) (Sent, error) {
	t, err := submit(to, text)
	if err != nil {
		return Sent{}, err
	}
	if m.set.Reports {
		t.FirstOctet |= tpdu.FoSRR
	}
	j, err := newJob(t)
	if err != nil {
		return Sent{}, err
	}
	up := m.up.Load()
	if up == nil {
		return Sent{}, ErrUnplugged
	}
	select {
	case m.jobs <- j:
	case <-up.down:
		return Sent{}, ErrUnplugged
	case <-ctx.Done():
		return Sent{}, ctx.Err()
	}
	r := <-j.done
	return r.sent, r.err
}

// submit encodes an SMS-SUBMIT (3GPP TS 23.040 §9.2.2.2) to be sent through the SIM's own SMSC.
func submit(to, text string) (*tpdu.TPDU, error) {
	number, international := strings.CutPrefix(to, "+")
	if len(number) < 3 || len(number) > 20 || strings.Trim(number, "0123456789") != "" {
		return nil, &SendError{Code: -1, Permanent: true, Reason: fmt.Sprintf("recipient is not a number of 3 to 20 digits (length %d)", len(to))}
	}
	address := tpdu.NewAddress()
	address.SetNumber(number)
	if !international {
		// sms.To would call every number international and send 0812... to another country.
		address.SetTypeOfNumber(tpdu.TonUnknown)
	}
	parts, err := sms.Encode([]byte(text), sms.WithTemplateOption(tpdu.WithDA(address)))
	if err != nil {
		return nil, fmt.Errorf("encoding reply: %w", err)
	}
	if len(parts) != 1 {
		return nil, &SendError{Code: -1, Permanent: true, Reason: fmt.Sprintf("text needs %d messages, want one", len(parts))}
	}
	if a, err := parts[0].Alphabet(); err != nil || a != tpdu.Alpha7Bit {
		return nil, &SendError{Code: -1, Permanent: true, Reason: "text has characters outside the GSM 7-bit alphabet"}
	}
	return &parts[0], nil
}

// newJob renders a TPDU for AT+CMGS. The SMSC's address is left to the SIM.
func newJob(t *tpdu.TPDU) (*job, error) {
	b, err := t.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("encoding reply: %w", err)
	}
	return &job{length: len(b), pdu: "00" + strings.ToUpper(hex.EncodeToString(b)), done: make(chan result, 1)}, nil
}

// transmit sends one message and answers its job. The error it returns is what the connection suffered.
func (m *Modem) transmit(l *link, j *job) error {
	if !l.step {
		j.done <- result{err: ErrUnplugged}
		return errSilent
	}
	m.sending.Store(true)
	defer m.sending.Store(false)
	l.tap.submitted.Store(false)
	// The library waits for the prompt as long as for the network. A modem that gives none needs a new connection.
	prompt := time.AfterFunc(m.limits.prompt, func() {
		if !l.tap.submitted.Load() {
			_ = l.port.Close() // the owner reports the end of the line
		}
	})
	lines, err := l.at.SMSCommand(fmt.Sprintf("+CMGS=%d", j.length), j.pdu, at.WithTimeout(m.limits.send))
	inTime := prompt.Stop()
	err = l.outcome("+CMGS", err)
	r := result{sent: Sent{Reference: reference(lines), At: time.Now()}}
	var refused *SendError
	switch {
	case err == nil:
		m.status.update(func(s *Status) { s.Sends++ })
	case errors.As(err, &refused):
		r = result{err: refused}
	case l.tap.submitted.Load():
		r = result{err: fmt.Errorf("%w: %w", ErrUnknownOutcome, err)}
	case inTime && errors.Is(err, errHangup):
		r = result{err: fmt.Errorf("%w: %w", ErrUnplugged, err)}
	default:
		r = result{err: &SendError{Code: -1, Reason: "modem gave no prompt"}}
	}
	if r.err != nil {
		m.status.update(func(s *Status) { s.SendFailures++ })
		m.noteError(r.err)
	}
	j.done <- r
	return unlessRefused(err)
}

// reference reads "+CMGS: <mr>".
func reference(lines []string) int {
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "+CMGS:"); ok {
			first, _, _ := strings.Cut(rest, ",")
			if n, err := strconv.Atoi(strings.TrimSpace(first)); err == nil {
				return n
			}
		}
	}
	return -1
}
