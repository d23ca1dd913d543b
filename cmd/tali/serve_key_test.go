package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tali/configs"
	"tali/parser"
)

// Nothing is opened while the key that codes are checked with is missing, open
// to others, or another's.
func TestServeRefusesAWrongKey(t *testing.T) {
	t.Parallel()
	foreign := filepath.Join(t.TempDir(), "foreign.key")
	mustTali(t, "key", "derive", "--election", "pemilu-2024", "--regency", "7108", masterFile(t), foreign)
	open := masterFile(t)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key  string
		want []string
	}{
		"none":                   {"", []string{"auth.master_key_file is empty", "required", "tali key derive"}},
		"of another election":    {"  master_key_file: " + foreign + "\n", []string{"auth.master_key_file", foreign, "pemilu-2024", "tali key derive"}},
		"that others could read": {"  master_key_file: " + open + "\n", []string{"auth.master_key_file", "0644", "chmod 0600"}},
		"that is no key":         {"  master_key_file: " + file(t, "no.key", "rahasia\n") + "\n", []string{"auth.master_key_file", "64 hexadecimal"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := refused(t, modemText+"data_dir: DIR\nauth:\n  mode: required\n"+c.key)
			for _, part := range c.want {
				wantPart(t, out, part)
			}
		})
	}
}

// A gateway comes to the same key by both files, and holds no master.
func TestGatewayHoldsTheRegencyKeyOnly(t *testing.T) {
	t.Parallel()
	p, err := configs.LoadProfile("pilkada-2024-bolmut")
	if err != nil {
		t.Fatal(err)
	}
	if p, err = configs.WithAuth(p, parser.AuthRequired); err != nil {
		t.Fatal(err)
	}
	derived := filepath.Join(t.TempDir(), "bolmut.key")
	mustTali(t, "key", "derive", "--election", "pilkada-2024", "--regency", "7108", masterFile(t), derived)
	const want = "d932e72bfa09d38e385490aab7723f58b7188900e7720f60f5e4ddc7591064eb"
	for _, path := range []string{masterFile(t), derived} {
		key, err := gatewayKey(configs.Auth{MasterKeyFile: path}, p)
		if err != nil || fmt.Sprintf("%x", key) != want {
			t.Errorf("key by %s = %x, %v, want %s", path, key, err, want)
		}
	}
	master, err := readKeyFile(masterFile(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := master.forRegency("", p); err != nil || string(master.key) != string(make([]byte, keySize)) {
		t.Errorf("the master key stays in memory, %v", err)
	}
}
