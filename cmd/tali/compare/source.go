package compare

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Source is what FILE says, and what of it cannot be read.
type Source struct {
	Rows map[Key]Row
	Bad  []Bad
}

// Options say what FILE leaves open.
type Options struct {
	Contest  string                  // of rows that name none
	Round    int                     // of rows that name none
	Order    []string                // ids of contestants in the order of the form; empty: by number
	Area     string                  // only stations whose code begins so
	Progress func(done, total int64) // bytes
}

// Load reads a file in either form.
func Load(path string, o Options) (Source, error) {
	r := &reader{Options: o, out: Source{Rows: make(map[Key]Row)}}
	f, err := os.Open(path)
	if err != nil {
		return r.out, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return r.out, err
	}
	in := bufio.NewReaderSize(&counted{in: f, total: info.Size(), progress: o.Progress}, 1<<16)
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3) // there: it was looked at
	}
	first, err := firstByte(in)
	switch {
	case errors.Is(err, io.EOF):
		err = errors.New("the file is empty")
	case err == nil && (first == '{' || first == '['):
		err = r.json(in)
	case err == nil:
		err = r.csv(in)
	}
	if err == nil && len(r.out.Rows)+len(r.out.Bad)+r.skipped == 0 {
		err = errors.New("no station is in it")
	}
	if err != nil {
		return r.out, fmt.Errorf("%s: %w", path, err)
	}
	return r.out, nil
}

// reader gathers rows. It does not know whose form they come in.
type reader struct {
	Options
	out     Source
	skipped int // outside of the area, or without figures
}

var (
	stationPattern = regexp.MustCompile(`^[0-9]{13}$`)
	contestPattern = regexp.MustCompile(`^[a-z]{1,16}$`)
)

// add keeps a row, or says why it cannot be.
func (r *reader) add(row Row) {
	if row.Contest == "" {
		row.Contest = r.Contest
	}
	if row.Round == 0 {
		row.Round = r.Round
	}
	switch {
	case !stationPattern.MatchString(row.Station):
		r.bad(row.Line, fmt.Sprintf("%q is no station: 13 digits", shorten(row.Station)))
	case r.Area != "" && !strings.HasPrefix(row.Station, r.Area), len(row.Votes)+len(row.Fields) == 0:
		r.skipped++ // a source that has no figures yet says nothing
	case row.Contest == "":
		r.bad(row.Line, row.Station+" does not say its contest (jenis): give --jenis")
	case !contestPattern.MatchString(row.Contest):
		r.bad(row.Line, fmt.Sprintf("%q is no contest (jenis)", shorten(row.Contest)))
	default:
		if other, twice := r.out.Rows[row.Key]; twice {
			r.bad(row.Line, fmt.Sprintf("%s stands in line %d already", row.Station, other.Line))
			return
		}
		r.out.Rows[row.Key] = row
	}
}

func (r *reader) bad(line int, reason string) {
	r.out.Bad = append(r.out.Bad, Bad{line, reason})
}

// figure reads a figure of a form.
func figure(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is no figure: a whole number from 0", shorten(text))
	}
	return int(n), nil
}

// votes are a map of contestants' ids in the order of the form. Sirekap's ids
// rise in that order; persen and the like are no ids.
func (r *reader) votes(by map[string]int) ([]int, error) {
	order := r.Order
	if len(order) == 0 {
		for id := range by {
			order = append(order, id)
		}
		slices.SortFunc(order, byNumber)
	}
	out := make([]int, 0, len(order))
	for _, id := range order {
		n, ok := by[id]
		if !ok {
			return nil, fmt.Errorf("contestant %q is not there", id)
		}
		out = append(out, n)
	}
	if len(out) != len(by) {
		return nil, fmt.Errorf("%d contestants, --paslon names %d", len(by), len(out))
	}
	return out, nil
}

func byNumber(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func isID(name string) bool { return name != "" && strings.Trim(name, "0123456789") == "" }

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:37]) + "..."
	}
	return s
}

// firstByte is the first byte that is no space, left where it is.
func firstByte(in *bufio.Reader) (byte, error) {
	for n := 1; ; n++ {
		head, err := in.Peek(n)
		if len(head) < n {
			return 0, err
		}
		if c := head[n-1]; !strings.ContainsRune(" \t\r\n", rune(c)) {
			return c, nil
		}
	}
}

// counted tells how far the reading is.
type counted struct {
	in          io.Reader
	done, total int64
	progress    func(done, total int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.done += int64(n)
	if c.progress != nil {
		c.progress(c.done, c.total)
	}
	return n, err
}

// ParseRow reads one row of our results interface, a JSON object.
func ParseRow(object []byte) (Row, error) {
	r := &reader{out: Source{Rows: make(map[Key]Row)}}
	r.station(object, "", 0)
	for _, row := range r.out.Rows {
		return row, nil
	}
	return Row{}, fmt.Errorf("a row of the results: %v", r.out.Bad)
}
