package gsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

func TestStateOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want State
	}{
		{fmt.Errorf("%w: %w", errOpen, os.ErrNotExist), StateAbsent},
		{fmt.Errorf("%w: %w", errOpen, busy("/dev/x")), StateBusy},
		{errPINRefused, StateSIM},
		{errChangedSIM(), StateSIM},
		{errSilent, StateSilent},
		{fmt.Errorf("%w: %w", errHangup, os.ErrDeadlineExceeded), StateSilent},
		{errHangup, StateAbsent},
		{errors.New("modem stays in SMS mode 1"), StateFaulty},
	} {
		if got := stateOf(c.err); got != c.want {
			t.Errorf("stateOf(%v) = %s, want %s", c.err, got, c.want)
		}
	}
}

func errChangedSIM() error { return fmt.Errorf("%w: %w", ErrSIM, errChanged) }

// TestLogsStateChangesOnly wants one line for a device that is missing, however often it is tried, and none with
// what an officer wrote.
func TestLogsStateChangesOnly(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	m := New(Settings{Name: "m1", Device: t.TempDir() + "/none"}, nil, slog.New(slog.NewTextHandler(&out, nil)))
	ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond) // three tries
	defer cancel()
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "state=absent"); n != 1 {
		t.Errorf("%d lines about the missing device, want 1:\n%s", n, out.String())
	}
	if s := m.Status(); s.State != StateStopped || !strings.Contains(s.LastError, "none") {
		t.Errorf("Status = %+v", s)
	}
}

func TestTracerHidesThePIN(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if trace := tracer(slog.New(slog.NewTextHandler(&out, nil))); trace != nil {
		t.Error("traffic is traced above debug level")
	}
	trace := tracer(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	trace("write", []byte("AT+CPIN=\"1234\"\r\n"))
	trace("write", []byte("AT+CMGL=4\r\n"))
	if s := out.String(); strings.Contains(s, "1234") || !strings.Contains(s, "CMGL") {
		t.Errorf("trace shows %s", s)
	}
}

// TestPINFile treats every doubtful mark as a refusal: a third wrong PIN blocks the SIM.
func TestPINFile(t *testing.T) {
	t.Parallel()
	m := New(Settings{Name: "m/1", PIN: "1234", StateDir: t.TempDir() + "/state"}, nil, testLog(t))
	want := func(what string, want int) {
		t.Helper()
		if got, err := m.pinTries(); err != nil || got != want {
			t.Errorf("%s: pinTries = %v, %v, want %v", what, got, err, want)
		}
	}
	note := func(tries int) {
		t.Helper()
		if err := m.notePIN(tries); err != nil {
			t.Fatal(err)
		}
	}
	want("at first", 0)
	note(1)
	want("begun", 1)
	note(mostPINs)
	want("refused", mostPINs)
	m.set.PIN = "4321"
	want("another PIN", 0)
	for _, damaged := range []string{"", "12", m.pinMark(), m.pinMark() + " "} {
		if err := os.WriteFile(m.pinFile(), []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		want(fmt.Sprintf("a file of %q", damaged), mostPINs)
	}
	if err := errors.Join(m.clearPIN(), m.clearPIN()); err != nil {
		t.Error(err)
	}
	want("cleared", 0)
	if err := os.Mkdir(m.pinFile(), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := m.pinTries(); !errors.Is(err, ErrSIM) {
		t.Errorf("pinTries of what cannot be read = %v, want %v", err, ErrSIM)
	}
}

func TestPINMemory(t *testing.T) {
	t.Parallel()
	m := New(Settings{Name: "m1", PIN: "1234"}, nil, testLog(t))
	if err := m.notePIN(1); err != nil {
		t.Fatal(err)
	}
	if tries, err := m.pinTries(); tries != 1 || err != nil {
		t.Errorf("pinTries = %v, %v, want 1", tries, err)
	}
	if err := m.clearPIN(); err != nil {
		t.Fatal(err)
	}
	if tries, err := m.pinTries(); tries != 0 || err != nil {
		t.Errorf("pinTries = %v, %v, want 0", tries, err)
	}
}
