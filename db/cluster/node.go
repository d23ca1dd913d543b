package cluster

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lib/pq"
)

// Node is a server on the loopback interface that rehearses what a private server
// does not have: a standby, a promotion, TLS. Its directory holds nothing that
// counts. A Node is for one goroutine.
type Node struct {
	opts NodeOptions
	as   account
	bin  binaries
	cmd  *child
}

// NodeOptions say where a node lives.
type NodeOptions struct {
	Dir      string // its parents must be open to the operating system's user postgres
	Port     int    // on 127.0.0.1
	Password string // of all roles, also on standbys
	Access   string // lines of pg_hba.conf; empty: every role by password
	Settings map[string]string
}

// slot keeps on a primary what its one standby has not received yet.
const slot = "standby"

// NewNode prepares a node; Initialise or Clone makes its data, Start starts it.
func NewNode(o NodeOptions) (*Node, error) {
	as, err := serverAccount()
	if err != nil {
		return nil, err
	}
	bin, err := newest(findBinaries(os.Getenv("PATH"), serverDirs()))
	if err != nil {
		return nil, err
	}
	if err := mkdirs(o.Dir, 0o711); err != nil {
		return nil, err
	}
	if o.Access == "" {
		o.Access = "host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n"
	}
	n := &Node{opts: o, as: as, bin: bin}
	return n, errors.Join(as.reaches(o.Dir), os.WriteFile(n.path("pg_hba.conf"), []byte(o.Access), 0o644))
}

// FreePort is a port of the loopback interface that nobody uses now.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (n *Node) path(name string) string { return filepath.Join(n.opts.Dir, name) }

func (n *Node) data() string { return n.path("data") }

// Port is where the node listens.
func (n *Node) Port() int { return n.opts.Port }

// fresh makes an empty data directory in the place of what was there.
func (n *Node) fresh() error {
	err := os.RemoveAll(n.data())
	if err == nil {
		err = os.Mkdir(n.data(), 0o700)
	}
	if err == nil {
		err = n.as.chown(n.data())
	}
	return err
}

// Initialise makes an empty server.
func (n *Node) Initialise(ctx context.Context) error {
	if err := n.fresh(); err != nil {
		return err
	}
	secret := n.path("password")
	if err := os.WriteFile(secret, []byte(n.opts.Password+"\n"), 0o600); err != nil {
		return err
	}
	if err := n.as.chown(secret); err != nil {
		return err
	}
	return errors.Join(n.tool(ctx, "initdb", "--pgdata="+n.data(), "--username="+Superuser, "--pwfile="+secret, "--auth=scram-sha-256",
		"-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"), os.Remove(secret))
}

// Clone makes the node a standby of a primary that runs.
func (n *Node) Clone(ctx context.Context, primary *Node) error {
	if err := n.fresh(); err != nil {
		return err
	}
	return n.tool(ctx, "pg_basebackup", "--pgdata="+n.data(), "--host=127.0.0.1", "--port="+strconv.Itoa(primary.opts.Port), "--username="+Superuser,
		"--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--create-slot", "--slot="+slot)
}

func (n *Node) tool(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, n.bin.path(name), args...)
	n.as.own(cmd)
	cmd.Env = append(cmd.Env, "PGPASSWORD="+n.opts.Password)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s for the node on port %d: %w: %s", name, n.opts.Port, err, lastLines(out, 3))
	}
	return nil
}

// Start starts the server and waits until it answers, as a primary or a standby.
func (n *Node) Start(ctx context.Context) error {
	log, err := os.OpenFile(n.path("server.log"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	set := map[string]string{
		"listen_addresses": "127.0.0.1", "port": strconv.Itoa(n.opts.Port), "unix_socket_directories": "", "hba_file": n.path("pg_hba.conf"),
		"max_locks_per_transaction": "256", "max_connections": "60", "shared_buffers": "32MB", "timezone": "UTC", "hot_standby": "on",
		"wal_receiver_status_interval": "1s", "wal_retrieve_retry_interval": "100ms", "cluster_name": "node" + strconv.Itoa(n.opts.Port),
	}
	for name, value := range n.opts.Settings {
		set[name] = value
	}
	args := []string{"-D", n.data()}
	for name, value := range set {
		args = append(args, "-c", name+"="+value)
	}
	cmd := exec.Command(n.bin.path("postgres"), args...) // ended by Stop or Kill
	n.as.own(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the node on port %d: %w", n.opts.Port, err)
	}
	n.cmd = &child{cmd: cmd, done: make(chan struct{})}
	go func(c *child) { c.err = cmd.Wait(); close(c.done) }(n.cmd)
	return n.answers(ctx)
}

func (n *Node) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	db, err := n.Open(Superuser, "postgres")
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		err := db.PingContext(ctx)
		switch {
		case err == nil:
			return nil
		case !n.cmd.alive():
			text, _ := os.ReadFile(n.path("server.log")) // what it says helps, where there is something
			return fmt.Errorf("the node on port %d did not start: %w: %s", n.opts.Port, n.cmd.err, lastLines(text, 2))
		case refused(err):
			return fmt.Errorf("connecting to the node on port %d: %w", n.opts.Port, err)
		}
		if waited := pause(ctx, poll); waited != nil {
			return fmt.Errorf("waiting for the node on port %d: %w (last: %w)", n.opts.Port, waited, err)
		}
	}
}

