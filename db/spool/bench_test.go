package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// meter reports, besides the rate, the processor time of a message: it stays
// the same when others use the machine.
func meter(b *testing.B) func(n int) {
	b.Helper()
	before := cpu(b)
	return func(n int) {
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msg/s")
		b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(n), "cpu-us/msg")
	}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// What the disk gives at this moment: the bound of BenchmarkKeepSingle.
func BenchmarkDisk(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	block := make([]byte, 4096)
	report := meter(b)
	n := 0
	for b.Loop() {
		_, err := f.WriteAt(block, int64(n%1000)*4096)
		if err := errors.Join(err, unix.Fdatasync(int(f.Fd()))); err != nil {
			b.Fatal(err)
		}
		n++
	}
	report(n)
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkKeepSingle(b *testing.B) {
	s := open(b)
	report := meter(b)
	i := 0
	for b.Loop() {
		i++
		keep(b, s, single(i))
	}
	report(i)
}

// 64 callers, each with what one sweep of a SIM brings.
func BenchmarkKeep64(b *testing.B) {
	for _, rows := range []int{1, 8, 40} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			s := open(b)
			var next atomic.Int64
			report := meter(b)
			b.SetParallelism(32) // times GOMAXPROCS, 2 on the machine of the figures
			b.RunParallel(func(pb *testing.PB) {
				batch := make([]PDU, rows)
				for pb.Next() {
					for i := range batch {
						batch[i] = single(int(next.Add(1)))
					}
					if _, err := s.Keep(b.Context(), batch); err != nil {
						b.Error(err)
					}
				}
			})
			report(int(next.Load()))
		})
	}
}

func fill(tb testing.TB, s *Spool, from, n int) {
	tb.Helper()
	for done := 0; done < n; done += 1000 {
		rows := make([]PDU, min(1000, n-done))
		for i := range rows {
			rows[i] = single(from + done + i)
		}
		keep(tb, s, rows...)
	}
}

func drain(b *testing.B, s *Spool, want int) int {
	b.Helper()
	got, after := 0, int64(0)
	seqs := make([]int64, 0, 200)
	for got < want {
		ms, err := s.Waiting(b.Context(), after, 200)
		if err != nil || len(ms) == 0 {
			b.Fatalf("Waiting: %d of %d, then %v", got, want, err)
		}
		seqs = seqs[:0]
		for _, m := range ms {
			seqs = append(seqs, m.Seq)
		}
		after = seqs[len(seqs)-1]
		if err := s.Delivered(b.Context(), seqs, noon); err != nil {
			b.Fatal(err)
		}
		got += len(ms)
	}
	return got
}

// One round drains 20,000 messages in batches of 200.
func BenchmarkDrain(b *testing.B) {
	s := open(b)
	n := 0
	for b.Loop() {
		b.StopTimer()
		fill(b, s, n, 20000)
		b.StartTimer()
		n += drain(b, s, 20000)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msg/s")
}

// The same while eight callers keep new PDUs as fast as they can.
func BenchmarkDrainBusy(b *testing.B) {
	s := open(b)
	var next atomic.Int64
	fill(b, s, 0, 20000)
	next.Store(20000)
	stop := make(chan struct{})
	finished := make(chan struct{})
	for range 8 {
		go func() {
			defer func() { finished <- struct{}{} }()
			for {
				select {
				case <-stop:
					return
				default:
					if _, err := s.Keep(b.Context(), []PDU{single(int(next.Add(1)))}); err != nil {
						b.Error(err)
						return
					}
				}
			}
		}()
	}
	n := 0
	start, before := time.Now(), next.Load()
	for b.Loop() {
		b.StopTimer()
		fill(b, s, int(next.Add(20000))-19999, 20000)
		b.StartTimer()
		n += drain(b, s, 20000)
	}
	elapsed := time.Since(start).Seconds()
	close(stop)
	for range 8 {
		<-finished
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(next.Load()-before)/elapsed, "kept/s")
}
