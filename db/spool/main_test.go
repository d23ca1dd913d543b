package spool

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestMain lets the tests run this binary again as a gateway that can be killed.
func TestMain(m *testing.M) {
	switch os.Getenv("TALI_SPOOL_CHILD") {
	case "keep":
		childKeep(os.Getenv("TALI_SPOOL_PATH"), os.Getenv("TALI_SPOOL_ROUND"))
	case "drain":
		childDrain(os.Getenv("TALI_SPOOL_PATH"))
	default:
		os.Exit(m.Run())
	}
}

var noon = time.Date(2024, 11, 27, 12, 0, 0, 123456789, time.UTC)

func open(tb testing.TB, opts ...Option) *Spool {
	tb.Helper()
	return openAt(tb, filepath.Join(tb.TempDir(), "state", "spool.db"), opts...)
}

func openAt(tb testing.TB, path string, opts ...Option) *Spool {
	tb.Helper()
	s, err := Open(tb.Context(), path, slog.New(slog.DiscardHandler), opts...)
	if err != nil {
		tb.Fatalf("Open(%s): %v", path, err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return s
}

// single is the PDU of a tally that names n; another n is another SMS.
func single(n int) PDU {
	hex := fmt.Sprintf("0791261800000000040C9126180000%06d000042117221000082A0D0", n) +
		"69341DA496C3E170381C0E87C3E170381C0E87C3E170381C0E87C3E170381C0E87C3E170381C0E87C3"
	return PDU{
		Key: sha256.Sum256([]byte(hex)), Modem: "m1", IMSI: "510100000000001", Hex: hex,
		ReadAt: noon.Add(time.Duration(n) * time.Millisecond), Kind: KindSingle, Sender: "+628990000001",
		Text:   fmt.Sprintf("PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674 no %d", n),
		SentAt: noon.Add(-time.Minute),
	}
}

// part is part seq of total of a long SMS with this reference and text.
func part(ref, total, seq int, text string) PDU {
	hex := fmt.Sprintf("part %d %d/%d %s", ref, seq, total, text)
	return PDU{
		Key: sha256.Sum256([]byte(hex)), Modem: "m1", IMSI: "510100000000001", Hex: hex, ReadAt: noon,
		Kind: KindPart, Sender: "+628990000001", Text: text, SentAt: noon.Add(-time.Minute),
		Part: Part{Ref: ref, Width: 8, Total: total, Seq: seq},
	}
}

func keep(tb testing.TB, s *Spool, rows ...PDU) int {
	tb.Helper()
	n, err := s.Keep(tb.Context(), rows)
	if err != nil {
		tb.Fatalf("Keep(%d rows): %v", len(rows), err)
	}
	return n
}

func waiting(tb testing.TB, s *Spool) []Message {
	tb.Helper()
	ms, err := s.Waiting(tb.Context(), 0, 1000)
	if err != nil {
		tb.Fatalf("Waiting: %v", err)
	}
	return ms
}

func groups(tb testing.TB, s *Spool) []Group {
	tb.Helper()
	gs, err := s.Groups(tb.Context())
	if err != nil {
		tb.Fatalf("Groups: %v", err)
	}
	return gs
}

func deliver(tb testing.TB, s *Spool, at time.Time, ms ...Message) {
	tb.Helper()
	var seqs []int64
	for _, m := range ms {
		seqs = append(seqs, m.Seq)
	}
	if err := s.Delivered(tb.Context(), seqs, at); err != nil {
		tb.Fatalf("Delivered(%v): %v", seqs, err)
	}
}

// count runs a query for one number beside the API.
func count(tb testing.TB, s *Spool, query string, args ...any) int {
	tb.Helper()
	n := -1
	err := s.reader.each(tb.Context(), query, args, func(r *sql.Rows) error { return r.Scan(&n) })
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return n
}
