package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Stats are the figures of the spool for metrics.
type Stats struct {
	Waiting        int       // messages not delivered
	Oldest         time.Time // when the oldest of them was received; zero for none
	OpenParts      int       // parts in no message yet
	InterimQueued  int
	InterimSending int
	OpenSends      int
	Bytes          int64 // file and WAL on the disk
	FreeBytes      int64 // of the file, to be used again before it grows
}

// Each count is over a partial index that holds only what is counted, so the
// cost does not grow with what was delivered.
const selectStats = `SELECT
	(SELECT count(*) FROM part INDEXED BY part_open WHERE use = 'open'),
	(SELECT count(*) FROM interim INDEXED BY interim_queued WHERE state = 'queued'),
	(SELECT count(*) FROM interim INDEXED BY interim_sending WHERE state = 'sending'),
	(SELECT count(*) FROM send INDEXED BY send_open WHERE ended_at IS NULL),
	(SELECT p.page_size * f.freelist_count FROM pragma_page_size p, pragma_freelist_count f)`

// Stats counts what waits and what the spool takes on the disk.
func (s *Spool) Stats(ctx context.Context) (Stats, error) {
	var st Stats
	var err error
	if st.Waiting, st.Oldest, err = s.Undelivered(ctx); err != nil {
		return Stats{}, err
	}
	if _, err := s.reader.one(ctx, selectStats, nil, []any{&st.OpenParts, &st.InterimQueued,
		&st.InterimSending, &st.OpenSends, &st.FreeBytes}); err != nil {
		return Stats{}, fmt.Errorf("counting the spool: %w", err)
	}
	if st.Bytes, err = s.Size(); err != nil {
		return Stats{}, err
	}
	return st, nil
}

// Size is what the spool takes on the disk, its WAL included.
func (s *Spool) Size() (int64, error) {
	var total int64
	for _, name := range []string{s.path, s.path + "-wal"} {
		// Stat only: opening and closing the file would drop SQLite's locks.
		switch info, err := os.Stat(name); {
		case err == nil:
			total += info.Size()
		case !errors.Is(err, fs.ErrNotExist):
			return 0, fmt.Errorf("measuring the spool: %w", err)
		}
	}
	return total, nil
}
