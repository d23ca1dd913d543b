package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// DefaultWindow is how far apart the parts of one long SMS may be read. It is
// long because a part may sit at the SMSC while the modem is away, and bounded
// because 8-bit references come round again.
const DefaultWindow = 6 * time.Hour

// Errors that callers branch on.
var (
	ErrClosed  = errors.New("spool is closed")
	ErrLocked  = errors.New("spool is in use by another gateway")
	ErrVersion = errors.New("spool was written by another version")
	ErrDamaged = errors.New("spool is damaged")
	ErrForeign = errors.New("this is no spool of tali")
	// ErrFull: the disk has no room. Nothing was stored; slots must stay.
	ErrFull = errors.New("no space left for the spool")
)

// Spool is an open journal. All methods may be used from many goroutines.
type Spool struct {
	path   string
	log    *slog.Logger
	window time.Duration
	lock   *os.File
	writer *writer
	reader *reader

	closing  sync.Once
	closeErr error
}

// Option changes how a spool is opened.
type Option func(*Spool)

// WithWindow sets how far apart the parts of one long SMS may be read.
func WithWindow(d time.Duration) Option {
	return func(s *Spool) { s.window = d }
}

// Open opens the spool at path and creates it (0600, in a folder 0700) where it
// is missing. A file in use, of another version, of another program or damaged is
// one error that names the path and the remedy (ErrLocked, ErrVersion, ErrForeign,
// ErrDamaged).
func Open(ctx context.Context, path string, log *slog.Logger, opts ...Option) (*Spool, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Spool{log: log, window: DefaultWindow}
	for _, o := range opts {
		o(s)
	}
	var err error
	if s.path, s.lock, err = prepareFile(path); err != nil {
		return nil, err
	}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	log.Info("spool open", "path", s.path)
	return s, nil
}

// connect opens both sides; the writer's connection creates or checks the file.
func (s *Spool) connect(ctx context.Context) error {
	w, err := openWriter(ctx, s.path)
	if err != nil {
		return describe(s.path, err)
	}
	r, err := openReader(s.path)
	if err != nil {
		return errors.Join(describe(s.path, err), w.close())
	}
	s.writer, s.reader = w, r
	return nil
}

// Close lets the running commit finish, refuses everything later with
// ErrClosed, and releases the file. It may be called more than once.
func (s *Spool) Close() error {
	s.closing.Do(func() {
		// The reader first: the last connection to close folds the WAL into
		// the file, and that must be the one that may write.
		err := errors.Join(s.reader.close(), s.writer.close(), s.lock.Close())
		if err != nil {
			s.closeErr = fmt.Errorf("closing spool %s: %w", s.path, err)
		}
		s.log.Info("spool closed", "path", s.path)
	})
	return s.closeErr
}
