package spool

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// checkFullAndBack fills the spool until Keep refuses, makes room, and asserts
// that exactly the acknowledged rows are there, before and after.
func checkFullAndBack(t *testing.T, s *Spool, makeRoom func()) {
	t.Helper()
	acked, next := 0, 0
	for {
		row := single(next)
		if _, err := s.Keep(t.Context(), []PDU{row}); err != nil {
			if !errors.Is(err, ErrFull) {
				t.Fatalf("Keep on a full disk = %v, want ErrFull", err)
			}
			break
		}
		acked++
		if next++; next > 50_000 {
			t.Fatal("the disk never got full")
		}
	}
	if acked == 0 {
		t.Fatal("the disk was full at once: the test shows nothing")
	}
	// Still full: every caller hears it, reading and re-reading go on.
	for range 3 {
		if n, err := s.Keep(t.Context(), []PDU{single(next), single(next + 1)}); !errors.Is(err, ErrFull) || n != 0 {
			t.Errorf("Keep while full = %d, %v, want ErrFull", n, err)
		}
	}
	if n, _, err := s.Undelivered(t.Context()); n != acked || err != nil {
		t.Errorf("%d messages while full (%v), want the %d acknowledged", n, err, acked)
	}
	makeRoom()
	if n := keep(t, s, single(0), single(next), single(next+1)); n != 2 {
		t.Errorf("Keep with room again = %d fresh, want 2", n)
	}
	if n, _, err := s.Undelivered(t.Context()); n != acked+2 || err != nil {
		t.Errorf("%d messages with room again (%v), want %d", n, err, acked+2)
	}
	t.Logf("full after %d messages", acked)
}

func TestFullByPageLimit(t *testing.T) {
	t.Parallel()
	s := open(t)
	limit := func(pages string) {
		err := s.writer.commit(t.Context(), func(tx *txn) error {
			var n int
			return tx.row("PRAGMA max_page_count = "+pages, nil, []any{&n})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit("200")
	checkFullAndBack(t, s, func() { limit("1000000") })
}

// smallDisk is a directory with a file system of its own, for as long as the test.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small tmpfs cannot be mounted here (%v): run as root to fill a real file system", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("Unmount: %v", err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "3m")
	path := filepath.Join(dir, "spool.db")
	s := openAt(t, path)
	checkFullAndBack(t, s, func() {
		if err := unix.Mount("none", dir, "tmpfs", unix.MS_REMOUNT, "size=32m"); err != nil {
			t.Fatal(err)
		}
	})
	n, _, _ := s.Undelivered(t.Context())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if again, _, err := s.Undelivered(t.Context()); again != n || err != nil {
		t.Errorf("%d messages after opening again (%v), want %d", again, err, n)
	}
}

// A gateway that starts on a full disk must come up and drain what it has:
// delivering and pruning is what makes room.
func TestOpenOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "6m")
	path := filepath.Join(dir, "spool.db")
	s := openAt(t, path)
	fill(t, s, 0, 100)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The WAL's index wants 32 KiB; leave just that and a few pages.
	for i := 0; ; i++ {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			t.Fatal(err)
		}
		if st.Bavail < 20 {
			break
		}
		if err := os.WriteFile(filepath.Join(dir, "ballast"+strconv.Itoa(i)), make([]byte, 4096), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = openAt(t, path)
	if got := waiting(t, s); len(got) != 100 {
		t.Errorf("%d messages, want 100", len(got))
	}
}

// One that was closed well has no WAL, and no room to make one: the error says
// that it is the disk.
func TestOpenWithoutAnyRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("a small tmpfs cannot be mounted here (%v): run as root to fill a real file system", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("Unmount: %v", err)
		}
	})
	path := filepath.Join(dir, "spool.db")
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fill"), make([]byte, 4<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if s, err := Open(t.Context(), path, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrFull) {
		t.Errorf("Open on a full disk = %v, %v, want ErrFull", s, err)
	}
}
