package configs

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the binary embeds it too
)

var update = flag.Bool("update", false, "rewrite the expected errors")

func TestExampleLoadsAsDefault(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tali.yaml")
	write(t, path, Example())
	got, err := Load(path)
	if err != nil {
		t.Fatalf("Load(example) = %v, want no error", err)
	}
	want := Default()
	want.Gateway.Modems = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Load(example) = %+v, want the defaults %+v", got, want)
	}
}

// With every commented setting put in force, the example shows each key of
// Config once and no other.
func TestExampleShowsEveryKey(t *testing.T) {
	t.Parallel()
	active := activate(Example())
	root, err := parseYAML("example", []byte(active))
	if err != nil {
		t.Fatalf("activated example: %v\n%s", err, active)
	}
	l := &loader{lines: map[string]int{}, refused: map[string]bool{}}
	modems := l.section(root, "", reflect.TypeFor[Config](), map[string]any{})
	if modems == nil {
		t.Fatal("the example shows no modem")
	}
	l.modems(modems)
	if len(l.problems) > 0 {
		t.Errorf("unknown in the example: %v", l.problems)
	}
	var want []string
	for _, k := range leaves(reflect.TypeFor[Config](), "") {
		want = append(want, k.key)
	}
	for _, k := range leaves(reflect.TypeFor[Modem](), modemsKey+"[0].") {
		want = append(want, k.key)
	}
	for _, key := range want {
		if l.lines[key] == 0 {
			t.Errorf("the example does not show %s", key)
		}
	}
}

// activate uncomments the lines of the example that hold a setting and drops
// the empty list of modems.
func activate(text string) string {
	hidden := regexp.MustCompile(`^(\s*)# ?(\s*(?:- )?(data_dir|name|modems|device|baud|pin|store|number|imei|imsi|iccid|operator|ussd_balance|balance_pattern|tls_cert|tls_key|master_key_file):(?: |$).*)$`)
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.TrimSpace(line) == "modems: []" {
			continue
		}
		if m := hidden.FindStringSubmatch(line); m != nil {
			line = m[1] + m[2]
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// Every misconfiguration in testdata/bad stands beside its expected error.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			_, err := Load(path)
			if err == nil {
				t.Fatalf("Load(%q) = nil, want an error", path)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".want", err.Error()+"\n")
		})
	}
}

func TestBadProfiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/badprofile/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			_, err := LoadProfile(path)
			if err == nil {
				t.Fatalf("LoadProfile(%q) = nil, want an error", path)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".want", err.Error()+"\n")
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		write(t, path, got)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tali.yaml")
	write(t, path, "desk:\n  listen: 127.0.0.1:9000\n  language: en\nreply:\n  pace: 10s\n")
	t.Setenv("TALI_DESK_LISTEN", "127.0.0.1:9999")
	t.Setenv("TALI_REPLY_PER_NUMBER_HOUR", "7")
	t.Setenv("TALI_REPLY_PACE", "")
	t.Setenv("TALI_GATEWAY_MODEMS", `[{"name":"m1","device":"/dev/ttyUSB0","pin":"0042","number":"+6289900000999"}]`)
	t.Setenv("TALI_TEST_WHATEVER", "is for tests")
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Desk.Listen != "127.0.0.1:9999" || c.Desk.Language != "en" || c.Reply.Pace != 10*time.Second || c.Reply.PerNumberHour != 7 {
		t.Errorf("Load = %+v, want environment over file over default", c)
	}
	want := []Modem{{Name: "m1", Device: "/dev/ttyUSB0", Baud: 115200, PIN: "0042", Store: "SM", Number: "+6289900000999"}}
	if !reflect.DeepEqual(c.Gateway.Modems, want) {
		t.Errorf("modems = %+v, want %+v", c.Gateway.Modems, want)
	}
}

