package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	unitRestart  = 100 * time.Millisecond // systemd's default
	unitLook     = 5 * time.Millisecond
	unitPatience = 10 * time.Second // for an orderly end
)

// unit is a program that is started again whenever it ends, as an init system
// would.
type unit struct {
	command []string
	cancel  context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex
	group  int   // of its processes; 0 while it does not run
	broken error // it cannot be started at all
}

func startUnit(ctx context.Context, command []string) *unit {
	ctx, cancel := context.WithCancel(ctx)
	u := &unit{command: command, cancel: cancel, done: make(chan struct{})}
	go u.run(ctx)
	return u
}

func (u *unit) run(ctx context.Context) {
	defer close(u.done)
	for ctx.Err() == nil {
		if err := u.once(ctx); err != nil {
			u.mu.Lock()
			u.broken = fmt.Errorf("starting %s: %w", u.command[0], err)
			u.mu.Unlock()
			return
		}
		_ = pauseUntil(ctx, time.Now().Add(unitRestart)) // the loop asks ctx
	}
}

// once runs the program until it ends; how it ended does not matter.
func (u *unit) once(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, u.command[0], u.command[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL} // a killed program takes its children along
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = unitPatience
	if err := cmd.Start(); err != nil {
		return err
	}
	u.mu.Lock()
	u.group = cmd.Process.Pid
	u.mu.Unlock()
	_ = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // children that it left behind, if any
	u.mu.Lock()
	u.group = 0
	u.mu.Unlock()
	return nil
}

// kill ends the program (-9), as soon as it runs.
func (u *unit) kill(ctx context.Context) error {
	for {
		hit, err := u.strike()
		if hit || err != nil {
			return err
		}
		if err := pauseUntil(ctx, time.Now().Add(unitLook)); err != nil {
			return err
		}
	}
}

func (u *unit) strike() (hit bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.group == 0 || syscall.Kill(-u.group, syscall.SIGKILL) != nil {
		return false, u.broken
	}
	u.group = 0 // nobody hits it twice
	return true, nil
}

// stop ends the program in its orderly way, and for good.
func (u *unit) stop() error {
	u.cancel()
	<-u.done
	if errors.Is(u.broken, context.Canceled) {
		return nil
	}
	return u.broken
}
