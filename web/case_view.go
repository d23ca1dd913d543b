package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// caseView is a case as its page shows it.
type caseView struct {
	Path, Title, Ballot string
	Place, TPS, Area    string
	Voters              string
	Version, Seen       int
	State, Tone         string
	Versions            []versionView
	Rows                []formRow
	Relations           []relationRow
	History             []historyRow
	Typings             bool // a second person must key it in
	Undo                string
	Claim               claimView
	Around              []logView
	Reasons             []string
	Empty               bool
	Columns             int // of the form: labels and versions
}

// versionView is one entry of the case: a column of the form and what stands
// around it.
type versionView struct {
	Revision            int
	State, Tone         string
	At                  stamp
	From, Officer       string
	Stands, Open, Two   bool
	Form                bool // call back before anybody confirms
	Called, HasPhone    bool
	Typed               bool
	Flags               []flagRow
	Assurance           []assuranceMark
	Words               []wordView
	Agreed              []agreedView
	Script              []string
	Confirm, RejectText string
	Current             bool // the one that the keys are about
}

type flagRow struct{ Word, Means string }

// assuranceMark is one of the four words about how sure an entry is.
type assuranceMark struct {
	Word, Means string
	Yes         bool
}

type agreedView struct{ Act, By string }

// formRow is a row of C.HASIL with the figure of each version.
type formRow struct {
	Label   string
	Group   string // first of a block of the form: its name
	Cells   []cellView
	Differs bool
}

type cellView struct {
	Figure string
	Other  bool // not what the first version says
}

// relationRow is one rule of the form, ticked or crossed for each version.
type relationRow struct {
	Text  string
	Holds []relationCell
}

type relationCell struct {
	Yes  bool
	Text string
}

type historyRow struct {
	At      stamp
	Who     string
	Text    string
	Note    string
	version int
	entry   int
}

// claimView says on whose desk the case is.
type claimView struct {
	Mine, Other bool
	Text, Note  string
}

func (v *caseView) claim(t tongue, c db.DeskClaim, me string) {
	v.Claim = claimView{Mine: c.Staff == me, Other: c.Staff != me && c.Staff != "", Note: c.Note}
	switch {
	case c.Staff == "":
		v.Claim.Text = t.say("claim.lapsed")
	case c.Staff == me && c.Before != "":
		v.Claim.Text = t.say("claim.taken", c.Before)
	case c.Staff == me:
		v.Claim.Text = t.say("claim.mine")
	case c.Before == me:
		v.Claim.Text = t.say("claim.lost", c.Staff)
	default:
		v.Claim.Text = t.say("claim.other", c.Staff)
	}
}

func (s *site) newCase(t tongue, f *db.CaseFile, now time.Time) caseView {
	b := s.Profile.Ballot(f.Key.Ballot)
	c := clockOf(s.Profile, now)
	v := caseView{
		Path: casePath(f.Key), Title: b.Title, Ballot: b.Keyword, Place: place(f.Station.Village, f.Station.Number),
		TPS: f.Station.TPS, Area: f.Station.District, Voters: t.number(f.Station.Voters), Version: f.Version, Seen: f.Revision,
		Typings: len(f.OpenTypings()) > 0, Empty: len(f.Entries) == 0,
	}
	v.State, v.Tone = t.caseState(f)
	for i := 1; i <= 5; i++ {
		v.Reasons = append(v.Reasons, t.words.in(indonesian, "reason."+strconv.Itoa(i))) // the officer reads it
	}
	if last := f.Last(); len(last) > 0 && last[0].Act != verify.ActUndo {
		v.Undo = t.say("act." + string(last[len(last)-1].Act))
	}
	current := f.Entry
	for _, e := range f.Entries {
		view := s.newVersion(t, c, f, e, b)
		if view.Open && (current == 0 || f.State == verify.StateVerified && e.Revision > current) {
			current = e.Revision
		}
		v.Versions = append(v.Versions, view)
	}
	slices.SortStableFunc(v.Versions, func(x, y versionView) int { return order(x) - order(y) })
	for i := range v.Versions {
		v.Versions[i].Current = v.Versions[i].Revision == current && v.Versions[i].Open
	}
	v.Columns = len(v.Versions) + 1
	v.fillForm(t, b, f)
	v.History = newHistory(t, c, f)
	return v
}

// order puts what stands first, then what waits, then the rest.
func order(v versionView) int {
	switch {
	case v.Stands:
		return 0
	case v.Open:
		return 1
	}
	return 2
}

func (t tongue) caseState(f *db.CaseFile) (word, tone string) {
	switch {
	case f.State == verify.StateVerified && f.Held > 0:
		return t.say("case.state.verified_held", f.Held), toneStop
	case f.State == verify.StateVerified:
		return t.say("state.terverifikasi"), toneGood
	case f.Held > 0 && f.Entry > 0:
		return t.say("case.state.conflict", f.Held+1), toneStop
	case f.Held > 0:
		return t.say("case.state.held"), toneStop
	case f.Entry > 0:
		return t.say("state.masuk"), toneAsk
	case len(f.Entries) > 0:
		return t.say("case.state.empty"), toneQuiet
	}
	return t.say("case.state.none"), toneQuiet
}

func stateTone(st verify.State) string {
	switch st {
	case verify.StateVerified:
		return toneGood
	case verify.StateIn:
		return toneAsk
	case verify.StateHeld:
		return toneStop
	}
	return toneQuiet
}