func TestEnvironmentProblems(t *testing.T) {
	for _, c := range []struct{ name, env, value, want string }{
		{"near miss", "TALI_DATABSE_DSN", "x", "TALI_DATABSE_DSN: unknown environment variable: did you mean TALI_DATABASE_DSN?, otherwise unset it"},
		{"value", "TALI_REPLY_PACE", "soon", `TALI_REPLY_PACE: reply.pace: "soon": is not a duration: write a number and its unit, such as 30s, 5m or 1h`},
		{"modems no list", "TALI_GATEWAY_MODEMS", "{", `TALI_GATEWAY_MODEMS: gateway.modems: is not a JSON list: write [{"name":"m1","device":"/dev/serial/by-id/..."}]`},
		{"modem key", "TALI_GATEWAY_MODEMS", `[{"name":"m1","devise":"/dev/x","device":"/dev/y"}]`, "TALI_GATEWAY_MODEMS: gateway.modems[0].devise: unknown key: did you mean gateway.modems[0].device?"},
		{"secret", "TALI_DATABASE_DSN", "postgres://u:geheim@h/db", `TALI_DATABASE_DSN: database.dsn: "postgres://u:****@h/db": does not say sslmode: add sslmode=verify-full, or sslmode=disable for a socket on this machine`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(c.env, c.value)
			_, err := Load("")
			if err == nil || err.Error() != c.want {
				t.Errorf("Load with %s=%s:\n%v\nwant\n%s", c.env, c.value, err, c.want)
			}
		})
	}
}

// YAML would read these as octal 83, a number without its plus, and a bool.
func TestTextStaysText(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tali.yaml")
	write(t, path, "gateway:\n  modems:\n    - name: on\n      device: /dev/ttyX\n      pin: 0123\n      number: +6289900000001\n")
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Gateway.Modems[0]; m.PIN != "0123" || m.Number != "+6289900000001" || m.Name != "on" {
		t.Errorf("modem = %+v, want the text as written", m)
	}
}

func TestLoadWithoutContent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.yaml")
	write(t, empty, "# nothing\n")
	for _, path := range []string{"", empty} {
		if _, err := Load(path); err != nil {
			t.Errorf("Load(%q) = %v, want the defaults", path, err)
		}
	}
	missing := filepath.Join(dir, "missing.yaml")
	if _, err := Load(missing); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("Load(missing) = %v, want its path and os.ErrNotExist", err)
	}
	big := filepath.Join(dir, "big.yaml")
	write(t, big, strings.Repeat("#", maxFile+1))
	if _, err := Load(big); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("Load(big) = %v, want it refused", err)
	}
}

func TestSameDeviceByLink(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	device, link := filepath.Join(dir, "ttyUSB0"), filepath.Join(dir, "by-id")
	write(t, device, "")
	if err := os.Symlink(device, link); err != nil {
		t.Fatal(err)
	}
	c := Default()
	a, b := defaultModem(), defaultModem()
	a.Name, a.Device, b.Name, b.Device = "a", device, "b", link
	c.Gateway.Modems = []Modem{a, b}
	wantProblem(t, c, "gateway.modems[1].device", "is the device of gateway.modems[0].device too")
}

func TestFilesAndTheirModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	write(t, cert, "x")
	write(t, key, "x")
	c := Default()
	c.Desk.Listen, c.Desk.TLSCert, c.Desk.TLSKey, c.Auth.MasterKeyFile = "0.0.0.0:443", cert, key, key
	if err := c.Validate(); err != nil {
		t.Fatalf("Validate = %v, want TLS on every address allowed", err)
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, c, "desk.tls_key", "has mode 0644, others could use it: run chmod 0640 "+key)
	wantProblem(t, c, "auth.master_key_file", "run chmod 0600 "+key)
	c.Desk.TLSCert = ""
	wantProblem(t, c, "desk.tls_cert", "certificate and key are given together")
	c.Auth.MasterKeyFile = dir
	wantProblem(t, c, "auth.master_key_file", "is not a file")
	c.Auth.MasterKeyFile = filepath.Join(dir, "none")
	wantProblem(t, c, "auth.master_key_file", "cannot be read")
}

