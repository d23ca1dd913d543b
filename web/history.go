package web

import (
	"slices"
	"time"

	"tali/db"
	"tali/verify"
)

// happened is one thing in the life of a case.
type happened struct {
	at  time.Time
	row historyRow
}

// newHistory is everything that happened to a case, the newest first.
func newHistory(t tongue, c clock, f *db.CaseFile) []historyRow {
	var all []happened
	add := func(at time.Time, row historyRow) {
		row.At = c.full(at)
		all = append(all, happened{at, row})
	}
	for _, e := range f.Entries {
		key := "history.entry"
		if e.Typed {
			key = "history.typed"
		}
		add(e.At, historyRow{Who: e.Officer, Text: t.say(key, e.Revision, t.say("state."+string(e.Began))), entry: e.Revision})
	}
	for _, d := range f.Decisions {
		to := d.State
		if to == "" {
			to = verify.StateIn
		}
		text := t.say("history.decision", t.say("act."+string(d.Kind)), d.Revision, t.say("state."+string(d.Was)), t.say("state."+string(to)))
		add(d.At, historyRow{Who: d.Staff, Text: text, Note: visible(d.Reason), version: d.Version + 1})
	}
	for _, r := range f.Remarks {
		add(r.At, historyRow{Who: r.Staff, Text: t.remark(r), Note: visible(r.Note)})
	}
	for _, y := range f.Typings {
		add(y.At, historyRow{Who: y.Staff, Text: t.say("history.typing." + string(y.Source)), Note: visible(y.Note)})
	}
	slices.SortStableFunc(all, func(a, b happened) int { return b.at.Compare(a.at) })
	rows := make([]historyRow, len(all))
	for i := range all {
		rows[i] = all[i].row
	}
	return rows
}

func (t tongue) remark(r db.RemarkRow) string {
	switch {
	case r.Kind == db.RemarkAgree:
		return t.say("history.agree", t.say("act."+string(r.Proposes)), r.Revision)
	case r.Kind == db.RemarkCall && r.Reached:
		return t.say("history.call", r.Revision)
	case r.Kind == db.RemarkCall:
		return t.say("history.call.nobody", r.Revision)
	}
	return t.say("history.ask", r.Revision)
}

// since lists what happened after a form was shown: the decisions on later
// versions of the case and the entries that came.
func (v *caseView) since(version, entry int) []string {
	if version < 0 {
		return nil
	}
	var out []string
	for _, h := range v.History {
		if h.version > version || entry >= 0 && h.entry > entry {
			line := h.At.Text + ": " + h.Text
			if h.Who != "" {
				line += " (" + h.Who + ")"
			}
			out = append(out, line)
		}
	}
	return out
}
