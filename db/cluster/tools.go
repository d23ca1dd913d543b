package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
)

// Tools are PostgreSQL's own programs for dumps: pg_dump, pg_restore, psql.
type Tools struct{ bin binaries }

// ErrNoTools says that no usable pg_dump is installed.
var ErrNoTools = errors.New("no pg_dump with its pg_restore and psql was found for it")

// FindTools returns the tools for a server of a major version: those of the same
// version, or else of the next newer one. An older pg_dump refuses the server.
func FindTools(major int) (Tools, error) {
	return toolsFor(major, append(toolDirs(serverDirs()), filepath.SplitList(os.Getenv("PATH"))...))
}

// toolDirs are the directories under the patterns; PATH comes behind them, as
// Debian's programs there are wrappers that choose a version themselves.
func toolDirs(patterns []string) []string {
	var out []string
	for _, pattern := range patterns {
		dirs, _ := filepath.Glob(pattern) // only a malformed pattern fails, and these are constants
		out = append(out, dirs...)
	}
	return out
}

func toolsFor(major int, dirs []string) (Tools, error) {
	var found []binaries
	for _, dir := range dirs {
		if b, ok := inspectTools(dir); ok {
			found = append(found, b)
		}
	}
	slices.SortStableFunc(found, func(a, b binaries) int { return a.major - b.major })
	for _, b := range found {
		if b.major >= major {
			return Tools{b}, nil
		}
	}
	have := versions(found)
	if have == "" {
		have = "none"
	}
	return Tools{}, fmt.Errorf("the server is PostgreSQL %d: %w (found: %s): install its client package"+
		` (Debian: "apt-get install postgresql-client-%d")`, major, ErrNoTools, have, major)
}

// inspectTools asks the pg_dump in dir for its version.
func inspectTools(dir string) (binaries, bool) {
	for _, name := range []string{"pg_dump", "pg_restore", "psql"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return binaries{}, false
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "pg_dump"), "--version").Output()
	if err != nil {
		return binaries{}, false
	}
	b := binaries{dir: dir, major: majorVersion(string(out))}
	return b, b.major > 0
}

// Major is the version of the tools.
func (t Tools) Major() int { return t.bin.major }

// Command is one of the tools, connected as dsn says. Nothing of dsn shows in the
// list of processes.
func (t Tools) Command(ctx context.Context, tool, dsn string, args ...string) (*exec.Cmd, error) {
	env, err := toolEnv(dsn)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tool, err)
	}
	cmd := exec.CommandContext(ctx, t.bin.path(tool), args...)
	cmd.Env = append(os.Environ(), env...)
	return cmd, nil
}

// toolEnv is a DSN of lib/pq as libpq reads it from the environment.
func toolEnv(dsn string) ([]string, error) {
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, err
	}
	hosts, ports := []string{cfg.Host}, []string{strconv.Itoa(int(cfg.Port))}
	for _, more := range cfg.Multi {
		hosts, ports = append(hosts, more.Host), append(ports, strconv.Itoa(int(more.Port)))
	}
	env := []string{"PGHOST=" + strings.Join(hosts, ","), "PGPORT=" + strings.Join(ports, ",")}
	for name, value := range map[string]string{
		"PGDATABASE": cfg.Database, "PGUSER": cfg.User, "PGPASSWORD": cfg.Password, "PGPASSFILE": cfg.Passfile,
		"PGSSLMODE": string(cfg.SSLMode), "PGSSLROOTCERT": cfg.SSLRootCert, "PGSSLCERT": cfg.SSLCert, "PGSSLKEY": cfg.SSLKey,
		"PGTARGETSESSIONATTRS": string(cfg.TargetSessionAttrs), "PGOPTIONS": cfg.Options,
	} {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	if cfg.Hostaddr.IsValid() {
		env = append(env, "PGHOSTADDR="+cfg.Hostaddr.String())
	}
	return append(env, "LC_ALL=C.UTF-8", "PGCONNECT_TIMEOUT=10"), nil
}
