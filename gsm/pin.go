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

// unlock gives the PIN if the SIM asks for it, once in the life of this configuration.
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

// givePIN notes on disk that the PIN is being tried before it is: a crash in between counts as a refusal, because
// the SIM counts it too.
func (m *Modem) givePIN(l *link) error {
	if m.set.PIN == "" {
		return errNoPIN
	}
	tried, err := m.pinTried()
	if err != nil {
		return err
	}
	if tried {
		return errPINRefused
	}
	if err := m.notePIN(); err != nil {
		return err
	}
	if _, err := l.cmd(m.limits.set, fmt.Sprintf("+CPIN=%q", m.set.PIN)); err != nil {
		return fmt.Errorf("%w: giving the PIN: %w", errLocked, err)
	}
	return m.clearPIN()
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

func (m *Modem) pinTried() (bool, error) {
	name := m.pinFile()
	if name == "" {
		return m.pinMemory == m.pinMark(), nil
	}
	mark, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: whether its PIN was refused cannot be read: %w", ErrSIM, err)
	}
	// A file cut short by a crash says that a PIN was about to be tried.
	text := strings.TrimSpace(string(mark))
	return len(text) != len(m.pinMark()) || text == m.pinMark(), nil
}

// notePIN makes the mark durable.
func (m *Modem) notePIN() error {
	name := m.pinFile()
	if name == "" {
		m.pinMemory = m.pinMark()
		return nil
	}
	err := os.MkdirAll(m.set.StateDir, 0o700)
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	}
	if err == nil {
		_, err = f.WriteString(m.pinMark() + "\n")
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = syncDir(m.set.StateDir)
	}
	if err != nil {
		return fmt.Errorf("%w: the PIN is not given because that cannot be remembered: %w", errLocked, err)
	}
	return nil
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
