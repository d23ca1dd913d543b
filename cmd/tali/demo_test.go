package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"tali/db/dbtest"
	"testing"
)

// startDemo starts a demo on a port of the system's choice.
func startDemo(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return start(t, nil, append([]string{"demo", "--dir", dir, "--listen", "127.0.0.1:0"}, args...)...)
}

// stopped checks that a demo has ended well and left nothing running.
func stopped(t *testing.T, p *process, dir string) {
	t.Helper()
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, p.output())
	}
	for _, line := range lines(p.output()) {
		healed := strings.Contains(line, "level=WARN") && strings.Contains(line, "state=retry")
		if !healed && !strings.HasPrefix(line, "tali demo: ") && !strings.HasPrefix(line, "  ") && line != "Ctrl-C ends it." {
			t.Errorf("it said %q", line)
		}
	}
	nothingLeft(t, dir)
}

// nothingLeft looks for servers that work in dir and for links to pseudo-terminals.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, proc := range procs {
		cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
		if err == nil && strings.HasPrefix(cwd, dir) {
			t.Errorf("process %s still works in %s", filepath.Base(proc), cwd)
		}
	}
	if links, err := os.ReadDir(filepath.Join(dir, "devices")); err == nil && len(links) > 0 {
		t.Errorf("devices left: %v", links)
	}
}

// markDemo makes a directory look like a demo's.
func markDemo(t *testing.T, dir string) {
	t.Helper()
	marker, err := takeDemoDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := marker.Close(); err != nil {
		t.Fatal(err)
	}
}

var smsTile = regexp.MustCompile(`<b>([0-9.]+)</b><span>SMS masuk`)

// arrivals waits until the live page shows at least so many SMS, and returns
// how many it shows.
func arrivals(t *testing.T, client *http.Client, page string, atLeast int) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), processLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	stream := bufio.NewScanner(response.Body)
	stream.Buffer(nil, 1<<20)
	for stream.Scan() {
		m := smsTile.FindStringSubmatch(stream.Text())
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(strings.ReplaceAll(m[1], ".", ""))
		if err != nil {
			t.Fatal(err)
		}
		if n >= atLeast {
			return n
		}
	}
	t.Fatalf("%s/live ended before it showed %d SMS: %v", page, atLeast, stream.Err())
	return 0
}

// verifier signs in at a demo with the password that it printed.
func verifier(t *testing.T, p *process, page string) *http.Client {
	t.Helper()
	return signIn(t, page, url.Values{"login": {"verifikator1"}, "password": {p.await("verifikator1 ")}})
}

// signIn is a browser in which somebody has signed in.
func signIn(t *testing.T, page string, form url.Values) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	ctx, cancel := context.WithTimeout(t.Context(), processLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, page+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Request.URL.Path != "/" {
		t.Fatalf("signing in = %s at %s", response.Status, response.Request.URL)
	}
	return client
}

// The whole night: the page follows it, every officer gets through, Ctrl-C ends
// it, and a second start goes on with what is there.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := dbtest.Dir(t)
	p := startDemo(t, dir, "--every", "10ms")
	address := p.await("page ")
	if got := p.await("reports "); got != "318 to come, one about every 10ms; one in three has a mistake" {
		t.Errorf("reports %q, want 318 to come", got)
	}
	client := verifier(t, p, address)
	page, _ := get(t, client, address)
	wantPart(t, page, "Bolaang Mongondow Utara")
	arrivals(t, client, address, 20)
	if got := p.await("every officer has an answer, "); !strings.HasPrefix(got, "0 gave up") {
		t.Errorf("every officer has an answer, %q, want nobody to have given up", got)
	}
	seen := arrivals(t, client, address, 318)
	p.signal(syscall.SIGINT)
	p.await("ended; start it again to go on with this data")
	stopped(t, p, dir)

	again := startDemo(t, dir, "--every", "10ms")
	address = again.await("page ")
	if got := again.await("reports "); got != "all are in already; delete the data to see them come" {
		t.Errorf("at the second start: reports %q", got)
	}
	if got := arrivals(t, verifier(t, again, address), address, 1); got < seen {
		t.Errorf("the page shows %d SMS at the second start, %d before", got, seen)
	}
	again.signal(syscall.SIGTERM)
	stopped(t, again, dir)
}

