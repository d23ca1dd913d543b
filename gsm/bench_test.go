package gsm

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"tali/gsm/modemsim"
)

// BenchmarkReceive drains messages through one modem with 50 slots.
func BenchmarkReceive(b *testing.B) {
	for name, baud := range map[string]int{"unpaced": 0, "115200": 115200} {
		b.Run(name, func(b *testing.B) {
			net := modemsim.NewNetwork(1)
			defer net.Close()
			sim, err := net.AddModem(modemsim.Options{Number: ownNumber, Slots: 50, Dir: b.TempDir(), Baud: baud})
			if err != nil {
				b.Fatal(err)
			}
			kept := make(chan int, 1024)
			keep := func(_ context.Context, rows []Stored) error {
				kept <- len(rows)
				return nil
			}
			m := New(Settings{Name: "m1", Device: sim.Device(), SweepInterval: time.Hour}, keep, slog.New(slog.DiscardHandler))
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- m.Run(ctx) }()
			for !m.Ready() {
				<-time.After(time.Millisecond)
			}
			b.ResetTimer()
			for i := range b.N {
				if _, err := net.Submit(modemsim.SMS{From: phone, To: ownNumber, Text: fmt.Sprintf("TPS %d 1 2 3 4 5 6 7 8 9 10 11 12", i)}); err != nil {
					b.Fatal(err)
				}
			}
			for n := 0; n < b.N; {
				n += <-kept
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "SMS/s")
			b.StopTimer()
			cancel()
			<-done
		})
	}
}
