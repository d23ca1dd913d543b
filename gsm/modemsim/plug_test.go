package modemsim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// target is the terminal behind the modem's link.
func target(t *testing.T, m *Modem) string {
	t.Helper()
	pts, err := os.Readlink(m.Device())
	if err != nil {
		t.Fatal(err)
	}
	return pts
}

func TestUnplugReplug(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{})
	c.setUp()
	submit(t, n, SMS{Text: "before"})
	c.cmti()
	first := target(t, m)

	m.Unplug()
	m.Unplug() // twice is once
	checkHangUp(t, m, c)
	submit(t, n, SMS{Text: "meanwhile"})
	if m.Stored() != 1 || n.Pending(modemNumber) != 1 {
		t.Errorf("stored %d, pending %d, want 1 and 1", m.Stored(), n.Pending(modemNumber))
	}
	for range 3 {
		if err := m.Replug(); err != nil {
			t.Fatal(err)
		}
	}
	if again := target(t, m); again == first {
		t.Errorf("back as %s, want another name", again)
	}
	c = dial(t, m)
	c.expect("AT+CNMI?", "+CNMI: 0,0,0,0,0|OK")
	await(t, n, "both stored", func() bool { return m.Stored() == 2 })
	c.setUp()
	if got := len(c.entries()); got != 2 {
		t.Errorf("%d messages, want 2", got)
	}
}

func checkHangUp(t *testing.T, m *Modem, c *client) {
	t.Helper()
	if err := c.fill(time.Now().Add(wait)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EIO) {
		t.Errorf("read after unplugging = %v, want EOF or EIO", err)
	}
	if _, err := c.f.WriteString("AT\r"); !errors.Is(err, syscall.EIO) {
		t.Errorf("write after unplugging = %v, want EIO", err)
	}
	if _, err := os.Lstat(m.Device()); !os.IsNotExist(err) {
		t.Errorf("the device is still there: %v", err)
	}
}

func TestUnplugWhileBusy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		o    Options
		line string
	}{
		{"late reply", Options{Faults: Plan{{Kind: LateReply, Delay: time.Hour}}}, "AT\r"},
		{"slow line", Options{Baud: 50}, "AT+CGMM;+CGMM;+CGMM;+CGMM\r"},
		{"slow radio", Options{SendTime: time.Hour}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, m, c := plug(t, tt.o)
			if tt.line == "" {
				pdu, octets := submitPDU(t, officer, "x")
				tt.line = fmt.Sprintf("AT+CMGS=%d\r%s\x1a", octets, pdu)
			}
			c.write(tt.line)
			c.drain()
			m.Unplug()
			if err := m.Replug(); err != nil {
				t.Fatal(err)
			}
			if err := m.Close(); err != nil { // waits for the goroutine
				t.Error(err)
			}
		})
	}
}

// TestClients checks that clients may come and go, and leave nothing behind.
func TestClients(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{})
	c.setUp()
	for i := range 5 {
		if err := exclusive(c.f); err != nil {
			t.Fatal(err)
		}
		c.write("AT+CGMM;+CGMM\r")
		c.until(`Virtual`) // the rest stays unread
		c.f.Close()
		await(t, n, "abandoned", func() bool { return count(n, Abandoned) == i+1 })
		if left := unreadBytes(m); left != 0 {
			t.Errorf("%d bytes are left for the next client", left)
		}
		submit(t, n, SMS{Text: fmt.Sprint(i)}) // nobody hears of it
		await(t, n, "not indicated", func() bool { return count(n, IndicationLost) == i+1 })
		c = dial(t, m)
		c.expect("AT+CNMI?", "+CNMI: 2,1,0,0,0|OK") // only the power cycle resets
	}
}

// TestExclusive needs a user that TIOCEXCL stops, so it looks at the flag.
func TestExclusive(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{})
	if err := exclusive(c.f); err != nil {
		t.Fatal(err)
	}
	if on, err := unix.IoctlGetInt(m.link.slave, unix.TIOCGEXCL); err != nil || on == 0 {
		t.Fatalf("TIOCGEXCL = %d, %v while held", on, err)
	}
	c.f.Close()
	await(t, n, "abandoned", func() bool { return count(n, Abandoned) == 1 })
	if on, err := unix.IoctlGetInt(m.link.slave, unix.TIOCGEXCL); err != nil || on != 0 {
		t.Errorf("TIOCGEXCL = %d, %v afterwards", on, err)
	}
}

