package gsm

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// through reads all of a text through a tap, in pieces as small as they come.
func through(t *testing.T, text string) (string, *tap) {
	t.Helper()
	tp := &tap{events: newEvents()}
	tp.rw = struct {
		io.Reader
		io.Writer
	}{iotest.OneByteReader(strings.NewReader(text)), io.Discard}
	out, err := io.ReadAll(tp)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), tp
}

func TestTapPassesOctets(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\r\nOK\r\n":                       "\r\nOK\r\n",
		"\x00\r\n\x00OK\x00\r\n":           "\r\nOK\r\n",
		"> ":                               "> ",
		"\r\nCOMMAND NOT SUPPORT\r\n":      "\r\nCOMMAND NOT SUPPORT\r\r\nERROR\r\n\n",
		"\r\nTOO MANY PARAMETERS\r\nx":     "\r\nTOO MANY PARAMETERS\r\r\nERROR\r\n\nx",
		strings.Repeat("x", 3*longestLine): strings.Repeat("x", 3*longestLine),
	} {
		if got, _ := through(t, in); got != want {
			t.Errorf("through(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTapWakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line          string
		sweep, verify bool
		store         string
	}{
		{`+CMTI: "SM",3`, true, false, "SM"},
		{`+CMTI: "ME",-1`, true, false, "ME"},
		{"+CMTI: 3", true, false, ""},
		{`^SMMEMFULL: "SM"`, true, false, ""},
		{"SMS Ready", false, true, ""},
		{"+CPIN: NOT READY", false, true, ""},
		{"AT+CMGL=4", false, true, ""},
		{"ATE0", false, true, ""},
		{"AT", false, false, ""},
		{"RING", false, false, ""},
		{"OK", false, false, ""},
	} {
		_, tp := through(t, "\r\n"+c.line+"\r\n")
		store := ""
		if len(tp.events.stores) > 0 {
			store = <-tp.events.stores
		}
		if got := len(tp.events.sweep) == 1; got != c.sweep {
			t.Errorf("%q wakes a sweep: %v, want %v", c.line, got, c.sweep)
		}
		if got := len(tp.events.verify) == 1; got != c.verify {
			t.Errorf("%q wakes a verification: %v, want %v", c.line, got, c.verify)
		}
		if store != c.store {
			t.Errorf("%q names store %q, want %q", c.line, store, c.store)
		}
	}
}

func TestTapTakesRoutedMessages(t *testing.T) {
	t.Parallel()
	const pdu = "000401af"
	for _, c := range []struct{ name, text, want string }{
		{"straight", "+CMT: ,3|" + pdu, "000401AF"},
		{"with a name", `+CMT: "Bu, Ani",3|` + pdu, "000401AF"},
		{"foreign lines between", "+CMT: ,3|RING|+CMTI: \"SM\",1|" + pdu, "000401AF"},
		{"foreign hex between", "+CMT: ,3|0004010203|" + pdu, "000401AF"},
		{"too late", "+CMT: ,3|a|b|c|d|e|" + pdu, ""},
		{"status report", "+CDS: 3|" + pdu, "000401AF"},
		{"unannounced", pdu, ""},
		{"text mode", `+CMT: "+62",,"24/11/27,13:00:00+32"|HALO`, ""},
	} {
		_, tp := through(t, strings.ReplaceAll(c.text, "|", "\r\n")+"\r\n")
		got := ""
		if len(tp.events.direct) > 0 {
			got = <-tp.events.direct
		}
		if got != c.want || len(tp.events.direct) > 0 {
			t.Errorf("%s: direct = %q, want %q", c.name, got, c.want)
		}
	}
}

// TestTapBackPressure holds the line when the owner does not take routed messages, and lets go with the connection.
func TestTapBackPressure(t *testing.T) {
	t.Parallel()
	tp := &tap{events: newEvents(), rw: bytes.NewBufferString(strings.Repeat("+CMT: ,3\r\n00040102\r\n", 300))}
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, tp)
		done <- err
	}()
	for range 10 {
		<-tp.events.direct
	}
	close(tp.events.down)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTapSeesWhatLeaves(t *testing.T) {
	t.Parallel()
	var line bytes.Buffer
	var traced []string
	tp := &tap{rw: &line, events: newEvents(), trace: func(dir string, b []byte) { traced = append(traced, dir+" "+string(b)) }}
	if _, err := tp.Write([]byte("AT+CMGS=14\r")); err != nil || tp.submitted.Load() {
		t.Errorf("after the command: %v, submitted %v, want false", err, tp.submitted.Load())
	}
	if _, err := tp.Write([]byte("0011\x1a")); err != nil || !tp.submitted.Load() {
		t.Errorf("after the PDU: %v, submitted %v, want true", err, tp.submitted.Load())
	}
	if line.String() != "AT+CMGS=14\r0011\x1a" || len(traced) != 2 {
		t.Errorf("line %q, traced %q", line.String(), traced)
	}
}
