package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tali/cmd/tali/officers"
	"tali/gsm/modemsim"
	"tali/verify"
)

const (
	memoryModems = 16
	memoryTarget = 64 << 10 // KiB
	memorySMS    = 20       // a modem
)

// Memory measures a real `tali serve --only gateway` with 16 virtual modems that
// has taken in and answered SMS on all of them.
func Memory(ctx context.Context, s Settings) (rows []Row, err error) {
	err = atWork(ctx, s, crew{memoryModems, memorySMS, 2, waitFor}, func(pid int) error {
		now, peak, err := resident(pid)
		rows = []Row{
			{Name: "SMS taken in and answered", Value: fmt.Sprintf("%d on %d modems", memoryModems*memorySMS, memoryModems)},
			{Name: "resident at the end", Value: mebibytes(now)},
			{"resident at the peak", mebibytes(peak), "<= " + mebibytes(memoryTarget), peak <= memoryTarget},
		}
		return err
	})
	return rows, err
}

// crew is what a gateway of a measurement has to do.
type crew struct {
	modems, sms int // SMS on each
	seed        uint64
	wait        func(ctx context.Context, so func() bool) error // for the answers
}

// atWork runs a real gateway with virtual modems, and looks at its process once
// it has taken in and answered everything.
func atWork(ctx context.Context, s Settings, w crew, look func(pid int) error) (err error) {
	c, err := newCentre(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	registry, err := c.enrol(ctx, s, w.modems*w.sms)
	if err != nil {
		return err
	}
	network := modemsim.NewNetwork(w.seed)
	defer func() { err = errors.Join(err, network.Close()) }()
	config, err := c.modemsConfig(network, w.modems)
	if err != nil {
		return err
	}
	got := &answers{at: make(map[string]time.Time)}
	network.OnReceive(got.note)
	pid, stop, err := startGateway(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := c.textAll(network, registry, w.modems); err != nil {
		return err
	}
	if err := w.wait(ctx, func() bool {
		s.progress("answers", got.count(), len(registry.Officers))
		return got.count() == len(registry.Officers)
	}); err != nil {
		return fmt.Errorf("%d of %d answered: %w", got.count(), len(registry.Officers), err)
	}
	return look(pid)
}

func mebibytes(kib int) string { return fmt.Sprintf("%.1f MiB", float64(kib)/1024) }

// textAll has every officer send a tally, in turn to each of n modems.
func (c *centre) textAll(network *modemsim.Network, registry *verify.Registry, n int) error {
	random := rand.New(rand.NewPCG(5, 6))
	for i, o := range registry.Officers {
		text, err := rightText(c.profile, o.Stations[0], random)
		if err == nil {
			_, err = network.Submit(modemsim.SMS{From: o.Phone, To: officers.ModemNumber(i % n), Text: text})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// modemsConfig adds n modems to the network and writes a configuration. With none
// it names one that is away.
func (c *centre) modemsConfig(network *modemsim.Network, n int) (string, error) {
	var b strings.Builder
	if n == 0 {
		fmt.Fprintf(&b, "    - {name: away, device: %q}\n", filepath.Join(c.dir, "away"))
	}
	for i := range n {
		m, err := network.AddModem(modemsim.Options{Number: officers.ModemNumber(i), Dir: c.dir, Slots: 30})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "    - {name: m%d, device: %q, number: %q}\n", i, m.Device(), officers.ModemNumber(i))
	}
	return c.gatewayConfig(b.String())
}

// gatewayConfig writes the configuration of a gateway with these modems.
func (c *centre) gatewayConfig(modems string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "data_dir: %q\nelection: %q\ndatabase:\n  dsn: %q\n", filepath.Join(c.dir, "gateway"),
		c.election, c.server.DSN("tali_gateway", "tali"))
	b.WriteString("reply:\n  pace: 0s\n  per_number_hour: 1000\nlog:\n  level: warn\ngateway:\n  name: bench\n  modems:\n" + modems)
	path := filepath.Join(c.dir, "tali.yaml")
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}

// startGateway runs this very program as a gateway.
func startGateway(ctx context.Context, config string) (pid int, stop func() error, err error) {
	return startProgram(ctx, "", config)
}

// startProgram runs a program that is tali as a gateway; empty: this very one.
func startProgram(ctx context.Context, program, config string) (pid int, stop func() error, err error) {
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return 0, nil, err
		}
	}
	cmd := exec.CommandContext(ctx, program, "serve", "--only", "gateway", "--config", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it ends with a benchmark that was killed
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, nil, fmt.Errorf("starting the gateway: %w", err)
	}
	return cmd.Process.Pid, func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		return cmd.Wait()
	}, nil
}

// resident reads a process's resident memory now and at its peak, in KiB.
func resident(pid int) (now, peak int, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "VmRSS:":
			now, err = strconv.Atoi(fields[1])
		case "VmHWM:":
			peak, err = strconv.Atoi(fields[1])
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return now, peak, lines.Err()
}
