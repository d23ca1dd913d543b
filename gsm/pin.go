package gsm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var (
	// ErrSIM means that the SIM is missing, locked or unreadable: a person must look at it.
	ErrSIM = errors.New("SIM is not usable")
	// errLocked is a SIM that asks for a PIN or PUK that we cannot give; restarting the modem is no help.
	errLocked = fmt.Errorf("%w: it is locked", ErrSIM)
	// errPINRefused keeps a wrong PIN from being given again: the third time blocks the SIM.
	errPINRefused = fmt.Errorf("%w: the configured PIN was refused before and is not given again; correct it", errLocked)
)

// unlock gives the PIN if the SIM asks for it and has not refused it.
func (m *Modem) unlock(ctx context.Context, l *link) error {
	for deadline := time.Now().Add(m.limits.set); ; {
		state, err := l.ask("+CPIN?", "+CPIN")
		var refused *SendError
		switch {
		case errors.As(err, &refused) && refused.simAway():
			return fmt.Errorf("%w: %w", ErrSIM, err)
		case errors.As(err, &refused) && !refused.simBusy():
			return err
		case err != nil && !errors.As(err, &refused):
			return err
		case state == "READY":
			return m.clearPIN() // it was accepted, though nobody may have heard so
		case state == "SIM PIN":
			if err := m.givePIN(l); err != nil {
				return err
			}
		case err == nil && strings.Contains(state, "PUK"):
			return fmt.Errorf("%w (it asks for %s)", errPUK, state)
		case err == nil:
			return fmt.Errorf("%w: it asks for %s", errLocked, state)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: not ready in time", ErrSIM)
		}
		if err := l.pause(ctx, m.limits.quiet); err != nil {
			return err
		}
	}
}

// mostPINs is how often a PIN is given that is not known to be right: a SIM takes three wrong ones. The second is
// for a first of which nobody heard whether the SIM took it, as when this program was killed in between.
const mostPINs = 2

// givePIN notes on disk that the PIN is being tried before it is: the SIM counts what we may not live to see.
func (m *Modem) givePIN(l *link) error {
	if m.set.PIN == "" {
		return errNoPIN
	}
	tried, err := m.pinTries()
	if err != nil {
		return err
	}
	if tried >= mostPINs {
		return errPINRefused
	}
	if err := m.notePIN(tried + 1); err != nil {
		return fmt.Errorf("%w: the PIN is not given because that cannot be remembered: %w", errLocked, err)
	}
	_, err = l.cmd(m.limits.set, fmt.Sprintf("+CPIN=%q", m.set.PIN))
	if err == nil {
		return m.clearPIN()
	}
	var refused *SendError
	switch {
	case !errors.As(err, &refused): // nobody knows
	case refused.unread():
		err = errors.Join(err, m.notePIN(tried))
	default:
		err = errors.Join(err, m.notePIN(mostPINs))
	}
	return fmt.Errorf("%w: giving the PIN: %w", errLocked, err)
}

// pinMark stands for this PIN; it changes when the configuration does.
func (m *Modem) pinMark() string {
	sum := sha256.Sum256([]byte("tali/pin\x00" + m.set.Name + "\x00" + m.set.PIN))
	return hex.EncodeToString(sum[:8])
}

// pinFile is where the mark is kept, "" without a state directory.
func (m *Modem) pinFile() string {
	if m.set.StateDir == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(m.set.Name)) // a name may hold what a file name may not
	return filepath.Join(m.set.StateDir, "pin-"+hex.EncodeToString(sum[:6]))
}

// pinTries is how often the configured PIN was given without being known as right.
func (m *Modem) pinTries() (int, error) {
	text := m.pinMemory
	if name := m.pinFile(); name != "" {
		content, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("%w: whether its PIN was refused cannot be read: %w", ErrSIM, err)
		}
		text = string(content)
	} else if text == "" {
		return 0, nil
	}
	var mark string
	var tries int
	if _, err := fmt.Sscanf(text, "%16s %d\n", &mark, &tries); err != nil {
		return mostPINs, nil // damaged: it says that a PIN was tried
	}
	if mark != m.pinMark() {
		return 0, nil
	}
	return tries, nil
}

// notePIN remembers durably how often the PIN was given. Where that fails, what was noted before stays.
func (m *Modem) notePIN(tries int) error {
	text := fmt.Sprintf("%s %d\n", m.pinMark(), tries)
	name := m.pinFile()
	if name == "" {
		m.pinMemory = text
		return nil
	}
	if err := os.MkdirAll(m.set.StateDir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(m.set.StateDir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// clearPIN forgets the mark of a PIN that was accepted.
func (m *Modem) clearPIN() error {
	m.pinMemory = ""
	if name := m.pinFile(); name != "" {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forgetting the PIN mark: %w", err)
		}
	}
	return nil
}
