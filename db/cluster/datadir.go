package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// initialise makes the data directory when there is none. It is made beside
// its place and renamed, so that a crash leaves no half of one.
func (s *Server) initialise(ctx context.Context) error {
	if _, err := os.Stat(s.paths.data); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fresh := s.paths.data + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("removing an unfinished data directory: %w", err)
	}
	err := os.Mkdir(fresh, 0o700)
	if err == nil {
		err = s.as.chown(fresh)
	}
	if err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	if err := s.initdb(ctx, fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, s.paths.data); err != nil {
		return fmt.Errorf("putting the data directory in place: %w", err)
	}
	s.log.Info("private PostgreSQL initialised", "dir", s.paths.data, "version", s.bin.major)
	return syncDir(s.paths.dir)
}

func (s *Server) initdb(ctx context.Context, data string) error {
	args := []string{
		"--pgdata=" + data, "--username=" + Superuser,
		"-E", "UTF8", "--locale=C.UTF-8", // a bare LANG gives SQL_ASCII
		"--data-checksums", "--auth=peer", "--no-instructions",
	}
	if s.opts.Ephemeral {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, s.bin.path("initdb"), args...)
	s.as.own(cmd)
	// initdb's children (postgres --boot) must not go on writing.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb in %s: %w: %s", data, err, lastLines(out, 3))
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeAccess writes who may connect as whom. The files lie outside the data
// directory: as root, tali writes nothing below what is the account's.
func (s *Server) writeAccess() error {
	hba := "# Written by tali at each start.\n" +
		"local all all peer map=tali\n" +
		"local replication " + Superuser + " peer map=tali\n"
	hbaNew, err := replaceFile(s.paths.hba, hba)
	if err != nil {
		return err
	}
	identNew, err := replaceFile(s.paths.ident, identMap(s.as.names()))
	if err != nil {
		return err
	}
	if pid := s.PID(); pid != 0 && (hbaNew || identNew) {
		return syscall.Kill(pid, syscall.SIGHUP)
	}
	return nil
}

// identMap lets each of the operating system's users become each role.
func identMap(users []string) string {
	var b strings.Builder
	b.WriteString("# Written by tali at each start.\n")
	for _, u := range users {
		for _, role := range []string{Superuser, Owner, Gateway, Desk, ResultsReader} {
			fmt.Fprintf(&b, "tali \"%s\" %s\n", u, role)
		}
	}
	return b.String()
}

// replaceFile writes a file by renaming a new one over it, readable for the
// server, and says whether its content changed.
func replaceFile(path, content string) (bool, error) {
	old, err := os.ReadFile(path)
	if err == nil && string(old) == content {
		return false, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, fmt.Errorf("reading %s: %w", path, err)
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, []byte(content), 0o644); err != nil {
		return false, fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Chmod(fresh, 0o644); err != nil { // whatever the umask
		return false, fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return false, fmt.Errorf("writing %s: %w", path, err)
	}
	return true, nil
}

// settings are the server's parameters for this run.
func (s *Server) settings(socketDir string) map[string]string {
	set := map[string]string{
		"listen_addresses":        "",
		"port":                    port,
		"unix_socket_directories": `"` + socketDir + `"`, // a list: quoted against commas and blanks
		"unix_socket_permissions": "0700",
		"hba_file":                s.paths.hba,
		"ident_file":              s.paths.ident,
		"max_wal_size":            "4GB",
		// An intake transaction holds a lock for each phone and station of its batch.
		"max_locks_per_transaction": "256",
		"timezone":                  "UTC",
		"log_timezone":              "UTC",
		"log_line_prefix":           "%m [%p] %q%u@%d ",
		"cluster_name":              "tali",
	}
	if s.opts.Ephemeral {
		set["fsync"] = "off"
		set["full_page_writes"] = "off"
		set["shared_buffers"] = "16MB"
		set["max_connections"] = "200"
		set["jit"] = "off"
	}
	for name, value := range s.opts.Settings {
		set[name] = value
	}
	return set
}

// openLog opens the server's log for appending. A large one from earlier runs
// moves aside first, so that it cannot fill the disk over the years.
func (s *Server) openLog() (*os.File, error) {
	const large = 16 << 20
	if info, err := os.Stat(s.paths.log); err == nil && info.Size() > large {
		if err := os.Rename(s.paths.log, s.paths.log+".1"); err != nil {
			return nil, fmt.Errorf("moving the server's log aside: %w", err)
		}
	}
	f, err := os.OpenFile(s.paths.log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the server's log: %w", err)
	}
	return f, nil
}

// lastLines are the last n lines, joined, for an error message.
func lastLines(text []byte, n int) string {
	lines := strings.Split(string(bytes.TrimSpace(text)), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, " / ")
}

// logTail is the end of what the server wrote after offset.
func (s *Server) logTail(offset int64) string {
	raw, err := os.ReadFile(s.paths.log)
	if err != nil || int64(len(raw)) <= offset {
		return "see " + filepath.Clean(s.paths.log)
	}
	return lastLines(raw[offset:], 2)
}
