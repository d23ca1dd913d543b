package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The key is made once, for its owner alone, and never made anew over one that
// cannot be read.
func TestDeskSeal(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet") // a desk on a machine of its own
	path := filepath.Join(dir, sealFile)
	if _, err := deskSeal(dir); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of %s: %v, %v, want 0600", sealFile, info.Mode(), err)
	}
	if _, err := deskSeal(dir); err != nil {
		t.Errorf("the second start: %v", err)
	}
	if again, err := os.ReadFile(path); err != nil || string(again) != string(first) {
		t.Errorf("the second start wrote another key (%v)", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = deskSeal(dir)
	wantError(t, err, "0644", "chmod 0600")
	if err := os.WriteFile(path, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = deskSeal(dir)
	wantError(t, err, "hexadecimal")
	if text, err := os.ReadFile(path); err != nil || string(text) != "x\n" {
		t.Errorf("a broken key was replaced by %q, %v", text, err)
	}
}