// A demo that is stopped half-way, by a Ctrl-C or a power cut, goes on.
func TestDemoGoesOn(t *testing.T) {
	t.Parallel()
	dir := dbtest.Dir(t)
	reports := 318
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL, syscall.SIGINT} {
		p := startDemo(t, dir, "--every", "40ms")
		address := p.await("page ")
		left, err := strconv.Atoi(strings.Fields(p.await("reports "))[0])
		if err != nil || left > reports || (reports < 318 && left == 318) {
			t.Errorf("%d reports to come, %v, at most %d expected", left, err, reports)
		}
		reports = left
		arrivals(t, verifier(t, p, address), address, 318-left+10)
		p.signal(s)
		if s == syscall.SIGKILL {
			p.end()
			continue
		}
		stopped(t, p, dir)
	}
}

// Ctrl-C during the start-up is no reason for a stack of errors, and leaves a
// directory that the next start takes.
func TestDemoEndsDuringItsStart(t *testing.T) {
	t.Parallel()
	dir := dbtest.Dir(t)
	for _, at := range []string{"starting PostgreSQL", "PostgreSQL initialised", "PostgreSQL started", "spool open"} {
		p := startDemo(t, dir, "--log", "info")
		p.await(at)
		p.signal(syscall.SIGINT)
		if code := p.end(); code != 0 {
			t.Errorf("Ctrl-C at %q: exit code %d, want 0:\n%s", at, code, p.output())
		}
		for _, bad := range []string{"\ntali: ", "panic", "level=ERROR", "level=WARN"} {
			if strings.Contains(p.output(), bad) {
				t.Errorf("Ctrl-C at %q: %q in\n%s", at, bad, p.output())
			}
		}
		nothingLeft(t, dir)
	}
}

func TestDemoTakesAnotherPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := dbtest.Dir(t)
	p := start(t, nil, "demo", "--dir", dir, "--listen", taken.Addr().String(), "--every", "1h")
	address, note, _ := strings.Cut(p.await("page "), " ")
	if want := fmt.Sprintf("(%s is in use)", taken.Addr()); note != want {
		t.Errorf("behind the address stands %q, want %q", note, want)
	}
	get(t, http.DefaultClient, address)

	// The directory is this demo's alone.
	second := startDemo(t, dir)
	if code := second.end(); code != 1 {
		t.Errorf("a second demo on the same data: exit code %d, want 1", code)
	}
	wantPart(t, second.output(), "tali: --dir "+dir+" is in use by another demo")
	get(t, http.DefaultClient, address)
	p.signal(syscall.SIGINT)
	stopped(t, p, dir)
}

// What cannot be is said in one line, before a server is started.
func TestDemoRefuses(t *testing.T) {
	t.Parallel()
	foreign := dbtest.Dir(t)
	if err := os.WriteFile(filepath.Join(foreign, "tali.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"the directory of something else", []string{"--dir", foreign}, []string{"--dir " + foreign, "not a demo's"}},
		{"a file", []string{"--dir", file(t, "file", "")}, []string{"--dir: ", "not a directory"}},
		{"a place that cannot be", []string{"--dir", "/proc/demo"}, []string{"--dir: ", "/proc/demo", "choose a directory"}},
		{"a foreign address", []string{"--dir", dbtest.Dir(t), "--listen", "192.0.2.1:8080"}, []string{"--listen 192.0.2.1:8080", "an address of this machine"}},
		{"a port that is none", []string{"--dir", dbtest.Dir(t), "--listen", "127.0.0.1:99999"}, []string{"--listen 127.0.0.1:99999"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, err := tali(t, append([]string{"demo"}, c.args...)...)
			wantError(t, err, c.want...)
			if out != "" {
				t.Errorf("printed %q", out)
			}
		})
	}
	if found, err := os.ReadDir(foreign); err != nil || len(found) != 1 {
		t.Errorf("the foreign directory holds %v, %v", found, err)
	}
}
