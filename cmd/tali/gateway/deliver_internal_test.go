package gateway

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tali/db/spool"
)

// What waits reaches the lanes whole, in order for each sender, and in full
// batches as long as there is enough: a small one costs almost as much.
func TestPageHandsOnFullBatches(t *testing.T) {
	t.Parallel()
	const waiting = 3*lanes*batchSize + 17
	g := &Gateway{Parts: Parts{Spool: spoolOf(t, waiting)}}
	var queues [lanes]chan []spool.Message
	var got [lanes][][]spool.Message
	group, ctx := errgroup.WithContext(t.Context())
	for i := range queues {
		queues[i] = make(chan []spool.Message)
		group.Go(func() error {
			for batch := range queues[i] {
				got[i] = append(got[i], batch)
			}
			return nil
		})
	}
	group.Go(func() error {
		err := g.page(ctx, queues[:])
		for _, q := range queues {
			close(q)
		}
		return err
	})
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	total, lastOf := 0, map[string]int64{}
	for lane, batches := range got {
		for i, batch := range batches {
			if len(batch) != batchSize && i != len(batches)-1 {
				t.Errorf("lane %d, batch %d of %d: %d messages, want %d", lane, i, len(batches), len(batch), batchSize)
			}
			total += len(batch)
			for _, m := range batch {
				if m.Seq <= lastOf[m.Sender] {
					t.Errorf("lane %d: message %d of %s after %d", lane, m.Seq, m.Sender, lastOf[m.Sender])
				}
				lastOf[m.Sender] = m.Seq
			}
		}
	}
	if total != waiting {
		t.Errorf("%d messages handed on, want %d", total, waiting)
	}
}

// spoolOf holds n messages of a hundred senders.
func spoolOf(t *testing.T, n int) *spool.Spool {
	t.Helper()
	s, err := spool.Open(context.Background(), filepath.Join(t.TempDir(), "spool.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	rows := make([]spool.PDU, n)
	for i := range rows {
		sender := fmt.Sprintf("+6289900%05d", i%100)
		rows[i] = spool.PDU{
			Key: sha256.Sum256([]byte(fmt.Sprint(i))), Modem: "m1", Hex: "00", ReadAt: time.Unix(int64(i), 0),
			Kind: spool.KindSingle, Sender: sender, Text: "HADIR",
		}
	}
	if _, err := s.Keep(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	return s
}
