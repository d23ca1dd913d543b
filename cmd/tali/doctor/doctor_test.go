package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tali/configs"
	"tali/gsm"
)

func TestModemManagerIsSeen(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	if found := modemManager(proc); len(found) != 0 {
		t.Errorf("modemManager = %+v where none runs", found)
	}
	if err := os.Mkdir(filepath.Join(proc, "812"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(proc, "812", "comm"), []byte("ModemManager\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := modemManager(proc); len(found) != 1 || found[0].Level != Warn || !strings.Contains(found[0].Remedy, "systemctl") {
		t.Errorf("modemManager = %+v, want a warning", found)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ahead, doubt time.Duration
		want         Level
	}{
		{0, 0, OK}, {4 * time.Second, 0, OK}, {-20 * time.Second, 0, Warn}, {20 * time.Second, 18 * time.Second, OK},
		{2 * time.Minute, time.Second, Fail}, {-2 * time.Minute, time.Second, Fail},
	} {
		if f := clock("clock", "database", c.ahead, c.doubt); f.Level != c.want || (f.Remedy == "") != (c.want == OK) {
			t.Errorf("clock(%v, %v) = %+v, want %s", c.ahead, c.doubt, f, c.want)
		}
	}
	// Local time called UTC is the modem's zone, and no clock that is off.
	if f := modemClock("m", 8*time.Hour); f.Level != OK {
		t.Errorf("a whole zone off: %+v, want ok", f)
	}
	if f := modemClock("m", 8*time.Hour+3*time.Minute); f.Level != Fail {
		t.Errorf("three minutes off: %+v, want fail", f)
	}
}

// TestModemClocks: nobody is told to set a clock that most modems find right.
func TestModemClocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		offsets []time.Duration
		want    []Level
		remedy  string // of each that is off
	}{
		{"alone", []time.Duration{10 * time.Minute}, []Level{Fail}, "set this machine's clock"},
		{"one of three", []time.Duration{0, 10 * time.Minute, time.Second}, []Level{OK, Warn, OK}, "2 other modems agree"},
		{"one of two", []time.Duration{0, 10 * time.Minute}, []Level{OK, Warn}, "agree with this machine"},
		{"two of three", []time.Duration{0, 10 * time.Minute, 10 * time.Minute}, []Level{OK, Fail, Fail}, "set this machine's clock"},
		{"none known", nil, nil, ""},
	} {
		probes := []gsm.Probe{{}} // this one tells no time
		for _, o := range c.offsets {
			var p gsm.Probe
			p.ClockKnown, p.ClockOffset = true, o+8*time.Hour
			probes = append(probes, p)
		}
		found := modemClocks(probes)
		if len(found) != len(c.want) {
			t.Errorf("%s: %d findings, want %d", c.name, len(found), len(c.want))
			continue
		}
		for i, f := range found {
			if f.Level != c.want[i] || (f.Level != OK && !strings.Contains(f.Remedy, c.remedy)) {
				t.Errorf("%s: modem %d: %+v, want %s with %q", c.name, i, f, c.want[i], c.remedy)
			}
		}
	}
}

// TestRemedies wants every trouble of a connection to come with what to do.
func TestRemedies(t *testing.T) {
	t.Parallel()
	s := Site{Config: configs.Default()}
	for _, trouble := range []gsm.Trouble{
		gsm.TroubleAbsent, gsm.TroubleBusy, gsm.TroublePermission, gsm.TroubleNotSerial, gsm.TroubleSilent, gsm.TroubleGarbled,
		gsm.TroubleNoModem, gsm.TroubleNoSIM, gsm.TroublePIN, gsm.TroublePINRefused, gsm.TroublePUK, gsm.TroubleWrongModem,
		gsm.TroubleWrongSIM, gsm.TroubleSameSIM, gsm.TroubleRefuses,
	} {
		p := gsm.Probe{Health: gsm.Health{Trouble: trouble, Why: "because"}}
		found := s.modem(t.Context(), gsm.Settings{Name: "m1", Device: "/dev/tali-none"}, p)
		if len(found) != 1 || found[0].Level != Fail || len(found[0].Remedy) < 20 {
			t.Errorf("%s: %+v, want one finding with a remedy", trouble, found)
		}
	}
	busy := gsm.Probe{Health: gsm.Health{Trouble: gsm.TroubleBusy, Why: "open in tali (process 7)"}}
	if found := s.modem(t.Context(), gsm.Settings{Name: "m1"}, busy); found[0].Level != OK {
		t.Errorf("held by serve: %+v, want ok", found)
	}
}

func TestPermissionNamesTheGroup(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "port")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := permission(path); !strings.Contains(got, "usermod -aG "+groupName(uint32(os.Getgid()))) {
		t.Errorf("permission = %q", got)
	}
	if got := permission("/dev/tali-none"); !strings.Contains(got, "dialout") {
		t.Errorf("permission of a missing device = %q, want dialout", got)
	}
}

func TestDiskThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s := Site{Config: configs.Default()}
	s.Config.DataDir = "/proc/tali/data"
	found := s.disk()
	if last := found[len(found)-1]; last.Level != Fail || last.Remedy == "" {
		t.Errorf("findings %+v, want a disk that cannot be written", found)
	}
}

func TestInterfaceOf(t *testing.T) {
	t.Parallel()
	for device, want := range map[string]string{
		"/dev/serial/by-id/usb-HUAWEI-if00-port0":                "/dev/serial/by-id/usb-HUAWEI-if*",
		"/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0": "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.*",
		"/dev/ttyUSB0": "/dev/ttyUSB0",
	} {
		if got := interfaceOf(device); got != want {
			t.Errorf("interfaceOf(%s) = %s, want %s", device, got, want)
		}
	}
}
