package gsm

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// openPair opens a pty and leaves its slave side to others.
func openPair(t *testing.T) (master, slave *os.File, device string) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatalf("opening a pty: %v", err)
	}
	t.Cleanup(func() { master.Close(); slave.Close() })
	return master, slave, slave.Name()
}

// pair opens a pty and the port on its slave side.
func pair(t *testing.T) (*os.File, *port, string) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatalf("opening a pty: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	p, err := openPort(slave.Name(), 115200)
	slave.Close()
	if err != nil {
		t.Fatalf("openPort: %v", err)
	}
	t.Cleanup(func() { p.Close() })
	return master, p, slave.Name()
}

// readOne reports the outcome of one Read.
func readOne(p *port) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := p.Read(make([]byte, 16))
		done <- err
	}()
	return done
}

func within(t *testing.T, limit time.Duration, what string, c <-chan error) error {
	t.Helper()
	select {
	case err := <-c:
		return err
	case <-time.After(limit):
		t.Fatalf("%s: nothing within %v", what, limit)
		return nil
	}
}

func TestPortCloseUnblocksRead(t *testing.T) {
	t.Parallel()
	_, p, _ := pair(t)
	done := readOne(p)
	select {
	case err := <-done:
		t.Fatalf("Read returned before Close: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := p.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := within(t, time.Second, "Read after Close", done); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read = %v, want %v", err, os.ErrClosed)
	}
}

func TestPortWriteDeadline(t *testing.T) {
	t.Parallel()
	_, p, _ := pair(t)
	done := make(chan error, 1)
	begun := time.Now()
	go func() {
		_, err := p.write(bytes.Repeat([]byte("A"), 1<<20), 200*time.Millisecond)
		done <- err
	}()
	err := within(t, 2*time.Second, "Write to a peer that does not read", done)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write = %v, want %v", err, os.ErrDeadlineExceeded)
	}
	if took := time.Since(begun); took < 150*time.Millisecond {
		t.Errorf("Write returned after %v, want its deadline of 200ms", took)
	}
}

func TestPortHangupSeenAtOnce(t *testing.T) {
	t.Parallel()
	master, p, _ := pair(t)
	done := readOne(p)
	begun := time.Now()
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	if err := within(t, time.Second, "Read after a hang-up", done); err == nil {
		t.Error("Read = nil, want an error")
	}
	if took := time.Since(begun); took > 100*time.Millisecond {
		t.Errorf("hang-up seen after %v, want at once", took)
	}
}

func TestPortIsRaw(t *testing.T) {
	t.Parallel()
	master, p, _ := pair(t)
	sent := []byte("AT\r\n\x1a\x1b\x03\x11\x13\xff")
	if _, err := p.Write(sent); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 64)
	n, err := master.Read(got)
	if err != nil || !bytes.Equal(got[:n], sent) {
		t.Errorf("peer read %q, %v, want %q", got[:n], err, sent)
	}
	if _, err := master.Write(sent); err != nil {
		t.Fatal(err)
	}
	n, err = p.Read(got)
	if err != nil || !bytes.Equal(got[:n], sent) {
		t.Errorf("Read = %q, %v, want %q", got[:n], err, sent)
	}
}

func TestPortIsExclusive(t *testing.T) {
	t.Parallel()
	_, p, name := pair(t)
	if _, err := openPort(name, 0); !errors.Is(err, ErrBusy) {
		t.Errorf("second openPort = %v, want %v", err, ErrBusy)
	}
	inherited := duplicate(t, p) // a child's, between fork and exec
	defer unix.Close(inherited)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openPort(name, 9600)
	if err != nil {
		t.Fatalf("openPort after Close: %v", err)
	}
	again.Close()
}

func duplicate(t *testing.T, p *port) (fd int) {
	t.Helper()
	raw, err := p.file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var inner error
	if err := errors.Join(raw.Control(func(of uintptr) { fd, inner = unix.Dup(int(of)) }), inner); err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestPortErrors(t *testing.T) {
	t.Parallel()
	if _, err := openPort(t.TempDir()+"/ttyUSB9", 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("openPort of a missing device = %v, want %v", err, os.ErrNotExist)
	}
	plain := t.TempDir() + "/file"
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := openPort(plain, 0); err == nil {
		p.Close()
		t.Error("openPort of a plain file = nil, want an error")
	}
}
