package main

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// masterFile is 00 01 02 ... 1f, the key of the published vectors.
func masterFile(t *testing.T) string {
	t.Helper()
	key := make([]byte, keySize)
	for i := range key {
		key[i] = byte(i)
	}
	return file(t, "master.key", hex.EncodeToString(key)+"\n")
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %04o, want %04o", path, got, want)
	}
}

func TestKeyNew(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, name := range []string{"a.key", "b.key"} {
		path := filepath.Join(t.TempDir(), name)
		out := mustTali(t, "key", "new", path)
		text := content(t, path)
		key, err := hex.DecodeString(strings.TrimSuffix(text, "\n"))
		if err != nil || len(key) != 32 || seen[text] {
			t.Errorf("%s holds %q, want 64 hexadecimal digits and others each time", name, text)
		}
		if strings.Contains(out, strings.TrimSpace(text)) {
			t.Error("the key is printed")
		}
		seen[text] = true
		wantMode(t, path, 0o600)
	}
}

func TestKeyIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	master, taken := masterFile(t), file(t, "taken.key", "old\n")
	for _, args := range [][]string{
		{"key", "new", taken},
		{"key", "derive", "--election", "pilkada-2024", "--regency", "7108", master, taken},
		{"key", "derive", "--election", "pilkada-2024", "--regency", "7108", master, master},
	} {
		before := content(t, args[len(args)-1])
		_, err := tali(t, args...)
		wantError(t, err, args[len(args)-1], "never overwritten")
		if got := content(t, args[len(args)-1]); got != before {
			t.Errorf("%q changed the file to %q", args, got)
		}
	}
}

// The published vector: another implementation gets the same key.
func TestKeyDeriveVector(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bolmut.key")
	mustTali(t, "key", "derive", "--election", "pilkada-2024", "--regency", "7108", masterFile(t), path)
	if got, want := content(t, path), "d932e72bfa09d38e385490aab7723f58b7188900e7720f60f5e4ddc7591064eb\nregency 7108 of pilkada-2024\n"; got != want {
		t.Errorf("derived %q, want %q", got, want)
	}
	wantMode(t, path, 0o600)
}

func TestKeyDeriveRefuses(t *testing.T) {
	t.Parallel()
	open := masterFile(t)
	if err := os.Chmod(open, 0o640); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		master, election, regency string
		want                      []string
	}{
		"a dot in the regency":    {masterFile(t), "pilkada-2024", "71.08", []string{"--regency", "71.08", "four digits"}},
		"an election in capitals": {masterFile(t), "PILKADA", "7108", []string{"--election", "PILKADA", "lower-case"}},
		"a key that others read":  {open, "pilkada-2024", "7108", []string{open, "0640", "chmod 0600"}},
		"half a key":              {file(t, "half", "0011\n"), "pilkada-2024", "7108", []string{"half", "64 hexadecimal"}},
		"a regency's key":         {file(t, "bolmut", strings.Repeat("00", 32)+"\nregency 7108 of pilkada-2024\n"), "pilkada-2024", "7108", []string{"bolmut", "7108", "master key is needed"}},
		"a line of something":     {file(t, "odd", strings.Repeat("00", 32)+"\nbolmut\n"), "pilkada-2024", "7108", []string{"odd", "second line"}},
		"no key at all":           {filepath.Join(t.TempDir(), "none"), "pilkada-2024", "7108", []string{"none"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "out.key")
			_, err := tali(t, "key", "derive", "--election", c.election, "--regency", c.regency, c.master, path)
			wantError(t, err, c.want...)
			if _, err := os.Stat(path); err == nil {
				t.Error("a file was written all the same")
			}
		})
	}
	_, err := tali(t, "key", "derive", "--election", "a", "--regency", "7108", "only-one")
	wantError(t, err, "1 arguments", "MASTER and FILE")
}
