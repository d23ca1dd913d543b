package feed

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"tali/db"
)

// answer writes one page as it is read. It is a db.ResultsReader.
type answer struct {
	w       http.ResponseWriter
	r       *http.Request
	q       question
	buf     *bufio.Writer
	csv     *csv.Writer // nil: JSON
	columns []string
	rows    int
	begun   bool
	stop    func() bool
}

// errNoBody ends the reading for a consumer that asked for the head alone.
var errNoBody = errors.New("the head was all that was asked for")

// answerBuffer is what is sent at a time.
const answerBuffer = 32 << 10

func newAnswer(w http.ResponseWriter, r *http.Request, q question, stall time.Duration) *answer {
	control := http.NewResponseController(w)
	p := &paced{ctx: r.Context(), w: w, control: control, stall: stall}
	a := &answer{w: w, r: r, q: q, buf: bufio.NewWriterSize(p, answerBuffer)}
	if q.csv {
		a.csv = csv.NewWriter(a.buf)
	}
	// A write that waits for a consumer who is gone ends with it.
	a.stop = context.AfterFunc(r.Context(), func() { _ = control.SetWriteDeadline(time.Unix(1, 0)) })
	return a
}

func (a *answer) close() { a.stop() }

// paced gives every write its time: whoever takes nothing for so long is gone.
type paced struct {
	ctx     context.Context // of the request that the writer belongs to
	w       http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
}

func (p *paced) Write(b []byte) (int, error) {
	if err := p.control.SetWriteDeadline(time.Now().Add(p.stall)); err != nil {
		return 0, err
	}
	if err := p.ctx.Err(); err != nil { // looked at behind the deadline, which its end sets too
		return 0, err
	}
	n, err := p.w.Write(b)
	if err == nil {
		err = p.control.Flush() // else net/http collects, and the deadline means nothing
	}
	return n, err
}

// Page is db.ResultsReader's.
func (a *answer) Page(page db.ResultsPage) error {
	h := a.w.Header()
	describe(h, page.ResultsPosition)
	h.Set("ETag", tagOf(a.q, page.ResultsPosition))
	follow := next(a.r.URL, a.q, page)
	if follow != "" {
		h.Set("Link", "<"+follow+`>; rel="next"`)
	}
	a.columns, a.begun = page.Columns, true
	if a.csv != nil {
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		h.Set("Content-Disposition", `attachment; filename="`+string(a.q.Part)+`-data-sementara.csv"`)
	} else {
		h.Set("Content-Type", "application/json")
	}
	if a.r.Method == http.MethodHead {
		return errNoBody
	}
	if a.csv != nil {
		return a.csv.Write(page.Columns)
	}
	return a.head(page, follow)
}

// head writes the envelope up to the rows.
func (a *answer) head(page db.ResultsPage, follow string) error {
	envelope := struct {
		Note      string  `json:"catatan"`
		Interface int     `json:"versi"`
		Centre    string  `json:"pusat"`
		Feed      int64   `json:"urutan"`
		Upto      *int64  `json:"sampai,omitempty"`
		Next      *string `json:"berikutnya"`
	}{Note: note, Interface: page.Interface, Centre: page.Centre, Feed: page.Feed}
	if a.q.Part == db.PartChanges {
		envelope.Upto = &page.Last.Event
	}
	if follow != "" {
		envelope.Next = &follow
	}
	var text bytes.Buffer
	plain := json.NewEncoder(&text)
	plain.SetEscapeHTML(false) // an address with & is read by people too
	if err := plain.Encode(envelope); err != nil {
		return err
	}
	_, err := a.buf.WriteString(strings.TrimSuffix(text.String(), "}\n") + `,"data":[`)
	return err
}

// Row is db.ResultsReader's.
func (a *answer) Row(object []byte) error {
	a.rows++
	if a.csv != nil {
		fields, err := db.ResultsFields(a.columns, object)
		if err != nil {
			return err
		}
		return a.csv.Write(fields)
	}
	lead := ",\n"
	if a.rows == 1 {
		lead = "\n"
	}
	if _, err := a.buf.WriteString(lead); err != nil {
		return err
	}
	_, err := a.buf.Write(object)
	return err
}

func (a *answer) finish() error {
	if a.csv != nil {
		a.csv.Flush()
		if err := a.csv.Error(); err != nil {
			return err
		}
	} else if _, err := a.buf.WriteString("\n]}\n"); err != nil {
		return err
	}
	return a.buf.Flush()
}
