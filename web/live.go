package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"time"

	"tali/db"
)

const recentShown = 25

// sessionCheck is how often a page that goes on looks whether its session does:
// whoever was signed out, or was given another area, is shown nothing more.
const sessionCheck = time.Second

// The events of the stream, beside those named for the sections of the board.
const (
	eventAt   = "at"   // the board shown is the state of this time
	eventAway = "away" // the board shown is old: why
	eventOut  = "out"  // the session is over
)

// The sections of the board, each an event of its own: what has not changed is
// not sent again. The newest SMS are for those who work with them.
const (
	sectionCount    = "count"
	sectionAreas    = "areas"
	sectionMinutes  = "minutes"
	sectionGateways = "gateways"
	sectionLegend   = "legend"
	sectionRecent   = "recent"
)

// sections are those that somebody may see. The board is one for all, so that the
// SMS on it are of all areas.
func sections(who db.Staff) []string {
	all := []string{sectionCount, sectionAreas, sectionMinutes, sectionGateways}
	if slices.Contains(callers(), who.Role) && who.Area == 0 {
		all = append(all, sectionRecent)
	}
	return append(all, sectionLegend)
}

// board is the count as drawn in one language, by section.
type board map[string]template.HTML

// overviewView is what the page is filled with.
type overviewView struct {
	Board    board // empty while the centre is away
	Sections []string
	At       stamp
	Away     string
	Leader   bool // sees who works
	Limited  bool // works on one area: what is shown is of all
}

func (s *site) showOverview(w http.ResponseWriter, r *http.Request) {
	p := s.latest.get(r.Context(), s.drawPicture)
	who := staffFrom(r.Context())
	view := overviewView{
		Board: p.boards[s.language(r)], Sections: sections(who), At: p.at,
		Leader: slices.Contains(registrars(), who.Role) && who.Area == 0, Limited: who.Area != 0,
	}
	status := http.StatusOK
	if p.err != nil {
		view.Away, status = awayText(s.tongue(r), p.err), http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "5")
	}
	s.renderStatus(w, r, status, "overview", view)
}

// followLive tells every second how fresh the board is, and sends each section
// anew whenever it changes, until the reader, the session or the server goes.
func (s *site) followLive(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	out, err := newStream(w)
	if err != nil {
		return
	}
	f := follower{stream: out, tongue: s.tongue(r), sections: sections(staffFrom(ctx)), shown: make(board)}
	checked := time.Now()
	for {
		if time.Since(checked) > sessionCheck {
			if !s.stillSignedIn(r) {
				_ = out.send(eventOut, "") // who is gone need not be told
				return
			}
			checked = time.Now()
		}
		p := s.latest.get(ctx, s.drawPicture)
		if ctx.Err() != nil || f.tell(p) != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(slot().Add(refresh))):
		}
	}
}

// follower is somebody who has the board open.
type follower struct {
	*stream
	tongue   tongue
	sections []string
	shown    board
}

// tell sends what somebody does not have yet.
func (f *follower) tell(p picture) error {
	if p.err != nil {
		return f.send(eventAway, awayText(f.tongue, p.err))
	}
	now := p.boards[f.tongue.language]
	for _, name := range f.sections {
		if now[name] == f.shown[name] {
			continue
		}
		if err := f.send(name, string(now[name])); err != nil {
			return err
		}
		f.shown[name] = now[name]
	}
	return f.send(eventAt, p.at.Text)
}

// awayText says what is the matter; the page says what to do.
func awayText(t tongue, err error) string {
	if errors.Is(err, db.ErrUnavailable) || errors.Is(err, errLate) {
		return t.say("away.gone")
	}
	return t.say("away.unreadable")
}

// drawPicture reads the centre once and draws the board in each language, for
// everybody: totals are public, whoever's page has asked for them.
func (s *site) drawPicture(ctx context.Context) picture {
	ctx = db.WithReach(ctx, 0)
	overview, err := s.Centre.Overview(ctx, s.Profile.ID)
	if err != nil {
		return picture{err: err}
	}
	recent, err := s.Centre.Recent(ctx, recentShown)
	if err != nil {
		return picture{err: err}
	}
	p := picture{boards: make(map[string]board), at: clockOf(s.Profile, overview.Counted).full(overview.Counted)}
	for _, language := range languages() {
		view := newBoard(tongue{s.words, language}, s.Profile, overview, recent)
		if p.boards[language], err = s.drawBoard(language, view); err != nil {
			return picture{err: err}
		}
	}
	return p
}

func (s *site) drawBoard(language string, view *boardView) (board, error) {
	out := make(board)
	for _, name := range sections(db.Staff{Role: db.RoleSupervisor}) {
		var text bytes.Buffer
		if err := s.draw(&text, language, templateName{"overview", "board-" + name}, view); err != nil {
			return nil, err
		}
		out[name] = template.HTML(text.String()) // the template has escaped it
	}
	return out, nil
}
