package bench

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"tali/db/cluster"
)

// yardstick is PostgreSQL's own benchmark on the server under test.
type yardstick struct {
	program string
	host    string
}

const pgbenchDatabase = "pgbench"

var tpsPattern = regexp.MustCompile(`tps = ([0-9.]+) \(without`)

// newYardstick fills pgbench's tables at scale 10.
func newYardstick(ctx context.Context, server *cluster.Server) (*yardstick, error) {
	program, err := findPgbench()
	if err != nil {
		return nil, err
	}
	if err := server.CreateDatabase(ctx, pgbenchDatabase, "template1"); err != nil {
		return nil, err
	}
	y := &yardstick{program: program, host: socketOf(server)}
	_, err = y.run(ctx, "-i", "-q", "-s", "10")
	return y, err
}

// TPS runs `pgbench -N -c 16 -j 2` over the simple protocol.
func (y *yardstick) TPS(ctx context.Context, seconds int) (float64, error) {
	out, err := y.run(ctx, "-N", "-c", "16", "-j", "2", "-M", "simple", "-T", strconv.Itoa(seconds))
	if err != nil {
		return 0, err
	}
	m := tpsPattern.FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("pgbench printed no tps: %s", out)
	}
	return strconv.ParseFloat(m[1], 64)
}

func (y *yardstick) run(ctx context.Context, args ...string) (string, error) {
	args = append(args, "-h", y.host, "-U", cluster.Owner, pgbenchDatabase)
	cmd := exec.CommandContext(ctx, y.program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("pgbench %s: %w: %s", strings.Join(args, " "), err, out.String())
	}
	return out.String(), nil
}

// findPgbench looks in PATH and where Debian keeps it.
func findPgbench() (string, error) {
	if dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench"); len(dirs) > 0 {
		return dirs[len(dirs)-1], nil
	}
	path, err := exec.LookPath("pgbench")
	if err != nil {
		return "", fmt.Errorf("pgbench is not installed: it comes with the PostgreSQL server package: %w", err)
	}
	return path, nil
}

// socketOf is the host of the server's DSN: its socket directory.
func socketOf(server *cluster.Server) string {
	for _, word := range strings.Fields(server.DSN(cluster.Owner, pgbenchDatabase)) {
		if host, ok := strings.CutPrefix(word, "host="); ok {
			return strings.Trim(host, "'")
		}
	}
	return ""
}
