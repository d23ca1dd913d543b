package feed_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Whoever follows berikutnya sees every row once, in order, whatever the limit.
func TestPagesHoldEveryRowOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 100})
	for path, want := range map[string]int{
		"/v1/stations":                           100,
		"/v1/stations?limit=100":                 100,
		"/v1/stations?limit=7":                   100,
		"/v1/stations?limit=1&area=710801200101": -1,
		"/v1/stations?jenis=pkwkk&limit=9":       50,
		"/v1/stations?area=7108&limit=30":        100,
		"/v1/stations?area=7109":                 0,
		"/v1/stations?area=7108012001003":        1,
		"/v1/stations?election=lain":             0,
		"/v1/stations?putaran=2":                 0,
		"/v1/areas":                              12,
		"/v1/areas?limit=1":                      12,
		"/v1/areas?area=7108&limit=2":            6,
		"/v1/areas?tingkat=kabupaten":            4,
		"/v1/progress?limit=5":                   12,
		"/v1/progress?area=71&jenis=pkwkp":       5,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			if want < 0 {
				s.get(path, http.StatusBadRequest)
				return
			}
			if got := len(s.walk(path)); got != want {
				t.Errorf("%s gives %d rows, want %d", path, got, want)
			}
		})
	}
}

// walk follows berikutnya to the end and returns the keys of the rows.
func (s *site) walk(path string) (keys []string) {
	s.t.Helper()
	for {
		p := s.page(path)
		for _, row := range p.Data {
			keys = append(keys, row.Station+row.Area+" "+row.Contest)
		}
		if p.Next == nil {
			break
		}
		path = *p.Next
	}
	if !slices.IsSorted(keys) || len(slices.Compact(slices.Clone(keys))) != len(keys) {
		s.t.Errorf("%s: keys out of order or twice: %v", path, keys)
	}
	return keys
}

// A wish for ten million rows is answered with a page.
func TestTenMillionRowsArePages(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 10_001})
	for _, path := range []string{"/v1/stations?limit=10000000", "/v1/changes?limit=10000000"} {
		p := s.page(path)
		if len(p.Data) != 10_000 || p.Next == nil {
			t.Fatalf("%s gives %d rows, next %v; want 10000 and a next page", path, len(p.Data), p.Next)
		}
		if rest := s.page(*p.Next); len(rest.Data) != 1 {
			t.Errorf("%s gives %d rows, want the last", *p.Next, len(rest.Data))
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 3})
	body, head := s.get("/v1/stations?limit=2", http.StatusOK, "Accept", "text/csv, application/json;q=0.5")
	rows, err := csv.NewReader(strings.NewReader(string(body))).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v, %v", rows, err)
	}
	at := func(row int, column string) string { return rows[row][slices.Index(rows[0], column)] }
	if got := at(1, "kode_tps") + "|" + at(1, "suara_paslon") + "|" + at(1, "surat_suara_diterima"); got != "7108012001001|1 98 67|" {
		t.Errorf("first row = %q", got)
	}
	if got := head.Get("Content-Type"); !strings.HasPrefix(got, "text/csv") {
		t.Errorf("Content-Type = %q", got)
	}
	if got := head.Get("Content-Disposition"); !strings.Contains(got, "data-sementara.csv") {
		t.Errorf("Content-Disposition = %q", got)
	}
	next, _, _ := strings.Cut(strings.TrimPrefix(head.Get("Link"), "<"), ">")
	rest, _ := s.get(next, http.StatusOK, "Accept", "text/csv")
	if !strings.Contains(string(rest), "7108012001003") || strings.Count(string(rest), "\n") != 2 {
		t.Errorf("Link leads to %q", rest)
	}
	if got, _ := s.get("/v1/stations?limit=2&format=csv", http.StatusOK); string(got) != string(body) {
		t.Errorf("format=csv gives %q", got)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 1})
	for accept, want := range map[string]string{
		"":                                "application/json",
		"*/*":                             "application/json",
		"text/html, */*;q=0.1":            "application/json",
		"text/*":                          "text/csv",
		"text/csv;q=0.9,application/json": "application/json",
		"application/json;q=0.2,text/csv": "text/csv",
		"TEXT/CSV":                        "text/csv",
		"text/csv;q=0, */*":               "application/json",
		"application/json;q=2, text/csv":  "text/csv",
	} {
		_, head := s.get("/v1/stations", http.StatusOK, "Accept", accept)
		if got := head.Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("Accept %q is answered with %q, want %q", accept, got, want)
		}
	}
	for _, accept := range []string{"text/html", "application/json;q=0", "image/*"} {
		s.get("/v1/stations", http.StatusNotAcceptable, "Accept", accept)
	}
}

// What cannot be read is named, with what to write instead, and reaches no
// database.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 1})
	for query, want := range map[string]string{
		"/v1/stations?limit=0":                            "parameter limit",
		"/v1/stations?limit=-1":                           "parameter limit",
		"/v1/stations?limit=1e3":                          "parameter limit",
		"/v1/stations?limit=+5":                           "parameter limit",
		"/v1/stations?limit=99999999999999999999":         "parameter limit",
		"/v1/stations?limit=":                             "parameter limit",
		"/v1/stations?area=710":                           "parameter area",
		"/v1/stations?area=7108'--":                       "parameter area",
		"/v1/stations?area=":                              "parameter area",
		"/v1/stations?jenis=PPWP":                         "parameter jenis",
		"/v1/stations?putaran=40000":                      "parameter putaran",
		"/v1/stations?election=%00":                       "parameter election",
		"/v1/stations?cursor=x":                           "parameter cursor",
		"/v1/stations?cursor=71.pkwkk.9999999.a":          "parameter cursor",
		"/v1/stations?cursor=7108012001001.pkwkk.1.%00":   "parameter cursor",
		"/v1/stations?cursor=7108012001001.pk%ffkk.1.uji": "parameter cursor",
		"/v1/stations?tingkat=desa":                       `parameter \"tingkat\"`,
		"/v1/areas?tingkat=rt":                            "parameter tingkat",
		"/v1/stations?limit=1&limit=2":                    "parameter limit",
		"/v1/stations?after=1":                            `parameter \"after\"`,
		"/v1/stations?x=1;y=2":                            "query",
		"/v1/changes?after=-1":                            "parameter after",
		"/v1/changes?wait=31":                             "parameter wait",
		"/v1/changes?area=71":                             `parameter \"area\"`,
	} {
		body, head := s.get(query, http.StatusBadRequest)
		if head.Get("Content-Type") != "application/problem+json" || !strings.Contains(string(body), want) {
			t.Errorf("%s is answered with %s, want %q in it", query, body, want)
		}
	}
}

func TestOtherMethodsAndPaths(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 2})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		if r := s.request(method, "/v1/stations"); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s = %s", method, r.Status)
		}
	}
	for _, path := range []string{"/", "/v1/", "/v2/stations", "/v1/stations/", "/v1/stations/7108012001001"} {
		s.get(path, http.StatusNotFound)
	}
	head := s.request("HEAD", "/v1/stations?limit=1")
	if head.StatusCode != http.StatusOK || head.Header.Get("ETag") == "" || !strings.Contains(head.Header.Get("Link"), "cursor=") {
		t.Errorf("HEAD = %s %v", head.Status, head.Header)
	}
	body, _ := s.get("/v1/stations?limit=1", http.StatusOK)
	if want := fmt.Sprintf(`"catatan":%q`, "Data sementara, bukan hasil resmi KPU"); !strings.Contains(string(body), want) {
		t.Errorf("%s lacks %s", body, want)
	}
}
