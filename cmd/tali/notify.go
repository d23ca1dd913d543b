package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// supervisor is systemd, where it started us: it hears that we are up, that we
// live, and that we stop (sd_notify(3)).
type supervisor struct {
	address string        // of its socket; empty: nobody listens
	every   time.Duration // it wants to hear from us; 0: never
}

// findSupervisor reads what systemd has put into the environment.
func findSupervisor() supervisor {
	s := supervisor{address: os.Getenv("NOTIFY_SOCKET")}
	pid := os.Getenv("WATCHDOG_PID")
	if pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return s // it watches somebody else
	}
	if us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 {
		s.every = time.Duration(us) * time.Microsecond
	}
	return s
}

// tell sends one datagram. An abstract socket's name begins with @, for NUL.
func (s supervisor) tell(state string) error {
	if s.address == "" {
		return nil
	}
	name := s.address
	if rest, abstract := strings.CutPrefix(name, "@"); abstract {
		name = "\x00" + rest
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("telling systemd: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("telling systemd: %w", err)
	}
	return nil
}

// run says that we are up, then that we live for as long as alive says so, and
// in the end that we stop. A program that hangs is started again by systemd. A
// datagram that does not get through is logged, and the next one is sent all the same.
func (s supervisor) run(ctx context.Context, alive func(time.Time) bool, log *slog.Logger) {
	say := func(state string) {
		if err := s.tell(state); err != nil {
			log.Warn("systemd does not hear us", "state", state, "err", err)
		}
	}
	say("READY=1")
	if s.every > 0 {
		ticker := time.NewTicker(s.every / 3)
		defer ticker.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case now := <-ticker.C:
				if alive(now) {
					say("WATCHDOG=1")
				}
			}
		}
	}
	<-ctx.Done()
	say("STOPPING=1")
}
