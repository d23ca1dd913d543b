package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tali/db/cluster"
	"tali/verify"
)

// errNoGammu means that the peer is not installed here.
var errNoGammu = errors.New("not installed here (Debian: apt install gammu-smsd postgresql-client)")

const (
	gammuDatabase = "gammu"
	gammuSchema   = "/usr/share/doc/gammu-smsd/examples/pgsql.sql"
)

// gammuBurst has gammu-smsd drain the same waiting SMS into its own tables on
// the same server, polling once a second, its fastest sensible setting.
func (c *centre) gammuBurst(ctx context.Context, registry *verify.Registry) (took time.Duration, err error) {
	program, psql, err := findGammu()
	if err != nil {
		return 0, err
	}
	if err := c.gammuTables(ctx, psql); err != nil {
		return 0, err
	}
	var octets atomic.Int64
	network, m, err := c.waitingModem(registry, 0, &octets)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, network.Close()) }()
	if err := waitFor(ctx, func() bool { return m.Stored() == len(registry.Officers) }); err != nil {
		return 0, err
	}
	config, err := c.gammuConfig(m.Device())
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	cmd := exec.CommandContext(ctx, program, "-c", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it ends with a benchmark that was killed
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	drained := waitLong(ctx, func() bool { return m.Stored() == 0 })
	took = time.Since(begun)
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	_ = cmd.Wait()                          // its exit code says how it was ended
	if drained != nil {
		log, _ := os.ReadFile(filepath.Join(c.dir, "gammu.log")) // only for the message
		return 0, fmt.Errorf("gammu-smsd left %d SMS: %w: %.500s", m.Stored(), drained, log)
	}
	return took, c.gammuCount(ctx, psql, len(registry.Officers))
}

// findGammu looks for the peer and for what makes its tables.
func findGammu() (program, psql string, err error) {
	program, err1 := exec.LookPath("gammu-smsd")
	psql, err2 := exec.LookPath("psql")
	_, err3 := os.Stat(gammuSchema)
	if errors.Join(err1, err2, err3) != nil {
		return "", "", errNoGammu
	}
	return program, psql, nil
}

// gammuConfig writes its configuration: no pauses, and no questions but for SMS.
func (c *centre) gammuConfig(device string) (string, error) {
	text := fmt.Sprintf(`[gammu]
device = %s
connection = at
[smsd]
service = sql
driver = native_pgsql
host = %s
user = %s
password =
database = %s
logfile = %s
debuglevel = 0
commtimeout = 1
receivefrequency = 1
statusfrequency = 3600
checksecurity = 0
checkbattery = 0
checksignal = 0
`, device, socketOf(c.server), cluster.Owner, gammuDatabase, filepath.Join(c.dir, "gammu.log"))
	path := filepath.Join(c.dir, "gammu.conf")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

func (c *centre) gammuTables(ctx context.Context, psql string) error {
	if err := c.server.CreateDatabase(ctx, gammuDatabase, "template1"); err != nil {
		return err
	}
	// It creates an extension that every database has: psql goes on after that error, and so do we. Whether the
	// tables are there shows when they are counted.
	_, err := c.psql(ctx, psql, gammuDatabase, "-f", gammuSchema)
	return err
}

// gammuCount makes sure that its speed was not bought with missing rows.
func (c *centre) gammuCount(ctx context.Context, psql string, want int) error {
	out, err := c.psql(ctx, psql, gammuDatabase, "-At", "-c", "SELECT count(*) FROM inbox")
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(strings.TrimSpace(out)); err != nil || n != want {
		return fmt.Errorf("gammu-smsd stored %q of %d SMS", strings.TrimSpace(out), want)
	}
	return nil
}

func (c *centre) psql(ctx context.Context, program, database string, args ...string) (string, error) {
	args = append([]string{"-X", "-q", "-h", socketOf(c.server), "-U", cluster.Owner, database}, args...)
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %.300s", err, out)
	}
	return string(out), nil
}
