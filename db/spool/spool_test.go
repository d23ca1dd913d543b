package spool

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b", "100%?#é")
	s := openAt(t, filepath.Join(dir, "spool.db"))
	keep(t, s, single(1))
	for name, want := range map[string]fs.FileMode{".": fs.ModeDir | 0o700, "spool.db": 0o600, "spool.db-wal": 0o600,
		"spool.db-shm": 0o600, "spool.db.lock": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info, err, want)
		}
	}
	for query, want := range map[string]int{"PRAGMA synchronous": 2, "PRAGMA mmap_size": 0, "PRAGMA cache_size": -4096} {
		var got int
		if err := s.writer.commit(t.Context(), func(tx *txn) error { return tx.row(query, nil, []any{&got}) }); err != nil || got != want {
			t.Errorf("%s = %d, %v, want %d", query, got, err, want)
		}
	}
	if err := s.reader.each(t.Context(), "DELETE FROM message", nil, nil); err == nil {
		t.Error("a reader may write")
	}
}

func TestOpenLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "spool.db")
	s := openAt(t, path)
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, link} {
		_, err := Open(t.Context(), p, nil)
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "process ") {
			t.Errorf("Open(%s) = %v, want ErrLocked with path and holder", p, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  error
		says  string
	}{
		{"newer version", func(t *testing.T, p string) { alter(t, p, "PRAGMA user_version = 3") }, ErrVersion, "version 3, this tali reads 2: run the tali"},
		{"another program's", func(t *testing.T, p string) { alter(t, p, "PRAGMA application_id = 5") }, ErrForeign, "another program"},
		{"not SQLite", func(t *testing.T, p string) { patch(t, p, 0, bytes.Repeat([]byte("x"), 100)) }, ErrDamaged, "sets it aside"},
		{"garbage pages", func(t *testing.T, p string) { patch(t, p, 4096, bytes.Repeat([]byte{0xa5}, 8192)) }, ErrDamaged, "sets it aside"},
		{"cut off", func(t *testing.T, p string) {
			if err := os.Truncate(p, 3*4096); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, "sets it aside"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "spool.db")
			s := openAt(t, path)
			fill(t, s, 0, 200)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			tc.spoil(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(t.Context(), path, slog.New(slog.DiscardHandler))
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), tc.says) ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("Open = %v, want %v with path and %q on one line", err, tc.want, tc.says)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the refused file was changed (%v)", err)
			}
			// The refusal lets go of the lock.
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			openAt(t, path)
		})
	}
}

func alter(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func patch(t *testing.T, path string, at int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s := open(t)
	stop := make(chan struct{})
	go func() { // callers at work while the spool closes
		defer close(stop)
		for i := range 10_000 {
			if _, err := s.Keep(t.Context(), []PDU{single(i)}); err != nil {
				if !errors.Is(err, ErrClosed) {
					t.Errorf("Keep while closing = %v", err)
				}
				return
			}
		}
	}()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	<-stop
	if _, err := s.Keep(t.Context(), []PDU{single(1)}); !errors.Is(err, ErrClosed) {
		t.Errorf("Keep after Close = %v, want ErrClosed", err)
	}
	if _, err := s.Waiting(t.Context(), 0, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("Waiting after Close = %v, want ErrClosed", err)
	}
}

// TestFirstVersion: a file that the first version wrote is brought up to date, with all that is in it.
func TestFirstVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool.db")
	alter(t, path, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; %s", applicationID, firstVersion, schema)+`
		INSERT INTO message (key, kind, parts, modem, imsi, hex, sender, text, reason, sent_at, received_at, last_seen)
		VALUES (zeroblob(32), 'text', 0, 'm1', '', '07', '', 'SATU', '', 1, 1, 1);
		INSERT INTO part (key, modem, imsi, hex, sender, text, sent_at, read_at, last_seen, ref, width, total, seq, use)
		VALUES (zeroblob(32), 'm1', '', '08', '', 'DUA', 1, 1, 1, 1, 8, 2, 1, 'open')`)
	s := openAt(t, path)
	if got := waiting(t, s); len(got) != 1 || got[0].Text != "SATU" {
		t.Errorf("Waiting = %+v, want what the first version kept", got)
	}
	if got := shape(groups(t, s)); got != "DUA-" {
		t.Errorf("Groups = %q, want the part that the first version kept", got)
	}
	row := single(1)
	row.Store, row.Slot = "ME", 3
	keep(t, s, row, part(1, 2, 1, "a"))
	held, err := s.HeldOfOthers(t.Context(), row.Modem, "another")
	if err != nil || len(held) != 1 || held[0].Hex != row.Hex || held[0].Slot != 3 {
		t.Errorf("HeldOfOthers = %+v, %v, want the row in slot 3", held, err)
	}
}
