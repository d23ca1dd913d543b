package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"tali/db/cluster"
)

// taliDrainer is `tali serve --only gateway` as it is shipped, with its answers.
type taliDrainer struct {
	c       *centre
	program string // empty: this very program
}

func (taliDrainer) missing() string {
	if _, err := exec.LookPath("psql"); err != nil {
		return "its rows are counted with psql, which is not installed here (Debian: apt install postgresql-client)"
	}
	return ""
}

func (d taliDrainer) prepare(_ context.Context, device string) ([]string, error) {
	program := d.program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	config, err := d.c.gatewayConfig(fmt.Sprintf("    - {name: m0, device: %q, number: %q}\n", device, benchModem()))
	return []string{program, "serve", "--only", "gateway", "--config", config}, err
}

func (d taliDrainer) stored(ctx context.Context) (map[string]int, error) {
	return d.c.bySender(ctx, cluster.Database, `SELECT sender, count(*) FROM intake.message GROUP BY sender`)
}

// gammuDrainer is gammu-smsd with its PostgreSQL backend.
type gammuDrainer struct{ c *centre }

func (gammuDrainer) missing() string {
	if _, _, err := findGammu(); err != nil {
		return err.Error()
	}
	return ""
}

func (d gammuDrainer) prepare(ctx context.Context, device string) ([]string, error) {
	program, psql, err := findGammu()
	if err != nil {
		return nil, err
	}
	if err := d.c.gammuTables(ctx, psql); err != nil {
		return nil, err
	}
	config, err := d.c.gammuConfig(device)
	return []string{program, "-c", config}, err
}

func (d gammuDrainer) stored(ctx context.Context) (map[string]int, error) {
	return d.c.bySender(ctx, gammuDatabase, `SELECT "SenderNumber", count(*) FROM inbox GROUP BY 1`)
}

// bySender runs a query for senders and how many rows each has.
func (c *centre) bySender(ctx context.Context, database, query string) (map[string]int, error) {
	out, err := c.psql(ctx, "psql", database, "-At", "-c", query)
	if err != nil {
		return nil, err
	}
	rows := make(map[string]int)
	for line := range strings.Lines(out) {
		sender, n, _ := strings.Cut(strings.TrimSpace(line), "|")
		if rows[sender], err = strconv.Atoi(n); err != nil {
			return nil, fmt.Errorf("counting rows of %s: %q", database, line)
		}
	}
	return rows, nil
}

// smstoolsDrainer is smsd of smstools, which stores files.
type smstoolsDrainer struct{ c *centre }

func (smstoolsDrainer) missing() string {
	if _, err := findSmsd(); err != nil {
		return "not installed here (Debian: apt install smstools)"
	}
	return ""
}

// findSmsd also looks where Debian keeps it: not in everybody's PATH.
func findSmsd() (string, error) {
	if path, err := exec.LookPath("smsd"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/smsd")
}

func (d smstoolsDrainer) path(name string) string { return filepath.Join(d.c.dir, "smstools", name) }

func (d smstoolsDrainer) prepare(_ context.Context, device string) ([]string, error) {
	program, err := findSmsd()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("devices = m0\ndelaytime = 1\nerrorsleeptime = 1\nreceive_before_send = yes\nloglevel = 4\n")
	for _, folder := range []string{"outgoing", "checked", "incoming", "failed", "sent"} {
		if err := os.MkdirAll(d.path(folder), 0o700); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s = %s\n", folder, d.path(folder))
	}
	for _, file := range []string{"logfile", "infofile", "pidfile"} {
		fmt.Fprintf(&b, "%s = %s\n", file, d.path(file))
	}
	fmt.Fprintf(&b, "[m0]\ndevice = %s\nincoming = high\nbaudrate = 115200\nrtscts = no\n", device)
	config := d.path("smsd.conf")
	return []string{program, "-t", "-c" + config}, os.WriteFile(config, []byte(b.String()), 0o600)
}

func (d smstoolsDrainer) stored(context.Context) (map[string]int, error) {
	files, err := filepath.Glob(d.path("incoming/*"))
	if err != nil {
		return nil, err
	}
	rows := make(map[string]int)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // renamed since
		}
		if err != nil {
			return nil, err
		}
		_, rest, found := bytes.Cut(text, []byte("From: "))
		sender, _, whole := bytes.Cut(rest, []byte("\n"))
		if found && whole { // otherwise it is being written
			rows["+"+string(sender)]++
		}
	}
	return rows, nil
}
