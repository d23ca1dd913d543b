package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tali/cmd/tali/doctor"
	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
)

const testPhone = "+6289900009001"

// virtual adds a modem of a network that lives as long as the test.
func virtual(t *testing.T, n *modemsim.Network, number int, o modemsim.Options) *modemsim.Modem {
	t.Helper()
	o.Number, o.Dir = fmt.Sprintf("+628990000%04d", number), t.TempDir()
	m, err := n.AddModem(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func network(t *testing.T) *modemsim.Network {
	n := modemsim.NewNetwork(5)
	t.Cleanup(func() { n.Close() })
	return n
}

// modemFile is a configuration with these modems.
func modemFile(t *testing.T, dir string, entries ...string) string {
	t.Helper()
	return file(t, "tali.yaml", "data_dir: "+dir+"\ngateway:\n  name: contoh\n  modems:\n    - "+strings.Join(entries, "\n    - ")+"\n")
}

func TestModemTools(t *testing.T) {
	t.Parallel()
	n := network(t)
	m := virtual(t, n, 1, modemsim.Options{Balance: "Sisa pulsa Rp12.345"})
	config := modemFile(t, t.TempDir(), fmt.Sprintf("{name: m1, device: %q}", m.Device()))
	if _, err := n.Submit(modemsim.SMS{From: testPhone, To: m.Number(), Text: "menunggu"}); err != nil {
		t.Fatal(err)
	}
	if out := mustTali(t, "modem", "ussd", "--config", config, "*888#"); out != "Sisa pulsa Rp12.345\n" {
		t.Errorf("ussd printed %q", out)
	}
	out := mustTali(t, "modem", "send", "--config", config, "--modem", "m1", testPhone, "uji coba")
	if !strings.Contains(out, "m1: the network took it") || len(n.Inbox(testPhone)) != 1 || n.Inbox(testPhone)[0].Text != "uji coba" {
		t.Errorf("send printed %q, arrived %+v", out, n.Inbox(testPhone))
	}
	var sent struct{ Sent bool }
	out = mustTali(t, "modem", "send", "--modem", m.Device(), "--json", testPhone, "lagi")
	if err := json.Unmarshal([]byte(out), &sent); err != nil || !sent.Sent {
		t.Errorf("send --json printed %q, %v", out, err)
	}
	if m.Stored() != 1 {
		t.Errorf("%d SMS on the SIM, want the waiting one", m.Stored())
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"modem", "send", "--config", config, "--modem", "m9", testPhone, "x"}, `--modem "m9": name one of m1`},
		{[]string{"modem", "send", "--config", config, testPhone, strings.Repeat("x", 161)}, "want one"},
		{[]string{"modem", "send", "--config", config, "TELKOMSEL", "x"}, "not a number"},
		{[]string{"modem", "ussd", "--config", config, "888;"}, "is no code"},
		{[]string{"modem", "ussd", "--modem", "/dev/null", "*888#"}, "is no serial device"},
		{[]string{"modem", "ussd", "*888#"}, "no modem is configured"},
	} {
		_, err := tali(t, c.args...)
		wantError(t, err, c.want)
	}
}

