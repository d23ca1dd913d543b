package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// boundaries are where a daemon built for tests can be told to die.
var boundaries = []string{
	"before-keep", "after-keep", "before-join", "after-join", "before-intake", "after-intake", "after-mark",
	"after-claim", "after-begin", "after-send", "after-close", "interim-queued", "interim-claimed", "interim-sent",
	"notice-claimed", "notice-sent", "snapshot-fetched",
}

// alarmed is the phone of the staff.
var alarmed = phone(700001)

// lives runs one daemon after the other: each ends at a boundary, in the middle
// of some event of the network, at a random time, or as an operator ends it.
type lives struct {
	*rig
	random *rand.Rand
	binary string
	config string
	log    string        // file of their standard error
	mean   time.Duration // of a life

	mu      sync.Mutex
	process *os.Process
	ends    map[string]int // by what ended them
	died    []string       // ends that nobody had ordered
	last    bool           // the next one is to stay
}

func (l *lives) run(ctx context.Context) error {
	for ctx.Err() == nil && !l.staying() {
		if err := l.live(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *lives) staying() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// live is one life, from start to end.
func (l *lives) live(ctx context.Context) error {
	deadly := ""
	if l.random.IntN(2) == 0 {
		at := boundaries[l.random.IntN(len(boundaries))]
		deadly = fmt.Sprintf("%s:%d", at, 1+l.random.IntN(10))
	}
	cmd, done, err := l.begin(deadly)
	if err != nil {
		return err
	}
	span := time.Duration(float64(l.mean) * l.random.ExpFloat64())
	if deadly != "" {
		span = 3 * l.mean // time to get there
	}
	patience, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	how := "at a random time"
	if deadly == "" && l.random.IntN(3) == 0 {
		how = "amid an event"
		left := l.random.IntN(600)
		_ = l.network.Wait(patience, func() bool { left--; return left < 0 }) // or at a random time
	}
	select {
	case <-done:
		l.ended(cmd, "at "+strings.Split(deadly, ":")[0], deadly != "")
		return nil
	case <-patience.Done():
	}
	if l.random.IntN(12) == 0 {
		return l.interrupt(cmd, done)
	}
	_ = cmd.Process.Kill() // it may have died at its boundary this moment
	<-done
	l.ended(cmd, how, true)
	return nil
}

// begin starts a daemon; done is closed when it has ended.
func (l *lives) begin(deadly string) (*exec.Cmd, <-chan struct{}, error) {
	cmd := exec.Command(l.binary, "serve", "--only", "gateway", "--config", l.config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it must not keep the modems of a test that was killed
	cmd.Env = append(os.Environ(), "TALI_TEST_DIE_AT="+deadly)
	errors, err := os.OpenFile(l.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer errors.Close()
	cmd.Stderr = errors
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	l.process = cmd.Process
	l.mu.Unlock()
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // ended looks at its state
		close(done)
	}()
	return cmd, done, nil
}

// ended counts an end that was ordered; any other is a crash of its own.
func (l *lives) ended(cmd *exec.Cmd, how string, ordered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ordered && ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		l.ends[how]++
		return
	}
	log, err := os.ReadFile(l.log)
	if err != nil {
		l.died = append(l.died, err.Error())
		return
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	l.died = append(l.died, fmt.Sprintf("%v: %s", cmd.ProcessState, lines[len(lines)-1]))
}

// interrupt ends a daemon as an operator does, and wants it to end well.
func (l *lives) interrupt(cmd *exec.Cmd, done <-chan struct{}) error {
	if err := cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-done:
	case <-time.After(patience):
		_ = cmd.Process.Signal(syscall.SIGQUIT) // its goroutines are in the log
		<-done
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case cmd.ProcessState.Success():
		l.ends["by an operator"]++
	case status.Signaled() && status.Signal() == syscall.SIGKILL: // its boundary came first
		l.ends["at a boundary"]++
	default:
		l.died = append(l.died, "interrupted: "+cmd.ProcessState.String())
	}
	return nil
}

// stay lets the present life be the last that ends, and starts one that lives
// until finish.
func (l *lives) stay() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = true
}

// limit sets the most bytes that the daemon may write into one file, as a quota
// does; 0 lifts it.
func (l *lives) limit(bytes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	most := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if bytes > 0 {
		most.Cur = bytes
	}
	_ = unix.Prlimit(l.process.Pid, unix.RLIMIT_FSIZE, &most, nil) // it may have died: the next has no limit
}

// kills counts the ends by SIGKILL.
func (l *lives) kills() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for how, times := range l.ends {
		if how != "by an operator" {
			n += times
		}
	}
	return n
}

// writeConfig writes the daemon's configuration.
func (l *lives) writeConfig(dir, dsn string, interim time.Duration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "data_dir: %q\nelection: pilkada-2024-bolmut\ndatabase:\n  dsn: %q\n", dir, dsn)
	fmt.Fprintf(&b, "log:\n  level: warn\nreply:\n  pace: 0s\n  per_number_hour: 1000\n")
	fmt.Fprintf(&b, "alarm:\n  phones: %q\n  after: %s\n  clear: %s\n", alarmed, l.mean/2, l.mean/2)
	fmt.Fprintf(&b, "gateway:\n  name: uji\n  sweep_interval: 2s\n  interim_after: %s\n  modems:\n", interim)
	for i, m := range l.settings.Modems {
		baud := []int{115200, 9600}[i%2] // a slow line is read in groups; only one of six is slow in fact
		fmt.Fprintf(&b, "    - {name: %s, device: %q, number: %q, baud: %d, pin: %q}\n", m.Name, m.Device, m.Number, baud, m.PIN)
	}
	l.config = filepath.Join(l.TempDir(), "tali.yaml")
	return os.WriteFile(l.config, []byte(b.String()), 0o600)
}
