package spool

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSalvage: of a spool with broken pages everything is taken over that does
// not lie on them, and the broken file stays as it is.
func TestSalvage(t *testing.T) {
	t.Parallel()
	const all = 2000
	path := filepath.Join(t.TempDir(), "spool.db")
	s := openAt(t, path)
	fill(t, s, 0, all)
	if err := s.Delivered(t.Context(), []int64{1, 2, 3}, noon); err != nil {
		t.Fatal(err)
	}
	part := single(all)
	part.Kind, part.Part = KindPart, Part{Ref: 7, Width: 8, Total: 2, Seq: 1}
	keep(t, s, part)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	broken := info.Size() / 2 / 4096 * 4096
	patch(t, path, broken, bytes.Repeat([]byte{0xa5}, 2*4096))
	if _, err := Open(t.Context(), path, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrDamaged) {
		t.Fatalf("Open = %v, want ErrDamaged", err)
	}
	aside, err := SetAside(path, noon)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Aside(path); err != nil || len(got) != 1 || got[0] != aside {
		t.Errorf("Aside = %v, %v, want %s", got, err, aside)
	}
	before, err := os.ReadFile(aside)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Raw{}
	err = Salvage(t.Context(), aside, func(r Raw) error { got[r.Hex] = r; return nil })
	if err != nil && !errors.Is(err, ErrDamaged) {
		t.Errorf("Salvage = %v, want ErrDamaged or none", err)
	}
	if len(got) < all*9/10 || len(got) > all-2 {
		t.Errorf("%d of %d SMS taken over, want nearly all and none of the three that the centre has", len(got), all)
	}
	for n := range all {
		want := single(n)
		if r, found := got[want.Hex]; found && (r.Modem != want.Modem || r.IMSI != want.IMSI || !r.ReadAt.Equal(want.ReadAt)) {
			t.Fatalf("SMS %d = %+v, want %+v", n, r, want)
		}
	}
	if _, found := got[single(0).Hex]; found {
		t.Error("what the centre has confirmed is taken over again")
	}
	if _, found := got[part.Hex]; !found {
		t.Error("a part is missed")
	}
	if after, err := os.ReadFile(aside); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the damaged file was changed (%v)", err)
	}
	full := errors.New("no room")
	if err := Salvage(t.Context(), aside, func(Raw) error { return full }); !errors.Is(err, full) {
		t.Errorf("Salvage into a full disk = %v", err)
	}
	openAt(t, path) // a new one
}

// TestEmptiedSpool: a file that was made empty, or removed, is not taken for a new
// one while its journal holds what was never folded in.
func TestEmptiedSpool(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"emptied": func(path string) error { return os.Truncate(path, 0) },
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := filepath.Join(t.TempDir(), "spool.db")
			path := filepath.Join(t.TempDir(), "spool.db")
			fill(t, openAt(t, from), 0, 20) // it stays open: its journal is not folded in
			for _, end := range []string{"", "-wal"} {
				data, err := os.ReadFile(from + end)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path+end, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), path, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrDamaged) {
				t.Fatalf("Open = %v, want ErrDamaged", err)
			}
			aside, err := SetAside(path, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(aside + "-wal"); err != nil || info.Size() == 0 {
				t.Errorf("the journal is not kept: %v", err)
			}
			if err := Salvage(context.Background(), aside, func(Raw) error { return nil }); !errors.Is(err, ErrDamaged) && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Salvage = %v", err)
			}
			openAt(t, path)
		})
	}
}
