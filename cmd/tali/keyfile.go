package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"tali/configs"
	"tali/parser"
)

// keySize is the length of a master key and of a regency's key in bytes.
const keySize = 32

// keyFile is a key as it stands in its file: 64 hexadecimal digits and, where it
// is that of a regency, a line that says so.
type keyFile struct {
	key               []byte
	election, regency string // both empty: a master key
}

// ofRegency is the second line of a regency's key.
var ofRegency = regexp.MustCompile(`^regency ([0-9]{4}) of ([a-z0-9-]+)$`)

// readKeyFile reads a key file that only its owner can read.
func readKeyFile(path string) (keyFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return keyFile{}, fmt.Errorf("reading a key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return keyFile{}, fmt.Errorf("reading a key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return keyFile{}, fmt.Errorf("key file %s has mode %04o, others could read it: run chmod 0600 %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err != nil {
		return keyFile{}, fmt.Errorf("reading a key: %w", err)
	}
	defer clear(text)
	return parseKey(path, text)
}

// parseKey reads the bytes of a key file and makes no other copy of the key.
func parseKey(path string, text []byte) (keyFile, error) {
	digits, label, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	digits, label = bytes.TrimSpace(digits), bytes.TrimSpace(label)
	k := keyFile{key: make([]byte, keySize)}
	if len(digits) != hex.EncodedLen(keySize) {
		return keyFile{}, notAKey(path)
	}
	if _, err := hex.Decode(k.key, digits); err != nil {
		return keyFile{}, notAKey(path)
	}
	if len(label) == 0 {
		return k, nil
	}
	of := ofRegency.FindSubmatch(label)
	if of == nil {
		return keyFile{}, fmt.Errorf("key file %s: its second line is none of tali key derive: derive the key again", path)
	}
	k.regency, k.election = string(of[1]), string(of[2])
	return k, nil
}

func notAKey(path string) error {
	return fmt.Errorf("key file %s: a line of %d hexadecimal digits is needed, as tali key new writes it", path, hex.EncodedLen(keySize))
}

// forRegency is the key of p's election in p's regency. A master key is wiped: what
// runs holds no more than it needs.
func (k keyFile) forRegency(path string, p *parser.Profile) ([]byte, error) {
	switch {
	case k.election == "":
		derived := parser.RegencyKey(k.key, p.ID, p.Regency)
		clear(k.key)
		return derived, nil
	case k.election != p.ID || k.regency != p.Regency:
		return nil, fmt.Errorf("key file %s is of election %s in regency %s, the profile is %s in %s: derive its key with tali key derive",
			path, k.election, k.regency, p.ID, p.Regency)
	}
	return k.key, nil
}

// regencyKeyFrom reads the key of p from a master's file or its own.
func regencyKeyFrom(path string, p *parser.Profile) ([]byte, error) {
	k, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	return k.forRegency(path, p)
}

// readRegencyKey reads the configured key; nil where there is none.
func readRegencyKey(a configs.Auth, p *parser.Profile) ([]byte, error) {
	if a.MasterKeyFile == "" {
		return nil, nil
	}
	key, err := regencyKeyFrom(a.MasterKeyFile, p)
	if err != nil {
		return nil, fmt.Errorf("auth.master_key_file: %w", err)
	}
	return key, nil
}

// gatewayKey is what a gateway checks codes with: nil where the election asks
// for none, an error where it does and there is no key.
func gatewayKey(a configs.Auth, p *parser.Profile) ([]byte, error) {
	if p.Auth == parser.AuthOff {
		return nil, nil
	}
	key, err := readRegencyKey(a, p)
	if err == nil && key == nil {
		err = fmt.Errorf("auth.master_key_file is empty, and %s has authenticity codes %s: name the key of this regency (tali key derive)", p.ID, p.Auth)
	}
	return key, err
}

// writeKey writes a key file that was not there. A half-written one is removed.
func writeKey(path string, k keyFile) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: a key is never overwritten, name another file", path)
	}
	if err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	_, err = fmt.Fprintln(f, hex.EncodeToString(k.key))
	if err == nil && k.election != "" {
		_, err = fmt.Fprintf(f, "regency %s of %s\n", k.regency, k.election)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing a key: %w", errors.Join(err, os.Remove(path)))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the name of a new file last as long as its bytes.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
