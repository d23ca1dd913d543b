package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// tali runs a command inside the test; out is what it printed.
func tali(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	return taliReading(t, "", args...)
}

// taliReading is tali with standard input.
func taliReading(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(io.Discard)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// mustTali is tali where it has to work.
func mustTali(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tali(t, args...)
	if err != nil {
		t.Fatalf("tali %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// wantError checks that an error is one line that says all of this.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q has more than a line", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error = %q, want %q in it", err, part)
		}
	}
}

// file writes a file and returns its path.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// process is tali as a process of its own.
type process struct {
	t   *testing.T
	cmd *exec.Cmd

	mu      sync.Mutex
	out     strings.Builder // both streams
	changed chan struct{}   // a line came, or the last one
	closed  bool
	reader  sync.WaitGroup
}

// processLimit ends a process that hangs.
const processLimit = 3 * time.Minute

// start starts tali; env is added to the environment.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), processLimit)
	p := &process{t: t, cmd: exec.CommandContext(ctx, os.Args[0], args...), changed: make(chan struct{}, 1)}
	p.cmd.Env = append(append(os.Environ(), "TALI_TEST_RUN=1"), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it must not keep the modems of a test that was killed
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = write, write
	err = p.cmd.Start()
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	p.reader.Go(func() { p.read(read) })
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended where the test went well
		_ = p.cmd.Wait()
		p.reader.Wait()
		cancel()
	})
	return p
}

func (p *process) read(r io.ReadCloser) {
	defer r.Close()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		p.mu.Lock()
		p.out.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		p.tell()
	}
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.tell()
}

func (p *process) tell() {
	select {
	case p.changed <- struct{}{}:
	default: // somebody is to look already
	}
}

// output is what the process has printed so far.
func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// await waits for words in the output, and returns what stands behind them in
// their line.
func (p *process) await(words string) string {
	p.t.Helper()
	for {
		p.mu.Lock()
		out, closed := p.out.String(), p.closed
		p.mu.Unlock()
		if _, behind, ok := strings.Cut(out, words); ok {
			line, _, _ := strings.Cut(behind, "\n")
			return strings.TrimSpace(line)
		}
		if closed {
			p.t.Fatalf("tali %s ended without %q:\n%s", strings.Join(p.cmd.Args[1:], " "), words, out)
		}
		<-p.changed
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the process and returns its exit code.
func (p *process) end() int {
	p.t.Helper()
	p.reader.Wait()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// golden compares with a file of testdata, or rewrites it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	path = filepath.Join("testdata", path)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%swant:\n%s", path, got, want)
	}
}

// A word that is no command must not pass for a wish to read the help.
func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		want []string
	}{
		{"nonsense", []string{`unknown command "nonsense"`}},
		{"config nonsense", []string{`unknown command "nonsense" for "tali config"`}},
		{"import nonsense", []string{`unknown command "nonsense" for "tali import"`}},
		{"serve --nonsense", []string{"unknown flag: --nonsense"}},
		{"serve now", []string{`unknown command "now"`}},
		{"serve --only web", []string{`--only "web"`, "gateway, desk or feed"}},
		{"try", []string{"needs one SMS TEXT in quotes", "tali try --help"}},
		{"try PILBUP 10013505 1 2 3", []string{"5 arguments given", "in quotes"}},
		{"import stations", []string{"needs one FILE, CSV or XLSX"}},
		{"import officers a.csv b.csv", []string{"2 arguments given"}},
		{"config check", []string{"needs one FILE"}},
		{"code --tps 10013505", []string{"no figures given"}},
		{"code 1 2 3 4 5 6", []string{`"tps" not set`}},
		{"migrate", []string{`"owner" not set`}},
		{"migrate --owner nonsense", []string{"--owner"}},
		{"demo here", []string{`unknown command "here"`}},
		{"demo --every 0s", []string{"--every 0s", "above 0"}},
		{"demo --every=-1s", []string{"--every -1s"}},
		{"demo --every soon", []string{"invalid duration"}},
		{"demo --listen 8080", []string{`--listen "8080"`, "host:port"}},
		{"demo --log loud", []string{`--log "loud"`, "warn"}},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			out, err := tali(t, strings.Fields(c.args)...)
			wantError(t, err, c.want...)
			if out != "" {
				t.Errorf("printed %q beside the error", out)
			}
		})
	}
}

// Whoever types a command without knowing it must be taught by its help.
func TestEveryCommandTeaches(t *testing.T) {
	t.Parallel()
	commands := newRoot().Commands()
	for len(commands) > 0 {
		c := commands[0]
		commands = append(commands[1:], c.Commands()...)
		if c.Name() == "bench" { // has its own tests
			continue
		}
		if len(c.Long) < 80 || c.Example == "" {
			t.Errorf("%s --help has no text or no example", c.CommandPath())
		}
		for _, line := range strings.Split(c.Long+"\n"+c.Example, "\n") {
			if len(line) > 110 {
				t.Errorf("%s --help has a line of %d characters: %q", c.CommandPath(), len(line), line)
			}
		}
	}
	for _, group := range []string{"config", "import"} {
		if out := mustTali(t, group); !strings.Contains(out, "Available Commands") {
			t.Errorf("tali %s prints %q, want its help", group, out)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		code int
		out  string
	}{
		{"config example", 0, "data_dir"},
		{"--version", 0, "tali version"},
		{"nonsense", 1, "tali: unknown command"},
		{"try --profile none X", 1, "tali: profile"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, strings.Fields(c.args)...)
			if code := p.end(); code != c.code || !strings.Contains(p.output(), c.out) {
				t.Errorf("tali %s: exit code %d, want %d with %q:\n%s", c.args, code, c.code, c.out, p.output())
			}
			if c.code != 0 && strings.Count(p.output(), "\n") != 1 {
				t.Errorf("tali %s says more than a line:\n%s", c.args, p.output())
			}
		})
	}
}

func lines(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") }

func quoted(path string) string { return fmt.Sprintf("%q", path) }

func wantPart(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q lacks %q", text, part)
	}
}
