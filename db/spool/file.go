package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// prepareFile makes the folder and an empty file where they are missing and
// takes the lock. The database file itself is closed again before SQLite opens
// it: closing any other descriptor of it later would drop SQLite's own POSIX
// locks, which is also why the flock is on a file beside it.
func prepareFile(path string) (string, *os.File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", nil, fmt.Errorf("opening spool %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", nil, fmt.Errorf("creating the folder of spool %s: %w", path, err)
	}
	// Two names of one file must meet at one lock.
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("opening spool %s: %w", path, err)
	}
	lock, err := takeLock(path)
	if err != nil {
		return "", nil, err
	}
	if err := emptied(path); err != nil {
		return "", nil, errors.Join(describe(path, err), lock.Close())
	}
	if err := createFile(path); err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	return path, lock, nil
}

// takeLock holds FILE.lock for the life of the process; the kernel drops it
// when the process dies, however it dies.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking spool %s: %w", path, err)
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		err := fmt.Errorf("%w: %s is held by %s: stop that gateway, or give this one a data_dir of its own",
			ErrLocked, path, holder(f))
		return nil, errors.Join(err, f.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("locking spool %s: %w", path, err), f.Close())
	}
	if err := writePID(f); err != nil {
		return nil, errors.Join(fmt.Errorf("locking spool %s: %w", path, err), f.Close())
	}
	return f, nil
}

// writePID leaves our process id in the lock, for the error of the next one.
// A full disk must not keep a gateway from draining, so the length is left as
// it was made the first time: ten digits and a newline.
func writePID(f *os.File) error {
	_, err := f.WriteAt(fmt.Appendf(nil, "%10d\n", os.Getpid()), 0)
	if errors.Is(err, unix.ENOSPC) {
		return nil
	}
	return err
}

func holder(f *os.File) string {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0) // io.EOF is expected; an unreadable pid is only a worse message
	pid := strings.TrimSpace(string(b[:n]))
	if _, err := strconv.Atoi(pid); err != nil {
		return "another process"
	}
	return "process " + pid
}

// createFile makes an empty file that only we may read (SQLite gives its WAL
// the same mode) and puts its name on the disk; an old one is tightened.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("creating spool %s: %w", path, err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("creating spool %s: %w", path, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("creating spool %s: %w", path, err)
	}
	return nil
}

// syncDir puts the names in a folder on the disk.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// emptied reports a file that was made empty, or is gone, beside a journal of it.
// SQLite would begin anew and delete the journal, with what only it holds. A new
// spool has no journal before its file has a first page.
func emptied(path string) error {
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		return nil
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		return nil
	}
	return fmt.Errorf("%w: the file is empty or gone, and its journal %s-wal is not", ErrDamaged, filepath.Base(path))
}

// dataSource is the driver's name for path with these PRAGMAs. No mmap and
// small caches: an idle gateway must stay small.
func dataSource(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"mmap_size(0)", "temp_store(MEMORY)"}, pragmas...)}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}