func wantProblem(t *testing.T, c Config, key, remedy string) {
	t.Helper()
	var e *Error
	err := c.Validate()
	if !errors.As(err, &e) || !slices.ContainsFunc(e.Problems, func(p Problem) bool {
		return p.Key == key && strings.Contains(p.Remedy, remedy)
	}) {
		t.Errorf("Validate = %v, want %s: ...%s...", err, key, remedy)
	}
}

func TestListenAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address string
		ok      bool
	}{
		{"127.0.0.1:8080", true}, {"localhost:8080", true}, {"[::1]:8080", true}, {"127.0.0.53:0", true},
		{":8080", false}, {"0.0.0.0:8080", false}, {"[::]:8080", false}, {"192.168.1.5:80", false},
		{"example.org:80", false}, {"8080", false}, {"127.0.0.1:http", false}, {"127.0.0.1:70000", false}, {"", false},
	} {
		cfg := Default()
		cfg.Desk.Listen = c.address
		if err := cfg.Validate(); (err == nil) != c.ok {
			t.Errorf("desk.listen %q: Validate = %v, want ok %v", c.address, err, c.ok)
		}
	}
}

func TestDSN(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dsn string
		ok  bool
	}{
		{"", true},
		{"postgres://u:p@db1:5432,db2:5432/tali?sslmode=verify-full&target_session_attrs=read-write", true},
		{"postgresql:///tali?host=/run/postgresql&sslmode=disable", true},
		{"host=/run/postgresql dbname=tali sslmode=disable", true},
		{"host=db password='a b\\' sslmode=x' sslmode = 'require'", true},
		{"host=db password='sslmode=require'", false},
		{"postgres://u@h/sslmode=require", false},
		{"postgres://u@h/db?sslmode=prefer", false},
		{"host=db sslmode=allow", false},
		{"tali", false},
		{"host=db dbname='open", false},
		{"postgres://u@h/db?sslmode=%zz", false},
	} {
		if got := dsnProblem(c.dsn); (got == "") != c.ok {
			t.Errorf("dsnProblem(%q) = %q, want ok %v", c.dsn, got, c.ok)
		}
	}
}

func TestMaskDSN(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:p@ss:w/rd@h/db?sslpassword=x&a=b": "postgres://u:****@h/db?sslpassword=****&a=b",
		"host=h password = 'a b' user=u":                "host=h password=**** user=u",
		"host=h password=geheim":                        "host=h password=****",
		"host=h password='open and lost":                "host=h password=****",
	} {
		if got := maskDSN(dsn); got != want {
			t.Errorf("maskDSN(%q) = %q, want %q", dsn, got, want)
		}
	}
}

func TestShortDurations(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", time.Hour: "1h", 24 * time.Hour: "24h", 90 * time.Minute: "1h30m",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%v) = %q, want %q", d, got, want)
		}
	}
}

// TestStateDirectory: under systemd no home is to be seen (ProtectHome), and
// /var/lib/tali is what StateDirectory= has made.
func TestStateDirectory(t *testing.T) {
	for _, given := range []string{"/var/lib/tali-2", "/var/lib/tali-2:/var/lib/other"} {
		t.Setenv("STATE_DIRECTORY", given)
		if got := Default().DataDir; got != "/var/lib/tali-2" {
			t.Errorf("DataDir with STATE_DIRECTORY=%s = %s", given, got)
		}
	}
}

func TestDefaultDataDir(t *testing.T) {
	t.Setenv("HOME", "/home/budi")
	t.Setenv("STATE_DIRECTORY", "")
	for _, tc := range []struct{ name, state, want string }{
		{"state directory", "/home/budi/state", "/home/budi/state/tali"},
		{"none", "", "/home/budi/.local/state/tali"},
		{"relative, which the XDG rules ignore", "state", "/home/budi/.local/state/tali"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("XDG_STATE_HOME", tc.state)
			want := tc.want
			if os.Geteuid() == 0 {
				want = "/var/lib/tali"
			}
			if got := Default().DataDir; got != want {
				t.Errorf("DataDir = %s, want %s", got, want)
			}
		})
	}
}