// TestModemToolsLeaveServeAlone: what a running gateway holds is named, and left.
func TestModemToolsLeaveServeAlone(t *testing.T) {
	t.Parallel()
	m := virtual(t, network(t), 1, modemsim.Options{})
	config := modemFile(t, t.TempDir(), fmt.Sprintf("{name: m1, device: %q}", m.Device()))
	err := gsm.Call(t.Context(), gsm.Settings{Name: "serve", Device: m.Device()}, quietLog(), func(*gsm.Visit) error {
		for _, args := range [][]string{{"modem", "send", "--config", config, testPhone, "x"}, {"modem", "ussd", "--config", config, "*888#"}} {
			_, err := tali(t, args...)
			wantError(t, err, "modem m1", "held by another program", "tali serve")
		}
		out := mustTali(t, "modem", "list", m.Device())
		wantPart(t, out, "held by another program")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestModemList(t *testing.T) {
	t.Parallel()
	n := network(t)
	good, twin := virtual(t, n, 1, modemsim.Options{IMEI: "860000000000001"}), virtual(t, n, 2, modemsim.Options{IMEI: "860000000000001"})
	locked := virtual(t, n, 3, modemsim.Options{PIN: "1234"})
	config := modemFile(t, t.TempDir(), fmt.Sprintf("{name: m1, device: %q}", good.Device()))
	devices := []string{good.Device(), twin.Device(), locked.Device(), "/dev/null"}
	out := mustTali(t, append([]string{"modem", "list", "--config", config}, devices...)...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 5 {
		t.Fatalf("list printed %q, want a header and four ports", out)
	}
	for i, parts := range [][]string{{"DEVICE", "NOTE"}, {good.Device(), "m1", "Virtual Modem", "-73 dBm", "0/30", "ready to use"},
		{twin.Device(), "= " + good.Device()}, {"it is locked", "SIM PIN"}, {"/dev/null", "is no serial device"}} {
		for _, part := range parts {
			wantPart(t, lines[i], part)
		}
	}
	out = mustTali(t, append([]string{"modem", "list", "--json"}, devices...)...)
	var first struct {
		Device string
		Usable bool
		IMEI   string
	}
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &first); err != nil || first.Device != good.Device() || !first.Usable || first.IMEI == "" {
		t.Errorf("list --json printed %q, %v", out, err)
	}
}

// findings runs the doctor and returns what it says of each subject.
func findings(t *testing.T, config string, healthy bool) map[string][]doctor.Finding {
	t.Helper()
	out, err := tali(t, "doctor", "--json", "--config", config)
	if (err == nil) != healthy {
		t.Errorf("doctor = %v, healthy %v\n%s", err, healthy, out)
	}
	found := map[string][]doctor.Finding{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var f doctor.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		found[f.Subject] = append(found[f.Subject], f)
		if f.Level != doctor.OK && f.Remedy == "" {
			t.Errorf("%+v has no remedy", f)
		}
	}
	return found
}

// TestFlashWhileSending: an SMS that no slot holds, and that comes while a tool
// has the port, is in the spool afterwards, or in a file where that is in use.
func TestFlashWhileSending(t *testing.T) {
	t.Parallel()
	for name, locked := range map[string]bool{"spool": false, "spool in use": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := network(t)
			arrived := make(chan struct{}, 1)
			m := virtual(t, n, 1, modemsim.Options{SendTime: 300 * time.Millisecond, Log: func(tr modemsim.Trace) {
				if tr.Input && strings.Contains(tr.Bytes, "AT+CMGF=0") {
					arrived <- struct{}{} // the tool, once
				}
			}})
			dir := t.TempDir()
			config := modemFile(t, dir, fmt.Sprintf("{name: m1, device: %q}", m.Device()))
			path := filepath.Join(dir, "spool", "spool.db")
			open := func() *spool.Spool {
				journal, err := spool.Open(t.Context(), path, quietLog())
				if err != nil {
					t.Fatal(err)
				}
				return journal
			}
			journal := open()
			if !locked {
				if err := journal.Close(); err != nil {
					t.Fatal(err)
				}
			}
			indicate(t, m.Device())
			go func() {
				<-arrived
				if _, err := n.Submit(modemsim.SMS{From: "+628990000001", To: m.Number(), Text: "KILAT", Class0: true}); err != nil {
					t.Error(err)
				}
			}()
			out := sendAloud(t, config)
			if !locked {
				wantPart(t, out, "kept in the spool "+path)
				journal = open()
				got, err := journal.Waiting(t.Context(), 0, 10)
				if err != nil || len(got) != 1 || got[0].Text != "KILAT" {
					t.Errorf("the spool holds %+v, %v, want the flash SMS", got, err)
				}
			} else {
				files, _ := filepath.Glob(filepath.Join(dir, "tali-flash-*.txt")) // the pattern is right
				if len(files) != 1 {
					t.Fatalf("files %v, want one\n%s", files, out)
				}
				wantPart(t, out, "kept in "+files[0])
				text, err := os.ReadFile(files[0])
				if err != nil || !strings.Contains(string(text), "from +628990000001: KILAT\n") {
					t.Errorf("%s holds %q, %v", files[0], text, err)
				}
			}
			if err := journal.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// sendAloud is modem send, and what it says on its standard error.
func sendAloud(t *testing.T, config string) string {
	t.Helper()
	var out strings.Builder
	c := newRoot()
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs([]string{"modem", "send", "--config", config, "+628990000002", "uji"})
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// indicate leaves a modem as serve does: it routes flash SMS to whoever has the port.
func indicate(t *testing.T, device string) {
	t.Helper()
	f, err := os.OpenFile(device, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("AT+CNMI=2,1,0,0,0\r"); err != nil {
		t.Fatal(err)
	}
	answer := ""
	for buf := make([]byte, 100); !strings.Contains(answer, "OK"); {
		n, err := f.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		answer += string(buf[:n])
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// wantFinding looks for a finding of a level with these words.
func wantFinding(t *testing.T, found []doctor.Finding, level doctor.Level, what, remedy string) {
	t.Helper()
	for _, f := range found {
		if f.Level == level && strings.Contains(f.What, what) && strings.Contains(f.Remedy, remedy) {
			return
		}
	}
	t.Errorf("findings %+v, want %s with %q and %q", found, level, what, remedy)
}

func TestDoctorOfAHealthySite(t *testing.T) {
	t.Parallel()
	m := virtual(t, network(t), 1, modemsim.Options{})
	dir := t.TempDir()
	config := modemFile(t, dir, fmt.Sprintf("{name: m1, device: %q}", m.Device()))
	found := findings(t, config, true)
	wantFinding(t, found["database"], doctor.OK, "not made yet", "")
	wantFinding(t, found["spool"], doctor.OK, "none yet", "")
	wantFinding(t, found["modem m1"], doctor.OK, "Virtual Modem", "")
	if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
		t.Error("the doctor made a database")
	}
	if out := mustTali(t, "doctor", "--config", config); !strings.Contains(out, "ok    modem m1: Tali Virtual Modem") {
		t.Errorf("doctor printed\n%s", out)
	}
}

// TestDoctorFindsBadModems: each trouble with its remedy.
func TestDoctorFindsBadModems(t *testing.T) {
	t.Parallel()
	n := network(t)
	blocked, bare := virtual(t, n, 2, modemsim.Options{}), virtual(t, n, 3, modemsim.Options{})
	blocked.BlockSIM()
	bare.RemoveSIM()
	// A modem of two interfaces, of which the wrong one is configured.
	silent := virtual(t, n, 4, modemsim.Options{Faults: modemsim.Plan{{Kind: modemsim.TotalSilence}}})
	ports := t.TempDir()
	for name, m := range map[string]*modemsim.Modem{"usb-Contoh-if00-port0": silent, "usb-Contoh-if02-port0": virtual(t, n, 5, modemsim.Options{})} {
		if err := os.Symlink(m.Device(), filepath.Join(ports, name)); err != nil {
			t.Fatal(err)
		}
	}
	twins := modemsim.Options{IMSI: "510890000000042"}
	entry := func(name, device string) string { return fmt.Sprintf("{name: %s, device: %q}", name, device) }
	config := modemFile(t, t.TempDir(),
		entry("puk", blocked.Device()), entry("kosong", bare.Device()), entry("salah", filepath.Join(ports, "usb-Contoh-if00-port0")),
		entry("hilang", "/dev/tali-none"), entry("nol", "/dev/null"),
		entry("kembar1", virtual(t, n, 6, twins).Device()), entry("kembar2", virtual(t, n, 7, twins).Device()),
		entry("tanpa-smsc", virtual(t, n, 8, modemsim.Options{NoSMSC: true, Signal: 4, ClockOffset: 8 * 60 * 1e9}).Device()),
		fmt.Sprintf("{name: pin, device: %q, pin: \"1234\"}", virtual(t, n, 9, modemsim.Options{PIN: "1234"}).Device()),
		entry("tanpa-pin", virtual(t, n, 10, modemsim.Options{PIN: "1234"}).Device()))
	found := findings(t, config, false)
	wantFinding(t, found["modem puk"], doctor.Fail, "PUK", "in")
	wantFinding(t, found["modem kosong"], doctor.Fail, "SIM", "put a SIM in")
	wantFinding(t, found["modem salah"], doctor.Fail, "no answer", "usb-Contoh-if02-port0 answers")
	wantFinding(t, found["modem hilang"], doctor.Fail, "no such file", "plug it in")
	wantFinding(t, found["modem nol"], doctor.Fail, "no serial device", "/dev/serial/by-id")
	wantFinding(t, found["modem kembar2"], doctor.Fail, "same SIM as modem kembar1", "two ports of one modem")
	wantFinding(t, found["modem tanpa-smsc"], doctor.Fail, "service centre", "AT+CSCA")
	wantFinding(t, found["modem tanpa-smsc"], doctor.Warn, "weak signal", "antenna")
	wantFinding(t, found["modem tanpa-smsc"], doctor.Warn, "modem's", "agree with this machine")
	wantFinding(t, found["modem pin"], doctor.OK, "tried once, by serve", "")
	wantFinding(t, found["modem tanpa-pin"], doctor.Fail, "SIM PIN", "pin:")
}

// TestDoctorFindsBadFiles: a spool that is none, of another version, in use; a
// database that is away, empty, right.
func TestDoctorFindsBadFiles(t *testing.T) {
	t.Parallel()
	m := virtual(t, network(t), 1, modemsim.Options{})
	dir := t.TempDir()
	config := modemFile(t, dir, fmt.Sprintf("{name: m1, device: %q}", m.Device()))
	path := filepath.Join(dir, "spool", "spool.db")
	journal, err := spool.Open(t.Context(), path, quietLog())
	if err != nil {
		t.Fatal(err)
	}
	wantFinding(t, findings(t, config, true)["spool"], doctor.OK, "a running tali has it open", "")
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	wantFinding(t, findings(t, config, true)["spool"], doctor.OK, "0 SMS wait", "")
	patch(t, path, 60, []byte{0, 0, 0, 99}) // user_version, SQLite file format §1.3
	wantFinding(t, findings(t, config, false)["spool"], doctor.Fail, "another version", "next start")
	patch(t, path, 0, []byte("no database at all"))
	wantFinding(t, findings(t, config, false)["spool"], doctor.Fail, "damaged", "next start")
	wantFinding(t, findings(t, config, false)["spool"], doctor.Fail, "tali serve sets it aside", "next start")
	p := start(t, nil, "reprocess", "--only", "spool", "--config", withDSN(t, config, "postgres://nobody@127.0.0.1:1/none?sslmode=disable"))
	if code := p.end(); code != 1 {
		t.Errorf("reprocess ended with %d, want 1", code)
	}
	wantPart(t, p.output(), "spool is damaged")
	if _, err := spool.SetAside(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	wantFinding(t, findings(t, config, true)["spool"], doctor.Warn, "was damaged and set aside", ".recover")
}

func TestDoctorLooksAtTheDatabase(t *testing.T) {
	t.Parallel()
	m := virtual(t, network(t), 1, modemsim.Options{})
	plain := modemFile(t, t.TempDir(), fmt.Sprintf("{name: m1, device: %q}", m.Device()))
	found := findings(t, withDSN(t, plain, "postgres://nobody@127.0.0.1:1/none?sslmode=disable"), false)
	wantFinding(t, found["database"], doctor.Fail, "not available", "database.dsn")
	pg := dbtest.New(t)
	found = findings(t, withDSN(t, plain, pg.DSN(cluster.Desk)), true)
	wantFinding(t, found["database"], doctor.OK, "answers within", "")
	wantFinding(t, found["schema"], doctor.OK, "fits", "")
	wantFinding(t, found["clock"], doctor.OK, "the database's", "")
}

func withDSN(t *testing.T, config, dsn string) string {
	t.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "tali.yaml", string(text)+fmt.Sprintf("database:\n  dsn: %q\n", dsn))
}

func patch(t *testing.T, path string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReprocess reads the spool and the centre of a configuration.
func TestReprocess(t *testing.T) {
	t.Parallel()
	pg := dbtest.New(t)
	dir := t.TempDir()
	config := withDSN(t, modemFile(t, dir, "{name: m1, device: /dev/tali-none}"), pg.DSN(cluster.Owner))
	openElection(t, config, pg)
	pdus, err := modemsim.SMS{From: testPhone, To: "+628990000001", Text: "PILBUP 1 2 3"}.PDUs()
	if err != nil {
		t.Fatal(err)
	}
	journal, err := spool.Open(t.Context(), filepath.Join(dir, "spool", "spool.db"), quietLog())
	if err != nil {
		t.Fatal(err)
	}
	_, err = journal.Keep(context.Background(), []spool.PDU{
		{Key: [32]byte{1}, Modem: "m1", Hex: pdus[0], Kind: spool.KindUnreadable},
		{Key: [32]byte{2}, Modem: "m1", Hex: "00", Kind: spool.KindUnreadable},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	out := mustTali(t, "reprocess", "--config", config)
	wantPart(t, out, "spool: 2 unreadable SMS: 1 would be read now (nothing is changed without --apply)")
	wantPart(t, out, "centre: 0 unreadable SMS")
	wantPart(t, mustTali(t, "reprocess", "--config", config, "--apply", "--only", "spool"), "1 read now and handed on")
	wantPart(t, mustTali(t, "reprocess", "--config", config, "--apply", "--only", "spool", "--json"), `"readable":0,"parts":0,"before":1,"still":1`)
	_, err = tali(t, "reprocess", "--config", config, "--only", "modem")
	wantError(t, err, "write spool or centre")
}

func openElection(t *testing.T, config string, pg *dbtest.DB) {
	t.Helper()
	_, profile, err := loadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), pg.DSN(cluster.Desk), quietLog())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.OpenElection(t.Context(), profile); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
