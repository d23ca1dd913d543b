package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	manyModems       = 64
	manyModemsTarget = 128 << 10 // KiB
	idleTarget       = 0.05      // of one core
	ticksPerSecond   = 100       // USER_HZ, fixed by the kernel's interface
)

// Modems measures a real `tali serve --only gateway` with 64 virtual modems: its
// memory, and what it costs while nothing happens.
func Modems(ctx context.Context, s Settings) (rows []Row, err error) {
	err = atWork(ctx, s, crew{manyModems, 1, 4, waitLong}, func(pid int) error {
		idle, err := idleShare(ctx, pid, time.Duration(max(s.Seconds, 5))*3*time.Second)
		if err != nil {
			return err
		}
		_, peak, err := resident(pid)
		rows = []Row{
			{Name: "SMS taken in and answered", Value: fmt.Sprintf("%d on %d modems", manyModems, manyModems)},
			{"resident at the peak", mebibytes(peak), "<= " + mebibytes(manyModemsTarget), peak <= manyModemsTarget},
			{"of one core while idle", fmt.Sprintf("%.1f %%", 100*idle), fmt.Sprintf("<= %.0f %%", 100*idleTarget), idle <= idleTarget},
		}
		return err
	})
	return rows, err
}

// idleShare is the share of one core that a process takes for a while.
func idleShare(ctx context.Context, pid int, d time.Duration) (float64, error) {
	before, err := cpuTime(pid)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	after, err := cpuTime(pid)
	return (after - before).Seconds() / time.Since(begun).Seconds(), err
}

// cpuTime is what a process has used so far: utime and stime of proc(5).
func cpuTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ") // a name may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("reading /proc/%d/stat: %d fields", pid, len(fields))
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticksPerSecond, errors.Join(err1, err2)
}
