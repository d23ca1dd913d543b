package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
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
		return picture{board: template.HTML(fmt.Sprint(*drawn))}
	}
}

func TestOneDrawingForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, drawn := newLatest(), 0
		draw := numbered(&drawn, 100*time.Millisecond)
		for second := 1; second <= 3; second++ {
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if p := l.get(t.Context(), draw); p.err != nil || string(p.board) != fmt.Sprint(second) {
						t.Errorf("second %d: picture %q, %v", second, p.board, p.err)
					}
				})
			}
			all.Wait()
			<-time.After(refresh - 100*time.Millisecond)
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
		if p := l.get(t.Context(), draw); p.err != nil || p.board != "1" {
			t.Errorf("who stays gets %q, %v", p.board, p.err)
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
		if p := l.get(t.Context(), numbered(&drawn, 0)); p.err != nil || p.board != "2" || drawn != 2 {
			t.Errorf("after the hang: %q, %v, %d drawings, want the second", p.board, p.err, drawn)
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
