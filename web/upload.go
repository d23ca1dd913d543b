package web

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"tali/db"
)

// TableKind is a sort of table that the desk takes.
type TableKind string

// The tables that the desk takes.
const (
	TableStations TableKind = "stations"
	TableOfficers TableKind = "officers"
)

// Table is an uploaded table as it was read; nothing of it is stored.
type Table struct {
	Rows     int
	Problems []db.RowError
	Ignored  []string // columns that mean nothing to us
	// Take imports it, or counts what importing it would do.
	Take func(ctx context.Context, by db.Actor, mode db.ImportMode) (db.Imported, error)
}

// Tables reads a table. Its errors are about the table as a whole, in words for
// whoever uploaded it.
type Tables func(kind TableKind, name string, content []byte) (*Table, error)

// Limits of uploads: one table, and how many wait for their owners to confirm
// them.
const (
	uploadSize  = 6 << 20
	uploadTime  = time.Minute
	pendingFor  = 15 * time.Minute
	pendingMost = 8
)

// pending is a table that was previewed and waits for a yes.
type pending struct {
	token string
	owner int64
	kind  TableKind
	table *Table
	until time.Time
}

// uploads are tables between preview and yes. A restart forgets them: they are
// uploaded again.
type uploads struct {
	mu   sync.Mutex
	list []pending
}

// keep holds a table for its owner, in the place of an earlier one.
func (u *uploads) keep(p pending) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	u.list = slices.DeleteFunc(u.list, func(x pending) bool { return x.owner == p.owner || x.until.Before(now) })
	if len(u.list) >= pendingMost {
		u.list = u.list[1:]
	}
	p.token, p.until = rand.Text(), now.Add(pendingFor)
	u.list = append(u.list, p)
	return p.token
}

// take gives a table out once, to its owner.
func (u *uploads) take(owner int64, token string) (pending, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := slices.IndexFunc(u.list, func(x pending) bool {
		return x.owner == owner && x.token == token && x.until.After(time.Now())
	})
	if i < 0 {
		return pending{}, false
	}
	p := u.list[i]
	u.list = slices.Delete(u.list, i, i+1)
	return p, true
}

// previewView is what an import would do.
type previewView struct {
	Kind     TableKind
	Name     string
	Rows     int
	Count    db.Imported
	Problems []db.RowError
	More     int // problems that are not shown
	Ignored  []string
	Whole    string // what is wrong with the table as a whole
	Token    string // empty: it cannot be imported
}

const problemsShown = 200

func (s *site) previewImport(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), uploadTime)
	defer cancel()
	name, content, err := uploaded(r)
	kind := TableKind(r.FormValue("kind"))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		s.fail(w, r, err)
		return
	case err != nil || s.Tables == nil || kind != TableStations && kind != TableOfficers:
		s.refuse(w, r, http.StatusBadRequest, "refused.form")
		return
	}
	view := previewView{Kind: kind, Name: visible(name)}
	table, err := s.Tables(kind, string(kind), content)
	if err != nil {
		view.Whole = visible(err.Error())
		s.renderStatus(w, r, http.StatusUnprocessableEntity, "preview", view)
		return
	}
	view.Rows, view.Problems, view.Ignored = table.Rows, table.Problems, table.Ignored
	if len(view.Problems) == 0 {
		view.Count, err = table.Take(ctx, actor(r), db.ImportPreview)
		var bad *db.RowErrors
		switch {
		case errors.As(err, &bad):
			view.Problems = bad.Rows
		case err != nil:
			s.fail(w, r, err)
			return
		default:
			view.Token = s.uploads.keep(pending{owner: staffFrom(r.Context()).ID, kind: kind, table: table})
		}
	}
	if more := len(view.Problems) - problemsShown; more > 0 {
		view.More, view.Problems = more, view.Problems[:problemsShown]
	}
	s.render(w, r, "preview", view)
}

// uploaded is the file of a form. Its name is for people: it opens nothing.
func uploaded(r *http.Request) (name string, content []byte, err error) {
	if err := r.ParseMultipartForm(uploadSize); err != nil {
		return "", nil, err
	}
	file, header, err := r.FormFile("table")
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	content, err = io.ReadAll(file)
	return filepath.Base(header.Filename), content, err
}

// storeImport stores a table that was previewed. It is checked once more: the
// registry may have changed since.
func (s *site) storeImport(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), uploadTime)
	defer cancel()
	p, ok := s.uploads.take(staffFrom(r.Context()).ID, r.PostFormValue("token"))
	if !ok {
		s.refuse(w, r, http.StatusConflict, "refused.upload")
		return
	}
	count, err := p.table.Take(ctx, actor(r), db.ImportStore)
	var bad *db.RowErrors
	switch {
	case errors.As(err, &bad):
		s.renderStatus(w, r, http.StatusConflict, "preview", previewView{Kind: p.kind, Rows: p.table.Rows, Problems: bad.Rows})
	case err != nil:
		s.fail(w, r, err)
	default:
		s.renderRegistry(w, r, http.StatusOK, registryView{Done: s.text(r, "import.done", count.New, count.Changed, count.Same)})
	}
}
