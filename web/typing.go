package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// typingPage is a form of C.HASIL to be keyed in.
type typingPage struct {
	Path, Case, Title string
	Place, TPS        string
	Rows              []typingRow
	Source, Note      string
	Second            bool // somebody has keyed it in: this is the blind second time
	Mine              bool // whoever asks was the first
	Problem           string
	Differs           bool
	Others            []string // who keyed in what the columns show
}

// typingRow is one row to be keyed in.
type typingRow struct {
	Name, Label, Group string
	Value              string
	Bad                bool
	Others             []cellView // what others keyed in, shown only where it is not the same
	Differs            bool
}

func (s *site) showTyping(w http.ResponseWriter, r *http.Request) {
	if page, _, ok := s.typing(w, r); ok {
		s.render(w, r, "typing", page)
	}
}

// typing prepares the form. What others keyed in is not on it: the second time
// is blind.
func (s *site) typing(w http.ResponseWriter, r *http.Request) (typingPage, *db.CaseFile, bool) {
	key := caseKey(r)
	file, err := s.Centre.Case(r.Context(), s.Profile, key)
	if errors.Is(err, db.ErrNoCase) {
		s.refuse(w, r, http.StatusNotFound, "refused.case")
		return typingPage{}, nil, false
	}
	if err != nil {
		s.fail(w, r, err)
		return typingPage{}, nil, false
	}
	b := s.Profile.Ballot(key.Ballot)
	page := typingPage{
		Path: casePath(key) + "/type", Case: casePath(key), Title: b.Title, Place: place(file.Station.Village, file.Station.Number),
		TPS: file.Station.TPS, Source: string(db.FromPaper),
	}
	me := staffFrom(r.Context()).Login
	for _, y := range file.OpenTypings() {
		page.Mine = page.Mine || y.Staff == me
		page.Second = page.Second || y.Staff != me
	}
	t := s.tongue(r)
	for row := range b.Rows() {
		page.Rows = append(page.Rows, typingRow{Name: "f" + strconv.Itoa(row), Label: rowLabel(b, row), Group: t.rowGroup(b, row)})
	}
	return page, file, true
}

func (s *site) typeCase(w http.ResponseWriter, r *http.Request) {
	page, _, ok := s.typing(w, r)
	if !ok {
		return
	}
	figures, good := page.read(r)
	if !good {
		page.Problem = s.text(r, "typing.bad")
		s.renderStatus(w, r, http.StatusUnprocessableEntity, "typing", page)
		return
	}
	out, err := s.Centre.TypeIn(r.Context(), s.Profile, db.Typing{
		Case: caseKey(r), Source: db.TypingSource(page.Source), Figures: figures, Staff: staffFrom(r.Context()).Login, Note: page.Note,
	})
	switch {
	case errors.Is(err, verify.ErrIllegal), errors.Is(err, db.ErrSecondPerson):
		page.Problem = s.text(r, "case.illegal")
		s.renderStatus(w, r, http.StatusConflict, "typing", page)
	case err != nil:
		s.fail(w, r, err)
	case len(out.Differs) > 0:
		page.differ(s.Profile.Ballot(caseKey(r).Ballot), figures, out.Differs)
		page.Problem = s.text(r, "typing.differs")
		s.renderStatus(w, r, http.StatusConflict, "typing", page)
	case out.Revision > 0:
		s.goTo(w, r, page.Case+"?done=typed")
	default:
		s.goTo(w, r, "/queue?done=typed_first")
	}
}

// read takes the figures from the form; an empty field is never zero.
func (p *typingPage) read(r *http.Request) (parser.Figures, bool) {
	figures, good := make(parser.Figures, len(p.Rows)), true
	for i := range p.Rows {
		row := &p.Rows[i]
		row.Value = strings.TrimSpace(r.PostFormValue(row.Name))
		n, err := strconv.Atoi(row.Value)
		if err != nil || n < 0 || n > parser.MaxFigure {
			row.Bad, good = true, false
			continue
		}
		figures[i] = int16(n)
	}
	p.Note = cutTo(strings.Join(strings.Fields(r.PostFormValue("note")), " "), mostNote)
	switch source := db.TypingSource(r.PostFormValue("source")); source {
	case db.FromPaper, db.FromCall:
		p.Source = string(source)
	default:
		good = false
	}
	return figures, good
}

// differ puts what others keyed in beside what was keyed in now.
func (p *typingPage) differ(b *parser.Ballot, figures parser.Figures, others []db.TypingRow) {
	p.Differs = true
	for _, o := range others {
		p.Others = append(p.Others, o.Staff)
		for i := range p.Rows {
			other := "–"
			if i < len(o.Figures) {
				other = strconv.Itoa(int(o.Figures[i]))
			}
			differs := i >= len(o.Figures) || o.Figures[i] != figures[i]
			p.Rows[i].Others = append(p.Rows[i].Others, cellView{other, differs})
			p.Rows[i].Differs = p.Rows[i].Differs || differs
		}
	}
}
