package gsm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tali/gsm/modemsim"
)

func TestUSSD(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{Balance: "Sisa pulsa Rp12.345\r\nOK s.d. 31/12/2027"}, Settings{}).start().ready()
	for range 3 {
		text, err := b.modem.USSD(t.Context(), "*888#")
		if want := "Sisa pulsa Rp12.345\nOK s.d. 31/12/2027"; err != nil || text != want {
			t.Errorf("USSD = %q, %v, want %q", text, err, want)
		}
	}
	b.submit(3)
	b.until("received beside it", b.drained)
	b.check()
	for _, code := range []string{"", "888\r", `*888#";+CFUN=0`, strings.Repeat("1", 40)} {
		if _, err := b.modem.USSD(t.Context(), code); !errors.Is(err, ErrUSSD) {
			t.Errorf("USSD(%q) = %v, want %v", code, err, ErrUSSD)
		}
	}
	b.stop()
	if _, err := b.modem.USSD(t.Context(), "*888#"); !errors.Is(err, ErrUnplugged) {
		t.Errorf("USSD without a modem = %v, want %v", err, ErrUnplugged)
	}
}

// TestUSSDOfMakers: packed septets, menus, silence, refusals.
func TestUSSDOfMakers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		script map[string]string
		want   string
		err    error
	}{
		{"packed", map[string]string{`+CUSD=1,"*888#",15`: "ERROR\r\n", `+CUSD=1,"2A1C0E3702",15`: "OK\r\n\r\n+CUSD: 0,\"C8329BFD06\",15\r\n"}, "Hello", nil},
		{"menu", map[string]string{`+CUSD=1,"*888#",15`: "OK\r\n\r\n+CUSD: 1,\"1 Pulsa\r\n2 Kuota\",15\r\n"}, "1 Pulsa\n2 Kuota", nil},
		{"before OK", map[string]string{`+CUSD=1,"*888#",15`: "+CUSD: 0,\"Pulsa 5000\",15\r\n\r\nOK\r\n"}, "Pulsa 5000", nil},
		{"UCS-2", map[string]string{`+CUSD=1,"*888#",15`: "OK\r\n\r\n+CUSD: 0,\"00500075006C00730061\",72\r\n"}, "Pulsa", nil},
		{"unknown", map[string]string{`+CUSD=1,"*888#",15`: "OK\r\n\r\n+CUSD: 4\r\n"}, "", ErrUSSD},
		{"silent", map[string]string{`+CUSD=1,"*888#",15`: "OK\r\n"}, "", ErrUSSD},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			for command, answer := range c.script {
				p.on(command, answer)
			}
			m := p.own((&keeper{first: map[string]time.Time{}}).keep, nil)
			p.until("ready", m.Ready)
			got, err := m.USSD(t.Context(), "*888#")
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("USSD = %q, %v, want %q, %v", got, err, c.want, c.err)
			}
			if c.name == "menu" && p.count("+CUSD=2") != 1 {
				t.Error("the menu's session was left open")
			}
		})
	}
}

func TestReadUSSD(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		dcs  int
		want string
	}{
		{"Sisa pulsa Rp5.000", 15, "Sisa pulsa Rp5.000"},
		{"12345678", 15, "12345678"}, // digits are what they are
		{"00520070", 72, "Rp"},
		{"C8329BFD06", 15, "Hello"},
		{"BEEF", 240, "BEEF"}, // no text when unpacked
		{"D8", 72, "D8"},
	} {
		if got := readUSSD(c.text, c.dcs); got != c.want {
			t.Errorf("readUSSD(%q, %d) = %q, want %q", c.text, c.dcs, got, c.want)
		}
	}
}

// TestCall sends and asks without touching what lies on the SIM.
func TestCall(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{PIN: "1234"}, Settings{})
	set := Settings{Name: "m1", Device: b.sim.Device(), PIN: "1234", StateDir: t.TempDir()}
	err := Call(t.Context(), set, testLog(t), func(v *Visit) error {
		b.submit(3)
		b.until("stored", func() bool { return b.sim.Stored() == 3 })
		if _, err := v.Send(phone, "HALO"); err != nil {
			return err
		}
		if _, err := v.Send("TELKOMSEL", "HALO"); err == nil {
			t.Error("Send to a name = nil, want a refusal")
		}
		text, err := v.USSD(t.Context(), "*888#")
		if !strings.Contains(text, "pulsa") {
			t.Errorf("USSD = %q", text)
		}
		return err
	})
	if err != nil || len(b.net.Inbox(phone)) != 1 || b.sim.Stored() != 3 {
		t.Errorf("Call = %v, %d arrived, %d stored", err, len(b.net.Inbox(phone)), b.sim.Stored())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Call(ctx, set, testLog(t), func(*Visit) error { return nil }); err == nil {
		t.Error("Call after the end of its context = nil")
	}
	set.Device = t.TempDir() + "/none"
	if err := Call(t.Context(), set, testLog(t), nil); TroubleOf(err) != TroubleAbsent {
		t.Errorf("Call of a missing device = %v", err)
	}
}

func TestClockOf(t *testing.T) {
	t.Parallel()
	wita := time.FixedZone("", 8*3600)
	for _, c := range []struct {
		text string
		want time.Time
		ok   bool
	}{
		{"24/11/27,13:05:09+32", time.Date(2024, 11, 27, 13, 5, 9, 0, wita), true},
		{"24/11/27,13:05:09", time.Date(2024, 11, 27, 13, 5, 9, 0, time.UTC), true},
		{"24/11/27,13:05:09-12", time.Date(2024, 11, 27, 13, 5, 9, 0, time.FixedZone("", -3*3600)), true},
		{"80/01/06,00:00:01+00", time.Time{}, false},
		{"04/01/01,00:00:01+00", time.Time{}, false},
		{"24/13/27,13:05:09+32", time.Time{}, false},
		{"", time.Time{}, false},
	} {
		if got, ok := clockOf(c.text); ok != c.ok || !got.Equal(c.want) {
			t.Errorf("clockOf(%q) = %v, %v, want %v, %v", c.text, got, ok, c.want, c.ok)
		}
	}
	b := newBench(t, modemsim.Options{ClockOffset: 7 * time.Minute}, Settings{}).start().ready()
	if h := b.modem.Health(); !h.ClockKnown || (h.ClockOffset-7*time.Minute).Abs() > 2*time.Second {
		t.Errorf("ClockOffset = %v, want 7m", h.ClockOffset)
	}
}

// TestPoison wants every sort of poison to be read as far as it goes, or refused, and never believed by half.
func TestPoison(t *testing.T) {
	t.Parallel()
	for _, p := range modemsim.Poisons(phone, 1) {
		d, err := Decode(p.PDU)
		switch {
		case p.Damaged && err == nil && d.Kind == KindDeliver:
			t.Errorf("%s: Decode = %+v, want an error", p.Name, d)
		case !p.Damaged && err != nil:
			t.Errorf("%s: Decode = %v", p.Name, err)
		case p.Text != "" && d.Text != p.Text:
			t.Errorf("%s: Text = %q, want %q", p.Name, d.Text, p.Text)
		}
		if Key("510890000000001", p.PDU) == Key("510890000000002", p.PDU) {
			t.Errorf("%s: one key for two SIMs", p.Name)
		}
	}
}
