package cluster_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"tali/db/cluster"
)

// holderDir makes the test binary a process that holds the private server in
// that directory: it prints the server's pid, and closes at the end of its
// standard input.
const holderDir = "TALI_TEST_HOLDER_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(holderDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := hold(dir); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func hold(dir string) error {
	o := cluster.Options{Dir: dir}
	if dir == "ephemeral" {
		o = cluster.Options{Ephemeral: true}
	}
	s, err := cluster.Start(context.Background(), o)
	if err != nil {
		return err
	}
	fmt.Println(s.PID(), filepath.Dir(s.LogFile()))
	// The end of the input, whatever came before it, is the word to leave.
	_, _ = bufio.NewReader(os.Stdin).ReadString(0)
	return s.Close()
}

// holder is another tali process.
type holder struct {
	cmd    *exec.Cmd
	leave  func() error
	server int
	dir    string
}

func startHolder(t *testing.T, dir string) *holder {
	t.Helper()
	h, err := tryHolder(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// tryHolder may be called from any goroutine of the test.
func tryHolder(t *testing.T, dir string) (*holder, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderDir+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // when the test failed half-way
	h := &holder{cmd: cmd, leave: in.Close}
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanErr := fmt.Sscan(line, &h.server, &h.dir); scanErr != nil {
		return nil, fmt.Errorf("other process said %q (%v), want the server's pid", line, err)
	}
	return h, nil
}

func (h *holder) close(t *testing.T) {
	t.Helper()
	if err := h.leave(); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil {
		t.Fatalf("other process: %v", err)
	}
}

// newDir is a directory that the server's account can reach; t.TempDir's is
// closed to others.
func newDir(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("/tmp", "tali-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "postgres")
	t.Cleanup(func() {
		if pid := pidIn(dir); pid != 0 { // a test failed half-way
			_ = syscall.Kill(pid, syscall.SIGQUIT)
			awaitEnd(t, pid)
		}
		if err := os.RemoveAll(parent); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func start(t *testing.T, dir string) *cluster.Server {
	t.Helper()
	s, err := cluster.Start(t.Context(), cluster.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeServer(t, s) })
	return s
}

func closeServer(t *testing.T, s *cluster.Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func pidIn(dir string) int {
	raw, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil || !lives(pid) {
		return 0
	}
	return pid
}

// lives says whether a process runs; a zombie does not.
func lives(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for lives(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d lives on", pid)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func open(t *testing.T, s *cluster.Server, role, dbname string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", s.DSN(role, dbname))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // the server may be gone: then there is nobody to say goodbye to
	return db
}

func query(t *testing.T, db *sql.DB, q string) string {
	t.Helper()
	var v string
	if err := db.QueryRowContext(t.Context(), q).Scan(&v); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return v
}

func exec1(t *testing.T, db *sql.DB, q string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), q); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

func TestStartStopsAndKeepsData(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := start(t, dir)
	db := open(t, s, cluster.Owner, cluster.Database)
	exec1(t, db, `CREATE TABLE kept (n int)`)
	exec1(t, db, `INSERT INTO kept VALUES (42)`)
	pid := s.PID()
	closeServer(t, s)
	if lives(pid) {
		t.Fatalf("server %d lives after the last Close", pid)
	}
	if got := s.PID(); got != 0 {
		t.Errorf("PID after Close = %d, want 0", got)
	}

	again := start(t, dir)
	if got := query(t, open(t, again, cluster.Owner, cluster.Database), `SELECT n FROM kept`); got != "42" {
		t.Errorf("after a restart n = %s, want 42", got)
	}
}

func TestServerSettings(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := start(t, dir)
	db := open(t, s, cluster.Superuser, cluster.Database)
	for name, want := range map[string]string{
		"server_encoding":         "UTF8",
		"lc_collate":              "C.UTF-8",
		"data_checksums":          "on",
		"listen_addresses":        "",
		"max_wal_size":            "4GB",
		"fsync":                   "on",
		"synchronous_commit":      "on",
		"TimeZone":                "UTC",
		"unix_socket_permissions": "0700",
	} {
		if got := query(t, db, `SHOW `+name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("socket directory has mode %04o, want 0700", got)
	}
	methods := query(t, db, `SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules`)
	if methods != "peer" {
		t.Errorf("authentication methods = %s, want peer alone", methods)
	}
}

func TestSettingsOfTheCallerWin(t *testing.T) {
	t.Parallel()
	s, err := cluster.Start(t.Context(), cluster.Options{
		Ephemeral: true,
		Settings:  map[string]string{"max_connections": "17"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer closeServer(t, s)
	db := open(t, s, cluster.Superuser, cluster.Database)
	if got := query(t, db, `SHOW max_connections`); got != "17" {
		t.Errorf("max_connections = %s, want 17", got)
	}
}

func TestEphemeralRefusesADirectory(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	if _, err := cluster.Start(t.Context(), cluster.Options{Dir: dir, Ephemeral: true}); err == nil {
		t.Error("Start took a directory for an ephemeral server, which would remove it")
	}
}

func TestCancelledStartLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	closeServer(t, start(t, dir)) // initialised, so that the cancel meets the server itself
	for _, after := range []time.Duration{1, 5, 10, 20, 40} {
		ctx, cancel := context.WithTimeout(t.Context(), after*time.Millisecond)
		s, err := cluster.Start(ctx, cluster.Options{Dir: dir})
		cancel()
		if err == nil {
			closeServer(t, s)
		}
		if pid := pidIn(dir); pid != 0 {
			t.Fatalf("a Start cancelled after %d ms left server %d", after, pid)
		}
	}
}

func TestEnsureAndStop(t *testing.T) {
	t.Parallel()
	s := start(t, newDir(t))
	db := open(t, s, cluster.Owner, cluster.Database)
	exec1(t, db, `CREATE TABLE kept (n int)`)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.PingContext(t.Context()); err == nil {
		t.Fatal("the server answers after Stop")
	}
	if err := s.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec1(t, db, `INSERT INTO kept VALUES (1)`)

	pid := s.PID()
	if err := s.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.PID(); got != pid {
		t.Errorf("Ensure of a running server changed its pid from %d to %d", pid, got)
	}

	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := s.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := query(t, db, `SELECT count(*) FROM kept`); got != "1" {
		t.Errorf("rows after kill -9 of the server = %s, want 1", got)
	}
}

func awaitNoDir(t *testing.T, dir string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", dir)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
