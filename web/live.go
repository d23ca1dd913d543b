package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"net/http"
	"time"

	"tali/db"
	"tali/parser"
)

const recentShown = 25

// The events of the stream.
const (
	eventBoard = "board" // the board has changed: all of it
	eventAt    = "at"    // the board shown is the state of this time
	eventAway  = "away"  // the board shown is old: why
)

// pageView is what the page is filled with.
type pageView struct {
	Election  string
	Rehearsal bool
	Board     template.HTML // empty while the centre is away
	At        stamp
	Away      string
}

func (s *site) showLive(w http.ResponseWriter, r *http.Request) {
	p := s.latest.get(r.Context(), s.drawBoard)
	view := pageView{Election: s.Profile.Name, Rehearsal: s.Profile.Phase == parser.PhaseRehearsal, Board: p.board, At: p.at}
	status := http.StatusOK
	if p.err != nil {
		view.Away, status = awayText(p.err), http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "5")
	}
	s.renderStatus(w, r, status, "overview", view)
}

// followLive tells every second how fresh the board is, and sends it anew
// whenever it changes, until the reader or the server goes.
func (s *site) followLive(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	out, err := newStream(w)
	if err != nil {
		return
	}
	var shown template.HTML
	for {
		p := s.latest.get(ctx, s.drawBoard)
		if ctx.Err() != nil || out.tell(p, shown) != nil {
			return
		}
		if p.err == nil {
			shown = p.board
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(slot().Add(refresh))):
		}
	}
}

// tell sends a picture to someone who has that board already.
func (s *stream) tell(p picture, shown template.HTML) error {
	if p.err != nil {
		return s.send(eventAway, awayText(p.err))
	}
	if p.board != shown {
		if err := s.send(eventBoard, string(p.board)); err != nil {
			return err
		}
	}
	return s.send(eventAt, p.at.Text)
}

// awayText says what is the matter; the page says what to do.
func awayText(err error) string {
	if errors.Is(err, db.ErrUnavailable) || errors.Is(err, errLate) {
		return "Basis data pusat sedang tidak terjangkau."
	}
	return "Basis data pusat menjawab, tetapi belum dapat dibaca."
}

// draw reads the centre and draws the board.
func (s *site) drawBoard(ctx context.Context) picture {
	overview, err := s.Centre.Overview(ctx, s.Profile.ID)
	if err != nil {
		return picture{err: err}
	}
	recent, err := s.Centre.Recent(ctx, recentShown)
	if err != nil {
		return picture{err: err}
	}
	var text bytes.Buffer
	if err := s.draw(&text, s.Language, templateName{"overview", "board"}, newBoard(s.Profile, overview, recent)); err != nil {
		return picture{err: err}
	}
	return picture{
		board: template.HTML(text.String()), // the template has escaped it
		at:    clockOf(s.Profile, overview.At).full(overview.At),
	}
}
