package gsm

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/warthog618/sms/encoding/gsm7"
	"github.com/warthog618/sms/encoding/ucs2"
)

// ErrUSSD means that the network did not answer a USSD code as it should have.
var ErrUSSD = errors.New("no answer to the USSD code")

// question is a USSD command on its way to the owner.
type question struct {
	code string // "" ends an open session
	done chan error
}

// USSD gives a code, "*888#" say, to the operator and returns its text. It waits for the network as long as ctx
// allows, half a minute at most; messages are received meanwhile. One code at a time is asked.
func (m *Modem) USSD(ctx context.Context, code string) (string, error) {
	if err := checkCode(code); err != nil {
		return "", err
	}
	select {
	case m.asking <- struct{}{}:
		defer func() { <-m.asking }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	up := m.up.Load()
	if up == nil {
		return "", ErrUnplugged
	}
	for len(up.ussd) > 0 {
		<-up.ussd // a late answer to an earlier code
	}
	if err := m.put(ctx, up, code); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, m.limits.ussd)
	defer cancel()
	line, err := await(ctx, up)
	if err != nil {
		return "", err
	}
	text, open, err := readAnswer(line)
	if open {
		if err := m.put(ctx, up, ""); err != nil {
			m.log.Debug("USSD session was not ended", "err", err)
		}
	}
	return text, err
}

func checkCode(code string) error {
	if code == "" || len(code) > 32 || strings.Trim(code, "0123456789*#+") != "" {
		return fmt.Errorf("%w: %q is no code: it is made of digits, * and #", ErrUSSD, code)
	}
	return nil
}

// await waits for the network's +CUSD.
func await(ctx context.Context, up *events) (string, error) {
	select {
	case line := <-up.ussd:
		return line, nil
	case <-up.down:
		return "", ErrUnplugged
	case <-ctx.Done():
		return "", fmt.Errorf("%w: the network is silent: %w", ErrUSSD, ctx.Err())
	}
}

// put hands a question to the owner and waits until the modem has taken it.
func (m *Modem) put(ctx context.Context, up *events, code string) error {
	q := &question{code: code, done: make(chan error, 1)}
	select {
	case m.asks <- q:
	case <-up.down:
		return ErrUnplugged
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-q.done
}

// readAnswer reads "+CUSD: <m>[,<str>,<dcs>]" (3GPP TS 27.007 §7.15). A menu leaves its session open: nobody will choose
// from it, and until it is ended it blocks the next code.
func readAnswer(line string) (text string, open bool, err error) {
	state, text := parseUSSD(line)
	switch {
	case state == 4:
		err = fmt.Errorf("%w: the network does not know it", ErrUSSD)
	case state == 5:
		err = fmt.Errorf("%w: the network gave up", ErrUSSD)
	case text == "":
		err = fmt.Errorf("%w: it is empty", ErrUSSD)
	}
	return text, state == 1, err
}

// ask gives the USSD command. What comes back as +CUSD is the caller's to wait for.
func (m *Modem) ask(l *link, q *question) error {
	if !l.step {
		q.done <- ErrUnplugged
		return errSilent
	}
	err := l.ussd(q.code)
	q.done <- err
	return unlessRefused(err)
}

// ussd asks in plain characters first. Modems that stay in PDU mode for USSD too (Huawei) refuse them and want the
// packed septets in hex.
func (l *link) ussd(code string) error {
	if code == "" {
		return l.optional("+CUSD=2")
	}
	if err := l.optional(`+CSCS="GSM"`); err != nil {
		return err
	}
	_, err := l.cmd(l.limits.ussd, fmt.Sprintf(`+CUSD=1,%q,15`, code))
	if !isRefusal(err) {
		return err
	}
	septets, bad := gsm7.Encode([]byte(code))
	if bad != nil {
		return err
	}
	packed := strings.ToUpper(hex.EncodeToString(gsm7.Pack7BitUSSD(septets, 0)))
	_, err = l.cmd(l.limits.ussd, fmt.Sprintf(`+CUSD=1,%q,15`, packed))
	return err
}

// parseUSSD takes the state and the text out of a +CUSD line.
func parseUSSD(line string) (state int, text string) {
	rest := strings.TrimSpace(strings.TrimPrefix(line, "+CUSD:"))
	first, rest, _ := strings.Cut(rest, ",")
	state, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return 5, ""
	}
	from, to := strings.IndexByte(rest, '"'), strings.LastIndexByte(rest, '"')
	if from < 0 || to <= from {
		return state, ""
	}
	dcs, err := strconv.Atoi(strings.Trim(rest[to+1:], ", "))
	if err != nil {
		dcs = 15
	}
	return state, strings.TrimSpace(clean(readUSSD(rest[from+1:to], dcs)))
}

// readUSSD decodes what stands between the quotes: characters, UCS-2 in hex, or packed septets in hex. A text of
// digits alone could be any of them, and is taken as it stands.
func readUSSD(s string, dcs int) string {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) < 2 || strings.ToUpper(s) != s {
		return s
	}
	// The cell broadcast data coding scheme, 3GPP TS 23.038 §5.
	if dcs == 0x11 || dcs&0xcc == 0x48 {
		if r, err := ucs2.Decode(raw[:len(raw)&^1]); err == nil {
			return string(r)
		}
		return s
	}
	if !strings.ContainsAny(s, "ABCDEF") {
		return s
	}
	septets := gsm7.Unpack7BitUSSD(raw, 0)
	text, err := gsm7.Decode(septets)
	if err != nil || strings.ContainsFunc(string(text), func(r rune) bool { return r > '~' || r < ' ' && r != '\n' && r != '\r' }) {
		return s
	}
	return strings.TrimRight(string(text), "\r")
}
