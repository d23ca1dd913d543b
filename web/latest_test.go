package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func newLatest() *latest { return &latest{log: slog.New(slog.DiscardHandler)} }

// numbered draws pictures 1, 2, ... that take a while each.
func numbered(drawn *int, takes time.Duration) func(context.Context) picture {
	return func(context.Context) picture {
		<-time.After(takes) // of the bubble's clock
		*drawn++
		return picture{at: stamp{Text: fmt.Sprint(*drawn)}}
	}
}

func TestOneDrawingForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, drawn := newLatest(), 0
		draw := numbered(&drawn, quick)
		for second := 1; second <= 3; second++ {
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if p := l.get(t.Context(), draw); p.err != nil || p.at.Text != fmt.Sprint(second) {
						t.Errorf("second %d: picture %q, %v", second, p.at.Text, p.err)
					}
				})
			}
			all.Wait()
			<-time.After(refresh - quick)
		}
		if drawn != 3 {
			t.Errorf("%d drawings in 3 seconds, want 3", drawn)
		}
	})
}

func TestWhoLeavesSpoilsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, drawn := newLatest(), 0
		draw := numbered(&drawn, time.Second)
		ctx, leave := context.WithCancel(t.Context())
		first := make(chan picture)
		go func() { first <- l.get(ctx, draw) }()
		synctest.Wait() // the drawing has begun, on account of the first
		leave()
		if p := <-first; p.err == nil {
			t.Error("who leaves waits for the picture")
		}
		if p := l.get(t.Context(), draw); p.err != nil || p.at.Text != "1" {
			t.Errorf("who stays gets %q, %v", p.at.Text, p.err)
		}
	})
}

// TestHungDrawing: the driver ignores the deadline. Nobody waits longer than
// patience, no second drawing begins, and the first one's end is the remedy.
func TestHungDrawing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, drawn := newLatest(), 0
		draw := numbered(&drawn, time.Minute)
		began := time.Now()
		if p := l.get(t.Context(), draw); !errors.Is(p.err, errLate) || time.Since(began) != patience {
			t.Errorf("picture after %v: %v, want errLate after %v", time.Since(began), p.err, patience)
		}
		if p := l.get(t.Context(), draw); !errors.Is(p.err, errLate) || time.Since(began) != patience {
			t.Errorf("the next one waits until %v: %v", time.Since(began), p.err)
		}
		<-time.After(time.Minute)
		if p := l.get(t.Context(), numbered(&drawn, 0)); p.err != nil || p.at.Text != "2" || drawn != 2 {
			t.Errorf("after the hang: %q, %v, %d drawings, want the second", p.at.Text, p.err, drawn)
		}
	})
}

// TestSlowDrawing: nobody waits for a picture that takes long while there is an
// older one, and the centre gets its rest.
func TestSlowDrawing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, drawn := newLatest(), 0
		draw := numbered(&drawn, 3*time.Second)
		began := time.Now()
		if p := l.get(t.Context(), draw); p.at.Text != "1" || time.Since(began) != 3*time.Second {
			t.Fatalf("the first picture is %q after %v", p.at.Text, time.Since(began))
		}
		<-time.After(59 * time.Second)
		if p := l.get(t.Context(), draw); p.at.Text != "1" || drawn != 1 || time.Since(began) != 62*time.Second {
			t.Errorf("while the centre rests: %q, %d drawings", p.at.Text, drawn)
		}
		<-time.After(2 * time.Second)
		if p := l.get(t.Context(), draw); p.at.Text != "1" || time.Since(began) != 64*time.Second {
			t.Errorf("while the next is drawn: %q after %v, want the old one at once", p.at.Text, time.Since(began))
		}
		<-time.After(4 * time.Second)
		if p := l.get(t.Context(), draw); p.at.Text != "2" || drawn != 2 {
			t.Errorf("afterwards: %q, %d drawings, want 2", p.at.Text, drawn)
		}
	})
}

func TestMistakeInADrawing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, drawn := newLatest(), 0
		if p := l.get(t.Context(), func(context.Context) picture { panic("a mistake") }); p.err == nil {
			t.Error("a mistake gives a picture")
		}
		<-time.After(refresh)
		if p := l.get(t.Context(), numbered(&drawn, 0)); p.err != nil {
			t.Errorf("after a mistake: %v", p.err)
		}
	})
}
