package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"tali/gsm/modemsim"
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
	c, err := newCentre(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	registry, err := c.enrol(ctx, s, manyModems)
	if err != nil {
		return nil, err
	}
	network := modemsim.NewNetwork(4)
	defer func() { err = errors.Join(err, network.Close()) }()
	config, err := c.modemsConfig(network, manyModems)
	if err != nil {
		return nil, err
	}
	got := &answers{at: make(map[string]time.Time)}
	network.OnReceive(got.note)
	child, stop, err := startGateway(ctx, config)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := c.textAll(network, registry, manyModems); err != nil {
		return nil, err
	}
	if err := waitLong(ctx, func() bool { return got.count() == len(registry.Officers) }); err != nil {
		return nil, fmt.Errorf("%d of %d answered: %w", got.count(), len(registry.Officers), err)
	}
	idle, err := idleShare(ctx, child, time.Duration(max(s.Seconds, 5))*3*time.Second)
	if err != nil {
		return nil, err
	}
	_, peak, err := resident(child)
	if err != nil {
		return nil, err
	}
	return []Row{
		{Name: "SMS taken in and answered", Value: fmt.Sprintf("%d on %d modems", len(registry.Officers), manyModems)},
		{"resident at the peak", mebibytes(peak), "<= " + mebibytes(manyModemsTarget), peak <= manyModemsTarget},
		{"of one core while idle", fmt.Sprintf("%.1f %%", 100*idle), fmt.Sprintf("<= %.0f %%", 100*idleTarget), idle <= idleTarget},
	}, nil
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
