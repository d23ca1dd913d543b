package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a busy lock is tried: flock cannot wait under a
// context.
const lockPoll = 20 * time.Millisecond

// lock is a flock on a file of its own descriptor, so that two holds in one
// process count as two. The kernel drops it with the process; servers do not
// inherit it (Go opens files close-on-exec).
type lock struct{ file *os.File }

func openLock(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening lock of private PostgreSQL: %w", err)
	}
	return &lock{file: f}, nil
}

// takeLock waits for the exclusive lock.
func takeLock(ctx context.Context, path string) (*lock, error) {
	l, err := openLock(path)
	if err != nil {
		return nil, err
	}
	for {
		got, err := l.try(unix.LOCK_EX)
		if got {
			return l, nil
		}
		if err == nil {
			err = pause(ctx, lockPoll)
		}
		if err != nil {
			l.release()
			return nil, fmt.Errorf("waiting for %s: %w", path, err)
		}
	}
}

// shareLock takes the shared lock. It never waits: the exclusive one is only
// tried for by those who hold the start lock, as the caller does.
func shareLock(path string) (*lock, error) {
	l, err := openLock(path)
	if err != nil {
		return nil, err
	}
	got, err := l.try(unix.LOCK_SH)
	if err == nil && !got {
		err = errors.New("held exclusively by another program")
	}
	if err != nil {
		l.release()
		return nil, fmt.Errorf("sharing %s: %w", path, err)
	}
	return l, nil
}

// alone says whether nobody else shares the lock, and then keeps it.
func (l *lock) alone() (bool, error) { return l.try(unix.LOCK_EX) }

func (l *lock) try(how int) (bool, error) {
	err := unix.Flock(int(l.file.Fd()), how|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", l.file.Name(), err)
	}
	return true, nil
}

// release drops the lock with its descriptor.
func (l *lock) release() {
	_ = l.file.Close() // nothing was written; the kernel drops the lock either way
}

// pause waits for d or for the context, and says which.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
