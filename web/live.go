package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"tali/db"
)

const (
	refresh     = time.Second // between two pictures of the count
	readTimeout = 5 * time.Second
	recentShown = 25
)

// pageView is what the page is filled with.
type pageView struct {
	Election  string
	Rehearsal bool
	Board     *boardView
}

func (s *site) showLive(w http.ResponseWriter, r *http.Request) {
	board, err := s.board(r.Context())
	if err != nil {
		s.Log.Warn("live page", "err", err)
		http.Error(w, "Basis data pusat sedang tidak terjangkau. Halaman ini akan pulih sendiri: muat ulang sebentar lagi.", http.StatusServiceUnavailable)
		return
	}
	view := pageView{Election: s.Profile.Name, Rehearsal: s.rehearsal(), Board: board}
	var page bytes.Buffer
	if err := s.pages.ExecuteTemplate(&page, "live", view); err != nil {
		s.Log.Error("live page", "err", err)
		http.Error(w, "Halaman ini rusak; lihat log.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = page.WriteTo(w) // a reader who left needs no page
}

// followLive sends the board anew whenever it changes (Server-Sent Events).
func (s *site) followLive(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	w.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(w)
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	for last := ""; ; {
		text, err := s.latest.get(ctx, s.drawBoard)
		if err == nil && text != last {
			last = text
			if _, err := fmt.Fprintf(w, "event: board\ndata: %s\n\n", strings.ReplaceAll(text, "\n", "\ndata: ")); err != nil {
				return
			}
		} else if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil {
			return
		}
		if err := stream.Flush(); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *site) board(ctx context.Context) (*boardView, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	overview, err := s.Centre.Overview(ctx, s.Profile.ID)
	if err != nil {
		return nil, err
	}
	recent, err := s.Centre.Recent(ctx, recentShown)
	if err != nil {
		return nil, err
	}
	return s.newBoard(overview, recent), nil
}

func (s *site) drawBoard(ctx context.Context) (string, error) {
	board, err := s.board(ctx)
	if err != nil {
		if !errors.Is(err, db.ErrUnavailable) && ctx.Err() == nil {
			s.Log.Warn("live page", "err", err)
		}
		return "", err
	}
	var text bytes.Buffer
	err = s.pages.ExecuteTemplate(&text, "board", board)
	return text.String(), err
}

// latest draws once for all who watch, at most every refresh.
type latest struct {
	mu   sync.Mutex
	at   time.Time
	text string
	err  error
}

func (l *latest) get(ctx context.Context, draw func(context.Context) (string, error)) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) < refresh/2 {
		return l.text, l.err
	}
	// The picture is for all: one watcher who leaves must not spoil it.
	l.text, l.err = draw(context.WithoutCancel(ctx))
	l.at = time.Now()
	return l.text, l.err
}