func exclusive(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) { failed = unix.IoctlSetInt(int(fd), unix.TIOCEXCL, 0) })
	return errors.Join(err, failed)
}

func unreadBytes(m *Modem) int {
	n, err := unix.IoctlGetInt(m.link.slave, unix.TIOCINQ)
	if err != nil {
		return -1
	}
	return n
}

// TestDeafClient checks that a client that never reads does not hold up Close.
func TestDeafClient(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{Slots: 5000})
	c.setUp()
	for range 2000 {
		submit(t, n, SMS{Text: strings.Repeat("x", 160)})
	}
	c.write(strings.Repeat("AT+CMGL=4\r", 3))
	await(t, n, "stored", func() bool { return m.Stored() > 500 })
	done := make(chan error)
	go func() { done <- n.Close() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(wait):
		t.Fatal("Close hangs")
	}
}

func TestHalfTypedLine(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{})
	c.setUp()
	c.expect("ATE1", "OK")
	c.write("AT+CS")
	c.until(`^AT\+CS$`)
	submit(t, n, SMS{Text: "x"})
	c.silent() // nothing within the line
	c.write("Q\r")
	c.until(`^Q\r\r\n\+CSQ: 20,99\r\n\r\nOK\r\n\r\n\+CMTI: "SM",1\r\n$`)
}

// TestAbandonedPrompt is a client killed between "> " and its PDU.
func TestAbandonedPrompt(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{})
	c.setUp()
	c.write("AT+CMGS=20\r")
	c.until(`> $`)
	c.write("0011")
	c.f.Close()
	c = dial(t, m)
	submit(t, n, SMS{Text: "x"})
	c.write("AT\r")
	c.silent() // taken for the PDU
	c.write("\x1b")
	c.until(`^\r\nOK\r\n`)
	c.cmti()
	c.expect("AT", "OK")
}

// TestCloseReleases counts what the process holds. It is not parallel.
func TestCloseReleases(t *testing.T) {
	dir := t.TempDir()
	NewNetwork(1).Close() // the runtime opens its poller only now
	before, goroutines := openFiles(t), runtime.NumGoroutine()
	for range 3 {
		n := NewNetwork(1)
		for i := range 8 {
			m, err := n.AddModem(Options{Number: fmt.Sprintf("+62899%06d", i), Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				m.Unplug()
			}
			if i%4 == 0 {
				if err := m.Replug(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if err := n.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	}
	for end := time.Now().Add(wait); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(end) { // each is waited for, but may still be on its last instruction
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d open files, %d before", after, before)
	}
	if left, _ := filepath.Glob(dir + "/*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestOwnDirectory(t *testing.T) {
	t.Parallel()
	n := NewNetwork(1)
	m, err := n.AddModem(Options{Number: "+1"})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(m.Device())
	n.Close()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
	if err := m.Replug(); !errors.Is(err, ErrClosed) {
		t.Errorf("Replug after Close = %v, want %v", err, ErrClosed)
	}
}

// BenchmarkSweep is a client that lists what is there and deletes it one by
// one; ns/op is the time for one message of a full SIM.
func BenchmarkSweep(b *testing.B) {
	n := NewNetwork(1)
	defer n.Close()
	m, err := n.AddModem(Options{Number: modemNumber, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	f, err := os.OpenFile(m.Device(), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	ask(b, f, "ATE0")
	for range b.N {
		if _, err := n.Submit(SMS{From: officer, To: modemNumber, Text: "TPS 12345678 A 100 20 3"}); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	trips := 0
	for deleted := 0; deleted < b.N; trips++ {
		for _, line := range strings.Split(ask(b, f, "AT+CMGL=4"), "\r\n") {
			if entry, ok := strings.CutPrefix(line, "+CMGL: "); ok {
				index, _, _ := strings.Cut(entry, ",")
				ask(b, f, "AT+CMGD="+index)
				deleted++
			}
		}
	}
	b.ReportMetric(float64(trips+b.N)/b.Elapsed().Seconds(), "trips/s")
}

func ask(b *testing.B, f *os.File, line string) string {
	if _, err := f.WriteString(line + "\r"); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 8192)
	for got := ""; ; {
		n, err := f.Read(buf)
		if err != nil {
			b.Fatal(err)
		}
		if got += string(buf[:n]); strings.HasSuffix(got, "OK\r\n") {
			return got
		}
	}
}
