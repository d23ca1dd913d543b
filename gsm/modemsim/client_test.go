package modemsim

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	modemNumber = "+62899100001"
	officer     = "+62899200001"
	wait        = 5 * time.Second
)

// plug makes a network with one modem, and a client on its port.
func plug(t *testing.T, o Options) (*Network, *Modem, *client) {
	t.Helper()
	n := NewNetwork(1)
	t.Cleanup(func() { n.Close() })
	if o.Number == "" {
		o.Number = modemNumber
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	m, err := n.AddModem(o)
	if err != nil {
		t.Fatal(err)
	}
	return n, m, dial(t, m)
}

// client is a terminal program: it sends lines and waits for what it expects.
type client struct {
	t   *testing.T
	f   *os.File
	got []byte // not consumed yet
}

func dial(t *testing.T, m *Modem) *client {
	t.Helper()
	fd, err := unix.Open(m.Device(), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("opening %s: %v", m.Device(), err)
	}
	c := &client{t: t, f: os.NewFile(uintptr(fd), m.Device())}
	t.Cleanup(func() { c.f.Close() })
	return c
}

func (c *client) write(s string) {
	c.t.Helper()
	if _, err := c.f.WriteString(s); err != nil {
		c.t.Fatalf("writing %q: %v", s, err)
	}
}

// until reads up to and including what matches, and returns what came before
// it and the match.
func (c *client) until(pattern string) string {
	c.t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.Now().Add(wait)
	for {
		if at := re.FindIndex(c.got); at != nil {
			out := string(c.got[:at[1]])
			c.got = c.got[at[1]:]
			return out
		}
		if err := c.fill(deadline); err != nil {
			c.t.Fatalf("waiting for %q: %v; have %q", pattern, err, c.got)
		}
	}
}

func (c *client) fill(deadline time.Time) error {
	if err := c.f.SetReadDeadline(deadline); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	n, err := c.f.Read(buf)
	c.got = append(c.got, buf[:n]...)
	return err
}

const final = `(?:OK|ERROR|NO CARRIER|\+CM[ES] ERROR: [^\r]*)\r\n`

// ask sends a command and returns its reply without empty lines and echo,
// lines joined by "|".
func (c *client) ask(line string) string {
	c.t.Helper()
	c.write(line + "\r")
	return tidy(strings.TrimPrefix(c.until(`(?:^|\n)`+final), line+"\r"))
}

// expect asks and compares.
func (c *client) expect(line, want string) {
	c.t.Helper()
	if got := c.ask(line); got != want {
		c.t.Fatalf("%s = %q, want %q", line, got, want)
	}
}

// silent reads for a moment and fails if anything comes.
func (c *client) silent() {
	c.t.Helper()
	_ = c.fill(time.Now().Add(50 * time.Millisecond))
	if len(c.got) > 0 {
		c.t.Fatalf("heard %q, want silence", c.got)
	}
}

func tidy(reply string) string {
	var lines []string
	for _, l := range strings.Split(reply, "\r\n") {
		if l = strings.Trim(l, "\r"); l != "" {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, "|")
}

// setUp is what a client does before it listens.
func (c *client) setUp() *client {
	c.t.Helper()
	for _, line := range []string{"ATE0", "AT+CMEE=1", "AT+CMGF=0", "AT+CNMI=2,1,0,0,0"} {
		c.expect(line, "OK")
	}
	return c
}

// cmti waits for an indication and returns its index.
func (c *client) cmti() (index int) {
	c.t.Helper()
	line := tidy(c.until(`\+CMTI: [^\r]*\r\n`))
	if _, err := fmt.Sscanf(line[strings.LastIndex(line, "+CMTI"):], `+CMTI: "SM",%d`, &index); err != nil {
		c.t.Fatalf("%q: %v", line, err)
	}
	return index
}

func submit(t *testing.T, n *Network, s SMS) []ID {
	t.Helper()
	if s.To == "" {
		s.To = modemNumber
	}
	if s.From == "" {
		s.From = officer
	}
	ids, err := n.Submit(s)
	if err != nil {
		t.Fatalf("Submit(%+v): %v", s, err)
	}
	return ids
}

// await waits for what an event announces.
func await(t *testing.T, n *Network, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	if err := n.Wait(ctx, ok); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// count counts the events of a kind.
func count(n *Network, k EventKind) (c int) {
	for _, e := range n.Log() {
		if e.Kind == k {
			c++
		}
	}
	return c
}

func delivery(t *testing.T, n *Network, id ID) Delivery {
	t.Helper()
	d, ok := n.Delivery(id)
	if !ok {
		t.Fatalf("Delivery(%d) is unknown", id)
	}
	return d
}

// drain reads until the line has been quiet for a moment.
func (c *client) drain() []byte {
	for c.fill(time.Now().Add(50*time.Millisecond)) == nil {
	}
	out := bytes.Clone(c.got)
	c.got = nil
	return out
}
