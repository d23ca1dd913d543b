package feed

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tali/db"
)

// page answers for one part of the results.
func (f *Feed) page(part db.ResultsPart) func(http.ResponseWriter, *http.Request, db.Admission) {
	return func(w http.ResponseWriter, r *http.Request, a db.Admission) {
		q, wrong := ask(part, r)
		if wrong != nil {
			wrong.tell(w)
			return
		}
		at := a.ResultsPosition
		if part == db.PartChanges {
			var err error
			if at, err = f.await(r.Context(), q, at); err != nil {
				f.fail(w, r, err)
				return
			}
			if q.Event > at.Feed {
				problem{http.StatusConflict, "the feed has not come so far", "parameter after: the newest event is " + strconv.FormatInt(at.Feed, 10),
					"the centre was restored from a backup: copy everything anew, beginning with after=0"}.tell(w)
				return
			}
		}
		w.Header().Set("Vary", "Accept, Authorization")
		if tag := tagOf(q, at); matches(r.Header.Values("If-None-Match"), tag) {
			describe(w.Header(), at)
			w.Header().Set("ETag", tag)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		f.send(w, r, q)
	}
}

// send reads a page and sends it as it comes.
func (f *Feed) send(w http.ResponseWriter, r *http.Request, q question) {
	out := newAnswer(w, r, q, f.Stall)
	defer out.close()
	err := f.Results.Read(r.Context(), q.ResultsQuery, out)
	if err == nil {
		err = out.finish()
	}
	switch {
	case err == nil || errors.Is(err, errNoBody):
		return
	case !out.begun:
		f.fail(w, r, err)
		return
	case !errors.Is(r.Context().Err(), context.Canceled):
		f.Log.Warn("an answer of the feed was cut short", "err", err)
	}
	panic(http.ErrAbortHandler) // what was sent must not pass for the whole
}

// await waits until something follows after the event that the consumer has, as
// long as it wants to.
func (f *Feed) await(ctx context.Context, q question, at db.ResultsPosition) (db.ResultsPosition, error) {
	if q.wait == 0 || at.Feed != q.Event {
		return at, nil
	}
	over := time.NewTimer(q.wait)
	defer over.Stop()
	for {
		changed := f.Results.Changed()
		a, err := f.Results.Admit(ctx, nil)
		if err != nil || a.Feed != q.Event {
			return a.ResultsPosition, err
		}
		select {
		case <-changed:
		case <-over.C:
			return a.ResultsPosition, nil
		case <-ctx.Done():
			return a.ResultsPosition, ctx.Err()
		}
	}
}

// representation is part of every tag: another program may draw the same state
// in another way.
const representation = "1"

// tagOf names the state that a page shows. It depends on no clock: events and
// changes of the totals are counted, and the centre's life tells them apart from
// those before a restore.
func tagOf(q question, at db.ResultsPosition) string {
	parts := []string{representation, at.Centre, strconv.FormatInt(at.Feed, 10)}
	if q.Part == db.PartAreas || q.Part == db.PartProgress {
		parts = append(parts, at.State)
	}
	if q.csv {
		parts = append(parts, "csv")
	}
	return `"` + strings.Join(parts, "-") + `"`
}

// matches reports whether a tag is among those that the consumer has.
func matches(have []string, tag string) bool {
	for _, t := range strings.Split(strings.Join(have, ","), ",") {
		if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}

func describe(h http.Header, at db.ResultsPosition) {
	h.Set(headerFeed, strconv.FormatInt(at.Feed, 10))
	h.Set(headerCentre, at.Centre)
}

// next is where the reading goes on; empty where a table ends. Changes go on for
// ever.
func next(u *url.URL, q question, page db.ResultsPage) string {
	values := u.Query()
	switch {
	case q.Part == db.PartChanges:
		values.Set("after", strconv.FormatInt(page.Last.Event, 10))
	case !page.More:
		return ""
	default:
		values.Set("cursor", page.Last.String())
	}
	return u.Path + "?" + values.Encode()
}
