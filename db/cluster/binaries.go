package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minMajor is the oldest PostgreSQL that tali runs on.
const minMajor = 15

// ErrNoServer says that no usable PostgreSQL is installed, and what to do.
var ErrNoServer = errors.New(`PostgreSQL 15 or newer is not installed: install the server package` +
	` (Debian, Ubuntu: "apt-get install postgresql"; Fedora: "dnf install postgresql-server";` +
	` Alpine: "apk add postgresql") or set database.dsn`)

// binaries is one installed PostgreSQL.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// serverDirs are the places, as patterns, where distributions keep servers
// outside PATH: Debian, the PostgreSQL project's RPMs, Alpine, built by hand.
func serverDirs() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/usr/libexec/postgresql*",
		"/usr/local/pgsql/bin",
	}
}

// findBinaries lists the installed servers: the one in PATH, then those under
// the patterns, newest first.
func findBinaries(path string, patterns []string) []binaries {
	var found []binaries
	for _, dir := range filepath.SplitList(path) {
		if b, ok := inspect(dir); ok {
			found = append(found, b)
		}
	}
	var others []binaries
	for _, pattern := range patterns {
		dirs, _ := filepath.Glob(pattern) // only a malformed pattern fails, and these are constants
		for _, dir := range dirs {
			if b, ok := inspect(dir); ok {
				others = append(others, b)
			}
		}
	}
	slices.SortStableFunc(others, func(a, b binaries) int { return b.major - a.major })
	return append(found, others...)
}

// inspect asks the postgres in dir for its version. Links are followed:
// initdb looks for postgres beside itself.
func inspect(dir string) (binaries, bool) {
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil || !filepath.IsAbs(real) {
		return binaries{}, false
	}
	b := binaries{dir: filepath.Dir(real)}
	if _, err := os.Stat(b.path("initdb")); err != nil {
		return binaries{}, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, real, "--version").Output()
	if err != nil {
		return binaries{}, false
	}
	b.major = majorVersion(string(out))
	return b, b.major > 0
}

// majorVersion reads "postgres (PostgreSQL) 15.18 (Debian ...)", 0 if it is
// something else.
func majorVersion(line string) int {
	m := regexp.MustCompile(`\(PostgreSQL\) (\d+)`).FindStringSubmatch(line)
	if m == nil {
		return 0
	}
	major, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return major
}

// newest is the first that is new enough: PATH is the user's choice.
func newest(found []binaries) (binaries, error) {
	for _, b := range found {
		if b.major >= minMajor {
			return b, nil
		}
	}
	if len(found) > 0 {
		return binaries{}, fmt.Errorf("%w (found: version %s)", ErrNoServer, versions(found))
	}
	return binaries{}, ErrNoServer
}

// matching is a server of the major version that made the data directory:
// no other opens it.
func matching(found []binaries, major int, data string) (binaries, error) {
	for _, b := range found {
		if b.major == major {
			return b, nil
		}
	}
	have := versions(found)
	if have == "" {
		have = "none"
	}
	return binaries{}, fmt.Errorf("%s was made by PostgreSQL %d, and installed is %s:"+
		" install the server package of version %d, or convert the directory with pg_upgrade", data, major, have, major)
}

func versions(found []binaries) string {
	var list []string
	for _, b := range found {
		if v := strconv.Itoa(b.major); !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return strings.Join(list, ", ")
}

// dataVersion is the major version that made a data directory, 0 when there
// is none yet.
func dataVersion(data string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading version of the data directory: %w", err)
	}
	text := strings.TrimSpace(string(raw))
	whole, _, _ := strings.Cut(text, ".") // before 10 the major version had two parts
	major, err := strconv.Atoi(whole)
	if err != nil {
		return 0, fmt.Errorf("%s holds no PostgreSQL version but %q", filepath.Join(data, "PG_VERSION"), text)
	}
	return major, nil
}
