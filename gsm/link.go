package gsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/warthog618/modem/at"
)

var (
	// errHangup ends a connection: the line is gone, or nobody at its other end takes what we write.
	errHangup = errors.New("line is gone")
	// errSilent means that the modem did not answer in time. What it did is unknown, and its late answer
	// would be taken for that of the next command: nothing may be asked before resync.
	errSilent = errors.New("no answer in time")
)

// Time limits per command; the library's one second is too short for a SIM.
const (
	shortLimit  = 5 * time.Second
	deleteLimit = 10 * time.Second
	setLimit    = 20 * time.Second
	listLimit   = 60 * time.Second
	sendLimit   = 60 * time.Second
	ussdLimit   = 30 * time.Second
)

// limits are waits that tests shorten.
type limits struct {
	probe, quiet, short, del, set, list, send, prompt, ussd, fresh, backoff time.Duration
}

func defaultLimits() limits {
	return limits{probe: time.Second, quiet: 300 * time.Millisecond, short: shortLimit, del: deleteLimit, set: setLimit,
		list: listLimit, send: sendLimit, prompt: 10 * time.Second, ussd: ussdLimit, fresh: freshFor, backoff: longestWait}
}

// link is one connection to a modem, from open to hang-up. Only the owner's goroutine uses it.
type link struct {
	limits limits
	port   *port
	tap    *tap
	events *events
	at     *at.AT
	step   bool // the last answer was the last command's: false after a timeout
}

// dial opens the device and starts the line reader.
func dial(device string, baud int, l limits, log *slog.Logger) (*link, error) {
	p, err := openPort(device, baud)
	if err != nil {
		return nil, err
	}
	ev := newEvents()
	t := &tap{rw: p, events: ev, trace: tracer(log)}
	return &link{limits: l, port: p, tap: t, events: ev, at: at.New(t), step: true}, nil
}

// tracer logs the traffic where debugging is on.
func tracer(log *slog.Logger) func(string, []byte) {
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return nil
	}
	return func(direction string, b []byte) {
		text := string(b)
		if strings.Contains(text, "+CPIN=") {
			text = "(PIN)"
		}
		log.Debug("traffic", "dir", direction, "octets", text)
	}
}

// close ends the connection and waits for the library's goroutines.
func (l *link) close() {
	close(l.events.down)
	_ = l.port.Close() // after a hang-up there is nothing left to close
	<-l.at.Closed()
}

// cmd gives one command and returns the lines before its final result.
func (l *link) cmd(limit time.Duration, command string) ([]string, error) {
	if !l.step {
		return nil, errSilent
	}
	lines, err := l.at.Command(command, at.WithTimeout(limit))
	return lines, l.outcome(command, err)
}

// outcome turns the library's errors into ours.
func (l *link) outcome(command string, err error) error {
	var refused *SendError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, at.ErrDeadlineExceeded):
		l.step = false
		err = errSilent
	case errors.As(refusal(err), &refused):
		err = refused
	default:
		err = fmt.Errorf("%w: %w", errHangup, err)
	}
	name, _, _ := strings.Cut(command, "=") // a value may be a PIN
	return fmt.Errorf("AT%s: %w", name, err)
}

// query gives a command and returns what its own lines say, prefix removed; foreign lines are skipped.
func (l *link) query(limit time.Duration, command, prefix string) ([]string, error) {
	lines, err := l.cmd(limit, command)
	if err != nil {
		return nil, err
	}
	var own []string
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix+":"); ok {
			own = append(own, strings.TrimSpace(rest))
		}
	}
	return own, nil
}

// ask is query where exactly one line is expected and more are an unsolicited twin: the first counts.
func (l *link) ask(command, prefix string) (string, error) {
	own, err := l.query(l.limits.short, command, prefix)
	if err != nil {
		return "", err
	}
	if len(own) == 0 {
		return "", fmt.Errorf("AT%s: no %s line in the answer", command, prefix)
	}
	return own[0], nil
}

// attempts is how often a silent modem is asked before the connection is given up.
const attempts = 3

// sync brings a line of unknown state to the command prompt: an unfinished SMS is escaped, old answers are let
// pass, and AT must be answered twice.
func (l *link) sync(ctx context.Context, quiet time.Duration) error {
	l.step = true
	l.at.Escape([]byte("\r\n")...)
	for try, good := 0, 0; good < 2; {
		if err := l.hush(ctx, quiet); err != nil {
			return err
		}
		_, err := l.cmd(l.limits.probe, "")
		switch {
		case err == nil:
			good++
			quiet = 0
		case errors.Is(err, errHangup):
			return err
		default:
			good, l.step = 0, true
			if try++; try == attempts {
				return err
			}
			l.at.Escape([]byte("\r\n")...)
			quiet = l.limits.quiet
		}
	}
	return nil
}

// resync is sync after a timeout. AT's OK looks like any other, so two different questions must get their own
// answers before an OK is believed again.
func (l *link) resync(ctx context.Context) error {
	if err := l.sync(ctx, l.limits.quiet); err != nil {
		return err
	}
	for try, good := 0, 0; good < 2; {
		q := [2]string{"+CMGF", "+CPMS"}[good]
		own, err := l.query(l.limits.short, q+"?", q)
		if err == nil && len(own) == 1 {
			good++
			continue
		}
		if errors.Is(err, errHangup) || errors.Is(err, errSilent) {
			return err
		}
		if try++; try > attempts {
			l.step = false
			return fmt.Errorf("answers stay out of step: %w", errSilent)
		}
		good = 0
		if err := l.hush(ctx, l.limits.quiet); err != nil {
			return err
		}
	}
	return nil
}

// hush waits until the line has been quiet for a while; the library drops what arrives meanwhile. A line that
// never is gets ten times as long.
func (l *link) hush(ctx context.Context, quiet time.Duration) error {
	if quiet <= 0 {
		return nil
	}
	begun := time.Now()
	for {
		since := time.Since(time.Unix(0, l.events.heard.Load()))
		if since > time.Since(begun) {
			since = time.Since(begun)
		}
		if since >= quiet || time.Since(begun) > 10*quiet {
			return nil
		}
		if err := l.pause(ctx, quiet-since); err != nil {
			return err
		}
	}
}

// pause waits, but not for a line that is gone.
func (l *link) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-l.at.Closed():
		return errHangup
	case <-ctx.Done():
		return ctx.Err()
	}
}