func (s *site) newVersion(t tongue, c clock, f *db.CaseFile, e db.EntryFile, b *parser.Ballot) versionView {
	open := e.State == verify.StateIn || e.State == verify.StateHeld
	v := versionView{
		Revision: e.Revision, State: t.say("state." + string(e.State)), Tone: stateTone(e.State), At: c.full(e.At),
		From: maskedPhone(e.Phone), Officer: e.Officer, Stands: e.Revision == f.Entry, Open: open, Two: e.Two, HasPhone: e.Phone != "",
		Form: slices.Contains(e.Flags, verify.FlagForm), Called: f.Called(e.Revision), Typed: e.Typed,
		Words: s.smsWords(t, e.Text), Confirm: t.say("act.confirm"),
	}
	for _, flag := range e.Flags {
		v.Flags = append(v.Flags, flagRow{t.flag(flag), t.say("flag." + string(flag) + ".means")})
	}
	v.Assurance = t.assurance(e, b)
	for _, act := range []verify.Act{verify.ActConfirm, verify.ActReject} {
		if by := f.Agreed(act, e.Revision); open && len(by) > 0 {
			v.Agreed = append(v.Agreed, agreedView{t.say("act." + string(act)), strings.Join(by, ", ")})
			if act == verify.ActConfirm {
				v.Confirm = t.say("act.confirm.second")
			}
		}
	}
	if open && e.Two && len(v.Agreed) == 0 {
		v.Confirm = t.say("act.confirm.first")
	}
	v.Script = t.script(f, e, b)
	return v
}

// assurance is always these four, in this order and these words.
func (t tongue) assurance(e db.EntryFile, b *parser.Ballot) []assuranceMark {
	var out []assuranceMark
	for _, m := range []struct {
		key string
		yes bool
	}{
		{"phone", e.Officer != ""},
		{"code", e.Assurance != verify.AssuranceA0},
		{"figures", b.Keeps(e.Figures)},
		{"staff", e.State == verify.StateVerified},
	} {
		out = append(out, assuranceMark{t.say("assurance." + m.key), t.say("assurance." + m.key + ".means"), m.yes})
	}
	return out
}

// script is what to say on the phone, with the rows to ask for.
func (t tongue) script(f *db.CaseFile, e db.EntryFile, b *parser.Ballot) []string {
	who := e.Officer
	if who == "" {
		who = t.say("script.somebody")
	}
	lines := []string{
		t.words.in(indonesian, "script.hello", who, place(f.Station.Village, f.Station.Number)),
		t.words.in(indonesian, "script.read", b.Title),
	}
	if clash := b.Contradictions(e.Figures); len(clash) > 0 {
		lines = append(lines, t.words.in(indonesian, "script.clash", relationText(clash[0].Relation), clash[0].Got, clash[0].Want))
	}
	return append(lines, t.words.in(indonesian, "script.thanks"))
}

func (v *caseView) fillForm(t tongue, b *parser.Ballot, f *db.CaseFile) {
	for row := range b.Rows() {
		r := formRow{Label: rowLabel(b, row), Group: t.rowGroup(b, row)}
		first := ""
		for i, version := range v.Versions {
			figure := "–"
			if e := f.Of(version.Revision); row < len(e.Figures) {
				figure = strconv.Itoa(int(e.Figures[row]))
			}
			if i == 0 {
				first = figure
			}
			r.Cells = append(r.Cells, cellView{figure, figure != first})
			r.Differs = r.Differs || figure != first
		}
		v.Rows = append(v.Rows, r)
	}
	for _, rel := range relations(b) {
		row := relationRow{Text: relationText(rel)}
		for _, version := range v.Versions {
			row.Holds = append(row.Holds, relationOf(b, f.Of(version.Revision).Figures, rel))
		}
		v.Relations = append(v.Relations, row)
	}
}

func relations(b *parser.Ballot) []parser.Relation {
	if b.Form == parser.FormShort {
		return []parser.Relation{parser.RelationS, parser.RelationJ}
	}
	return []parser.Relation{parser.RelationS, parser.RelationJ, parser.RelationP, parser.RelationU, parser.RelationD}
}

func relationOf(b *parser.Ballot, figures parser.Figures, rel parser.Relation) relationCell {
	for _, c := range b.Contradictions(figures) {
		if c.Relation == rel {
			return relationCell{false, fmt.Sprintf("%d ≠ %d", c.Got, c.Want)}
		}
	}
	return relationCell{true, ""}
}

// relationText names a relation by the rows of the form, as the form does.
func relationText(r parser.Relation) string {
	switch r {
	case parser.RelationS:
		return "suara sah = jumlah suara calon"
	case parser.RelationJ:
		return "jumlah = sah + tidak sah"
	case parser.RelationP:
		return "pengguna hak pilih = jumlah"
	case parser.RelationU:
		return "digunakan = jumlah"
	case parser.RelationD:
		return "diterima = digunakan + rusak + tidak digunakan"
	}
	return string(r)
}

// rowLabel is a row as the form has it, contestants with their names.
func rowLabel(b *parser.Ballot, row int) string {
	if row < b.N() {
		return fmt.Sprintf("%d. %s", row+1, b.Contestants[row])
	}
	return b.RowName(row)
}

// rowGroup is the block of C.HASIL that begins with this row, empty elsewhere.
func (t tongue) rowGroup(b *parser.Ballot, row int) string {
	switch {
	case row == 0:
		return t.say("form.votes")
	case b.LabelAt(row) == parser.LabelS:
		return t.say("form.valid")
	case b.LabelAt(row) == parser.LabelP:
		return t.say("form.users")
	case b.LabelAt(row) == parser.LabelD:
		return t.say("form.ballots")
	}
	return ""
}

func place(village string, tps int) string {
	if village == "" {
		return ""
	}
	return fmt.Sprintf("%s TPS %03d", village, tps)
}
