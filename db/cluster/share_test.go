package cluster_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"tali/db/cluster"
)

func TestProcessesShareOneServer(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := start(t, dir)
	other := startHolder(t, dir)
	pid := s.PID()
	if other.server != pid {
		t.Fatalf("other process has server %d, want %d", other.server, pid)
	}
	closeServer(t, s) // the one that started it leaves first
	if !lives(pid) {
		t.Fatal("the server stopped under the other process")
	}
	other.close(t)
	awaitEnd(t, pid)
}

func TestStartsAtTheSameMoment(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	const processes = 4
	holders := make([]*holder, processes)
	errs := make([]error, processes)
	var wg sync.WaitGroup
	for i := range holders {
		wg.Go(func() { holders[i], errs[i] = tryHolder(t, dir) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, h := range holders {
		if h.server != holders[0].server {
			t.Errorf("servers %d and %d in one directory", h.server, holders[0].server)
		}
	}
	for _, h := range holders {
		if !lives(h.server) {
			t.Error("the server stopped before the last process left")
		}
		h.close(t)
	}
	awaitEnd(t, holders[0].server)
}

func TestTwoHoldsInOneProcess(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first, second := start(t, dir), start(t, dir)
	closeServer(t, first)
	if second.PID() == 0 {
		t.Fatal("the server stopped under the second hold")
	}
	closeServer(t, second)
	if pid := pidIn(dir); pid != 0 {
		t.Errorf("server %d lives after the last Close", pid)
	}
}

func TestOrphanIsAdopted(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	h := startHolder(t, dir)
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.cmd.Wait() // killed: always an error
	if !lives(h.server) {
		t.Fatal("kill -9 of the last process ended the server")
	}
	s := start(t, dir)
	if got := s.PID(); got != h.server {
		t.Errorf("after kill -9 the server is %d, want the orphan %d", got, h.server)
	}
	closeServer(t, s)
	awaitEnd(t, h.server)
}

func TestKilledHolderCountsNoLonger(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := start(t, dir)
	h := startHolder(t, dir)
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.cmd.Wait() // killed: always an error
	pid := s.PID()
	closeServer(t, s)
	awaitEnd(t, pid)
}

func TestStalePidFile(t *testing.T) {
	t.Parallel()
	for name, pid := range map[string]int{
		"of this process": os.Getpid(), // alive, and no PostgreSQL
		"of nobody":       1 << 22,     // above any pid_max in use
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newDir(t)
			closeServer(t, start(t, dir))
			stale := strconv.Itoa(pid) + "\n" + filepath.Join(dir, "data") + "\n1700000000\n5432\n/nowhere\n"
			file := filepath.Join(dir, "data", "postmaster.pid")
			if err := os.WriteFile(file, []byte(stale), 0o644); err != nil {
				t.Fatal(err)
			}
			s := start(t, dir)
			if got := s.PID(); got == pid || got == 0 {
				t.Errorf("PID = %d with a stale pid file of %d", got, pid)
			}
		})
	}
}

func TestInterruptOfTheProcessGroup(t *testing.T) {
	t.Parallel()
	h := startHolder(t, newDir(t))
	// What a terminal does at Ctrl-C: SIGINT to the whole foreground group.
	if err := syscall.Kill(-h.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = h.cmd.Wait() // interrupted: always an error
	s := start(t, h.dir)
	if got := s.PID(); got != h.server {
		t.Errorf("after Ctrl-C the server is %d, want %d untouched", got, h.server)
	}
}

func TestEphemeralServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{
		"kill -9": syscall.SIGKILL,
		"Ctrl-C":  syscall.SIGINT,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startHolder(t, "ephemeral")
			if err := syscall.Kill(-h.cmd.Process.Pid, signal); err != nil {
				t.Fatal(err)
			}
			_ = h.cmd.Wait() // killed: always an error
			awaitEnd(t, h.server)
			awaitNoDir(t, h.dir)
		})
	}
}

func TestEphemeralServerLeavesNothing(t *testing.T) {
	t.Parallel()
	h := startHolder(t, "ephemeral")
	h.close(t)
	if lives(h.server) {
		t.Error("the server lives after Close")
	}
	awaitNoDir(t, h.dir)
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(newDir(t), strings.Repeat("long/", 30), "postgres")
	var socket string
	t.Cleanup(func() { // registered first, to run after the server's end
		if err := os.Remove(socket); err != nil {
			t.Error(err)
		}
	})
	s := start(t, dir)
	socket = query(t, open(t, s, cluster.Superuser, cluster.Database), `SHOW unix_socket_directories`)
	socket = strings.Trim(socket, `"`)
	if strings.HasPrefix(socket, dir) {
		t.Errorf("socket directory %s is as long as the data directory's", socket)
	}
	info, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("socket directory has mode %04o, want 0700", got)
	}
	second := start(t, dir)
	if second.PID() != s.PID() {
		t.Error("a second hold did not find the server behind the short socket path")
	}
}
