package feed

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tali/db"
)

// question is what one request asks for.
type question struct {
	db.ResultsQuery
	csv  bool
	wait time.Duration
}

// The parameters of the tables and of the changes.
var (
	tableParameters  = []string{"election", "jenis", "putaran", "area", "cursor", "limit", "format"}
	areaParameters   = append(slices.Clone(tableParameters), "tingkat")
	changeParameters = []string{"after", "limit", "wait", "format"}
)

func parametersOf(part db.ResultsPart) []string {
	switch part {
	case db.PartChanges:
		return changeParameters
	case db.PartStations:
		return tableParameters
	}
	return areaParameters
}

// ask reads a request; a non-nil problem says why it cannot.
func ask(part db.ResultsPart, r *http.Request) (q question, wrong *problem) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, bad("query", "write name=value pairs, percent-encoded")
	}
	for name, all := range values {
		if !slices.Contains(parametersOf(part), name) {
			return q, bad("parameter "+strconv.Quote(name), "use "+strings.Join(parametersOf(part), ", "))
		}
		if len(all) > 1 {
			return q, bad("parameter "+name, "give it once")
		}
	}
	q.Part, q.Limit = part, usualRows
	for _, read := range []func(*question, url.Values) *problem{readFilters, readPlace, readAmount} {
		if wrong = read(&q, values); wrong != nil {
			return q, wrong
		}
	}
	var ok bool
	if q.csv, ok = wantsCSV(values.Get("format"), r.Header.Values("Accept")); !ok {
		return q, &problem{http.StatusNotAcceptable, "no such form", "header Accept or parameter format",
			"take application/json (format=json) or text/csv (format=csv)"}
	}
	return q, nil
}

func bad(where, remedy string) *problem {
	return &problem{http.StatusBadRequest, "the request cannot be read", where, remedy}
}

var (
	electionPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	contestPattern  = regexp.MustCompile(`^[a-z]{1,16}$`)
	areaPattern     = regexp.MustCompile(`^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{10}|[0-9]{13})$`)
	levelPattern    = regexp.MustCompile(`^(desa|kecamatan|kabupaten|provinsi)$`)
	countPattern    = regexp.MustCompile(`^[0-9]{1,18}$`)
)

func readFilters(q *question, values url.Values) *problem {
	for _, p := range []struct {
		name    string
		pattern *regexp.Regexp
		into    *string
		remedy  string
	}{
		{"election", electionPattern, &q.Election, "write the id of an election, such as pilkada-2024"},
		{"jenis", contestPattern, &q.Contest, "write a contest, such as ppwp, pkwkp or pkwkk"},
		{"area", areaPattern, &q.Area, "write the 2, 4, 6 or 10 digits of an area, or the 13 of a station"},
		{"tingkat", levelPattern, &q.Level, "write desa, kecamatan, kabupaten or provinsi"},
	} {
		if *p.into = values.Get(p.name); values.Has(p.name) && !p.pattern.MatchString(*p.into) {
			return bad("parameter "+p.name, p.remedy)
		}
	}
	n, wrong := number(values, "putaran", 0, 1, 32767)
	q.Round = int(n)
	return wrong
}

func readPlace(q *question, values url.Values) (wrong *problem) {
	if cursor := values.Get("cursor"); cursor != "" {
		var ok bool
		if q.After, ok = db.ParseResultsKey(cursor); !ok || len(cursor) > 120 {
			return bad("parameter cursor", "take it from berikutnya of the page before, unchanged")
		}
	}
	q.Event, wrong = number(values, "after", 0, 0, 1<<59)
	return wrong
}

// readAmount takes a limit that is too large for the largest there is: whoever
// wants everything gets pages.
func readAmount(q *question, values url.Values) *problem {
	limit, wrong := number(values, "limit", usualRows, 1, 1<<59)
	if wrong != nil {
		return wrong
	}
	q.Limit = int(min(limit, mostRows))
	seconds, wrong := number(values, "wait", 0, 0, int64(mostWait/time.Second))
	q.wait = time.Duration(seconds) * time.Second
	return wrong
}

func number(values url.Values, name string, usual, least, most int64) (int64, *problem) {
	if !values.Has(name) {
		return usual, nil
	}
	text := values.Get(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || !countPattern.MatchString(text) || n < least || n > most {
		return 0, bad("parameter "+name, fmt.Sprintf("write a whole number from %d to %d", least, most))
	}
	return n, nil
}

// wantsCSV decides between the two forms: format= first, then the header, in
// which JSON wins where both are as welcome.
func wantsCSV(format string, accept []string) (csv, ok bool) {
	switch format {
	case "csv":
		return true, true
	case "json":
		return false, true
	case "":
	default:
		return false, false
	}
	if len(accept) == 0 {
		return false, true
	}
	j, c := welcome(accept, "application", "json"), welcome(accept, "text", "csv")
	return c > j, j > 0 || c > 0
}

// welcome is the weight of a media type in Accept (RFC 9110 §12.5.1): that of
// the entry that names it most closely.
func welcome(accept []string, kind, form string) (weight float64) {
	closest := 0
	for _, entry := range strings.Split(strings.Join(accept, ","), ",") {
		media, rest, _ := strings.Cut(entry, ";")
		near := 0
		switch strings.ToLower(strings.TrimSpace(media)) {
		case kind + "/" + form:
			near = 3
		case kind + "/*":
			near = 2
		case "*/*":
			near = 1
		}
		if near > closest {
			closest, weight = near, quality(rest)
		}
	}
	return weight
}

func quality(parameters string) float64 {
	for _, p := range strings.Split(parameters, ";") {
		if text, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "q="); ok {
			q, err := strconv.ParseFloat(text, 64)
			if err != nil || !(q >= 0 && q <= 1) {
				return 0
			}
			return q
		}
	}
	return 1
}
