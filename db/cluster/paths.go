package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxSocketPath is one less than the 107 bytes that fit into a sockaddr_un
// beside the closing NUL.
const maxSocketPath = 106

// paths is the layout of Options.Dir.
type paths struct {
	dir       string
	data      string // PGDATA, the account's
	run       string // socket directory, the account's, 0700
	startLock string
	usersLock string
	log       string
	hba       string
	ident     string
}

func pathsIn(dir string) paths {
	in := func(name string) string { return filepath.Join(dir, name) }
	return paths{
		dir:       dir,
		data:      in("data"),
		run:       in("run"),
		startLock: in("start.lock"),
		usersLock: in("users.lock"),
		log:       in("server.log"),
		hba:       in("pg_hba.conf"),
		ident:     in("pg_ident.conf"),
	}
}

// ephemeralDir is a new temporary directory that the account can enter.
func ephemeralDir(as account) (string, error) {
	base := os.TempDir()
	if as.reaches(base) != nil {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "tali-pg-")
	if err != nil {
		return "", fmt.Errorf("making a directory for an ephemeral PostgreSQL: %w", err)
	}
	if as.root {
		if err := os.Chmod(dir, 0o755); err != nil {
			return "", fmt.Errorf("opening %s to user %s: %w", dir, as.name, err)
		}
	}
	return dir, nil
}

// create makes the directory and its missing parents: open to the account
// when this process is root, else to this user alone, whatever the umask.
func (p paths) create(as account) error {
	mode := os.FileMode(0o700)
	if as.root {
		mode = 0o755
	}
	if err := mkdirs(p.dir, mode); err != nil {
		return fmt.Errorf("making a directory for the private PostgreSQL: %w", err)
	}
	if err := as.reaches(p.dir); err != nil {
		return err
	}
	return p.checkOwner(as)
}

func mkdirs(dir string, mode os.FileMode) error {
	err := os.Mkdir(dir, mode)
	if errors.Is(err, os.ErrNotExist) {
		if err := mkdirs(filepath.Dir(dir), mode); err != nil {
			return err
		}
		err = os.Mkdir(dir, mode)
	}
	if errors.Is(err, os.ErrExist) {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = &os.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		return err
	}
	if err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}

// checkOwner refuses a directory of another user, in whose place PostgreSQL
// would say something harder to act on.
func (p paths) checkOwner(as account) error {
	self := uint32(os.Geteuid())
	for path, want := range map[string]uint32{p.dir: self, p.data: as.uid} {
		uid, err := ownerOf(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("private PostgreSQL: %w", err)
		}
		if uid != want {
			return fmt.Errorf("private PostgreSQL: %s belongs to the user with id %d, not to %d:"+
				" run tali as the user who made it, or choose another data_dir", path, uid, want)
		}
	}
	return nil
}

func ownerOf(path string) (uint32, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("%s: the system does not say who owns it", path)
	}
	return st.Uid, nil
}

// makeSocketDir makes the directory for the socket: run beside the data, or a
// short one when that path would not fit into a socket address. The short
// name depends on nothing but the directory, so every process finds the same.
func (p paths) makeSocketDir(as account) (string, error) {
	dir := p.run
	if len(socketFile(dir)) > maxSocketPath {
		base := "/tmp"
		if as.root {
			base = "/run"
		}
		sum := sha256.Sum256([]byte(strconv.Itoa(os.Geteuid()) + p.dir))
		dir = filepath.Join(base, "tali-"+hex.EncodeToString(sum[:8]))
	}
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = as.chown(dir)
	}
	if errors.Is(err, os.ErrExist) {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("making the socket directory: %w", err)
	}
	return dir, checkPrivate(dir, as)
}

// checkPrivate refuses a socket directory that somebody else prepared: /tmp
// is open to all.
func checkPrivate(dir string, as account) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("checking the socket directory: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || info.Mode().Perm() != 0o700 || st.Uid != as.uid {
		return fmt.Errorf("socket directory %s is not a directory of user %s with mode 0700: remove it", dir, as.name)
	}
	return nil
}

func socketFile(dir string) string { return filepath.Join(dir, ".s.PGSQL."+port) }
