package web

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"tali/db"
)

// mostExported bounds a file of what somebody sees: the hand-over of everything
// is a command of its own.
const mostExported = 5000

// table is what is exported: rows of cells, the first row its heads.
type table struct {
	name string
	rows [][]string
}

// harmless keeps a cell from being run as a formula by whoever opens the file:
// what an officer or a stranger typed begins with a letter as far as a
// spreadsheet can see.
func harmless(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n|%", rune(cell[0])) {
		return cell
	}
	return "'" + cell
}

// send writes the table in the format that was asked for, after that was
// recorded.
func (s *site) send(w http.ResponseWriter, r *http.Request, t table) {
	format := r.URL.Query().Get("format")
	if format != "xlsx" {
		format = "csv"
	}
	err := s.Centre.RecordEvent(r.Context(), db.Event{
		Actor: actor(r), Kind: db.EventExported, Subject: t.name, Detail: fmt.Sprintf("%s, %d rows", format, len(t.rows)-1),
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, row := range t.rows {
		for i := range row {
			row[i] = harmless(row[i])
		}
	}
	name := fmt.Sprintf("tali-%s-%s.%s", t.name, time.Now().In(s.Profile.Zone).Format("20060102-1504"), format)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	write := writeCSV
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	if format == "xlsx" {
		w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
		write = writeXLSX
	}
	if err := write(w, t); err != nil {
		s.Log.Warn("an export ended early", "export", t.name, "err", err)
	}
}

func writeCSV(w io.Writer, t table) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil { // spreadsheets take it for another encoding otherwise
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return out.WriteAll(t.rows)
}

// writeXLSX writes every cell as text: a code keeps its zeros, and nothing is a
// formula.
func writeXLSX(w io.Writer, t table) error {
	f := excelize.NewFile()
	defer f.Close()
	sheet, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	for i, row := range t.rows {
		cells := make([]any, len(row))
		for j, cell := range row {
			cells[j] = cell
		}
		if err := sheet.SetRow(fmt.Sprintf("A%d", i+1), cells); err != nil {
			return err
		}
	}
	if err := sheet.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}

// exportQueue is the part of the queue that is on the page, further down than
// the page.
func (s *site) exportQueue(w http.ResponseWriter, r *http.Request) {
	q := s.queueOf(r)
	q.After, q.Limit = db.QueueCursor{}, mostExported
	now := time.Now()
	items, err := s.Centre.Queue(r.Context(), s.Profile, q, now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	t := s.tongue(r)
	out := table{"antrean", [][]string{{
		t.say("col.risk"), t.say("col.since"), t.say("col.kind"), t.say("col.station"), t.say("col.tps"), t.say("col.place"),
		t.say("col.ballot"), t.say("col.flags"), t.say("col.text"), t.say("col.claim"),
	}}}
	for _, i := range items {
		row := s.newQueueRow(t, i, now)
		out.rows = append(out.rows, []string{
			fmt.Sprint(i.Risk), row.Since.ISO, row.Kind, i.Station, i.TPS, row.Place, i.Ballot, strings.Join(row.Flags, "; "), row.Text, i.Claim,
		})
	}
	s.send(w, r, out)
}

func (s *site) exportLog(w http.ResponseWriter, r *http.Request) {
	q, _ := logOf(r)
	q.Limit = mostExported
	rows, err := s.Centre.MessageLog(r.Context(), s.Profile, q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	t := s.tongue(r)
	out := table{"sms", [][]string{{
		t.say("col.since"), t.say("col.from"), t.say("col.text"), t.say("col.outcome"), t.say("col.place"), t.say("col.ballot"),
		t.say("col.reply"), t.say("col.sent"),
	}}}
	for _, row := range s.newLog(t, rows) {
		out.rows = append(out.rows, []string{row.At.ISO, row.From, row.Text, row.Outcome, row.Place, row.Ballot, row.Reply, row.Sent})
	}
	s.send(w, r, out)
}
