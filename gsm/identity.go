package gsm

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// identity is who modem and SIM are, as far as they tell.
type identity struct{ imei, imsi, iccid string }

// SIMs keeps two modems of one program from working with one SIM: two entries that name two ports of one modem, say.
// They would answer for each other and delete what the other has not kept.
type SIMs struct {
	mu     sync.Mutex
	owners map[string]string // IMSI -> modem
}

// NewSIMs makes the list that all Settings of one program share.
func NewSIMs() *SIMs { return &SIMs{owners: map[string]string{}} }

// claim gives a SIM to a modem, or names the one that has it.
func (s *SIMs) claim(imsi, modem string) (owner string) {
	if s == nil {
		return modem
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owners[imsi] == "" {
		s.owners[imsi] = modem
	}
	return s.owners[imsi]
}

// release gives back what a modem has claimed.
func (s *SIMs) release(modem string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for imsi, owner := range s.owners {
		if owner == modem {
			delete(s.owners, imsi)
		}
	}
}

// meet finds out who modem and SIM are, and unlocks the SIM only when both are the expected ones: a PIN that is given
// to the wrong SIM costs one of its three tries.
func (m *Modem) meet(l *link, unlock func() error) error {
	var id identity
	var err error
	if id.imei, err = l.number("+CGSN"); err != nil {
		return err
	}
	if id.iccid, err = l.iccid(); err != nil {
		return err
	}
	if err := errors.Join(differs(errWrongIMEI, "IMEI", m.set.IMEI, id.imei), differs(errWrongSIM, "ICCID", m.set.ICCID, id.iccid)); err != nil {
		return err
	}
	m.status.update(func(s *Status) { s.IMEI, s.ICCID = id.imei, id.iccid }) // for whoever looks for the locked one
	if err := unlock(); err != nil {
		return err
	}
	if id.imsi, err = l.number("+CIMI"); err != nil {
		return err
	}
	if id.imsi == "" {
		return fmt.Errorf("%w: it gives no IMSI", ErrSIM)
	}
	if id.iccid == "" { // some tell only once they are unlocked
		if id.iccid, err = l.iccid(); err != nil {
			return err
		}
	}
	if err := errors.Join(differs(errWrongSIM, "IMSI", m.set.IMSI, id.imsi), differs(errWrongSIM, "ICCID", m.set.ICCID, id.iccid)); err != nil {
		return err
	}
	if owner := m.set.SIMs.claim(id.imsi, m.set.Name); owner != m.set.Name {
		return fmt.Errorf("%w: IMSI %s is served by modem %s already (two ports of one modem?)", errSameSIM, id.imsi, owner)
	}
	m.know(id)
	return nil
}

// know takes over whose slots these are.
func (m *Modem) know(id identity) {
	if m.keptIMSI != id.imsi {
		clear(m.slots) // what we know of slots is about another SIM
		m.keptIMSI = id.imsi
	}
	m.status.update(func(s *Status) { s.IMEI, s.IMSI, s.ICCID = id.imei, id.imsi, id.iccid })
}

// differs compares what was configured with what was found; what is not configured, or not told, is not compared.
func differs(kind error, name, want, got string) error {
	if want == "" || got == "" || strings.TrimRight(strings.ToUpper(got), "F") == strings.TrimRight(strings.ToUpper(want), "F") {
		return nil
	}
	return fmt.Errorf("%w: its %s is %s, configured is %s", kind, name, got, want)
}

// iccid asks in the ways of several makers.
func (l *link) iccid() (string, error) {
	for _, c := range []string{"+CCID", "+ICCID", "^ICCID?"} {
		n, err := l.number(c)
		if err != nil || n != "" {
			return n, err
		}
	}
	return "", nil
}

// number returns the digits that a command answers with, with or without a prefix; "" where it is refused.
func (l *link) number(command string) (string, error) {
	lines, err := l.cmd(l.limits.short, command)
	if isRefusal(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	prefix := strings.TrimSuffix(command, "?") + ":"
	allowed := "0123456789"
	if strings.Contains(command, "CCID") {
		allowed += "Ff" // the filler of an odd length
	}
	for _, line := range lines {
		rest := strings.TrimPrefix(strings.TrimSpace(line), prefix)
		digits := strings.Trim(strings.TrimSpace(rest), `"`)
		if len(digits) >= 14 && len(digits) <= 22 && strings.Trim(digits, allowed) == "" {
			return digits, nil
		}
	}
	return "", nil
}