// DSN is the connection string of a role for lib/pq.
func (n *Node) DSN(role, dbname string) string { return DSNOf(role, dbname, n) }

// DSNOf is the connection string of a role for whichever of the nodes takes writes.
func DSNOf(role, dbname string, nodes ...*Node) string {
	var hosts, ports []string
	for _, n := range nodes {
		hosts, ports = append(hosts, "127.0.0.1"), append(ports, strconv.Itoa(n.opts.Port))
	}
	attrs := ""
	if len(nodes) > 1 {
		attrs = " target_session_attrs=read-write"
	}
	return fmt.Sprintf("host=%s port=%s user=%s password=%s dbname=%s sslmode=disable connect_timeout=3%s",
		strings.Join(hosts, ","), strings.Join(ports, ","), quoteDSN(role), quoteDSN(nodes[0].opts.Password), quoteDSN(dbname), attrs)
}

// Open is a pool on the node.
func (n *Node) Open(role, dbname string) (*sql.DB, error) {
	connector, err := pq.NewConnector(n.DSN(role, dbname))
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// CreateRoles creates what a superuser creates for a database of an operator's: the
// roles, with the node's password, and the database.
func (n *Node) CreateRoles(ctx context.Context) (err error) {
	db, err := n.Open(Superuser, "postgres")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, role := range []string{Owner, Gateway, Desk, ResultsReader} {
		if err := createRole(ctx, db, role); err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, `ALTER ROLE `+role+` PASSWORD `+pq.QuoteLiteral(n.opts.Password)); err != nil {
			return err
		}
	}
	if err := createArea(ctx, db); err != nil {
		return err
	}
	return createDatabase(ctx, db, Database, "template0")
}

// exec runs statements as superuser, each on its own.
func (n *Node) exec(ctx context.Context, statements ...string) (err error) {
	db, err := n.Open(Superuser, "postgres")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// Synchronous makes each commit of the primary wait for its standby, and returns
// when the standby keeps step.
func (n *Node) Synchronous(ctx context.Context) error {
	if err := n.exec(ctx, `ALTER SYSTEM SET synchronous_standby_names = '*'`, `SELECT pg_reload_conf()`); err != nil {
		return err
	}
	return n.await(ctx, `SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'`)
}

// Alone takes the wait out of the configuration, before it is cloned: a standby
// that is promoted must not wait for one that is not there yet.
func (n *Node) Alone(ctx context.Context) error {
	return n.exec(ctx, `ALTER SYSTEM RESET synchronous_standby_names`, `SELECT pg_reload_conf()`)
}

// Promote makes the standby a primary and returns once it takes writes.
func (n *Node) Promote(ctx context.Context) error { return n.exec(ctx, `SELECT pg_promote()`) }

// CancelWaits waits until commits wait for the standby, and cancels their waits, as
// an impatient administrator does. They are committed here and nowhere else.
func (n *Node) CancelWaits(ctx context.Context) error {
	return n.await(ctx, `SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
}

// await asks until the answer is a number above zero.
func (n *Node) await(ctx context.Context, query string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	db, err := n.Open(Superuser, "postgres")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for {
		var count int
		if err := db.QueryRowContext(ctx, query).Scan(&count); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		if count > 0 {
			return nil
		}
		if err := pause(ctx, poll); err != nil {
			return fmt.Errorf("waiting for %s: %w", query, err)
		}
	}
}

// Kill ends all of the server's processes at once with SIGKILL, as a power cut
// does, and waits until they are gone.
func (n *Node) Kill(ctx context.Context) error {
	if n.cmd == nil {
		return nil
	}
	for _, pid := range append([]int{n.cmd.cmd.Process.Pid}, workersIn(n.data())...) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("killing process %d of the node on port %d: %w", pid, n.opts.Port, err)
		}
	}
	<-n.cmd.done
	for anyWorksIn(n.data()) {
		if err := pause(ctx, poll); err != nil {
			return err
		}
	}
	return nil
}

// workersIn are the processes of the server in a data directory.
func workersIn(data string) []int {
	procs, _ := filepath.Glob("/proc/[0-9]*") // only a malformed pattern fails
	var out []int
	for _, proc := range procs {
		if pid, err := strconv.Atoi(filepath.Base(proc)); err == nil && worksIn(proc, data) {
			out = append(out, pid)
		}
	}
	return out
}

// Keep writes a file that only the server may read, a TLS key for one, and returns
// its path.
func (n *Node) Keep(name string, content []byte) (string, error) {
	path := n.path(name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", err
	}
	return path, n.as.chown(path)
}
