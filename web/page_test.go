package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/verify"
)

func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	s := serve(newCentre(t, dbtest.New(t), 1))
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff",
		"X-Frame-Options":         "DENY",
		"Referrer-Policy":         "no-referrer",
	}
	for path, contentType := range map[string]string{
		"/":                                 "text/html; charset=utf-8",
		"/login":                            "text/html; charset=utf-8",
		"/static/desk.css":                  "text/css; charset=utf-8",
		"/static/desk.js":                   "text/javascript; charset=utf-8",
		"/static/tali.svg":                  "image/svg+xml",
		"/static/vendor/htmx-2.0.11.min.js": "text/javascript; charset=utf-8",
		"/static/vendor/pico-2.1.1.min.css": "text/css; charset=utf-8",
		"/nowhere":                          "text/plain; charset=utf-8",
	} {
		got := s.ask(http.MethodGet, path)
		if got.header.Get("Content-Type") != contentType {
			t.Errorf("GET %s: Content-Type = %q, want %q", path, got.header.Get("Content-Type"), contentType)
		}
		for name, value := range want {
			if got.header.Get(name) != value {
				t.Errorf("GET %s: %s = %q, want %q", path, name, got.header.Get(name), value)
			}
		}
		if !strings.HasPrefix(path, "/static/") && got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s: Cache-Control = %q, want no-store", path, got.header.Get("Cache-Control"))
		}
	}
	w := s.watch()
	for name, value := range want {
		if w.header.Get(name) != value {
			t.Errorf("GET /live: %s = %q, want %q", name, w.header.Get(name), value)
		}
	}
	if got := w.header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("GET /live: Content-Type = %q, want text/event-stream", got)
	}
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	s := serve(newCentre(t, dbtest.New(t), 1))
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/", http.StatusOK},
		{http.MethodHead, "/", http.StatusOK},
		{http.MethodGet, "/index.html", http.StatusNotFound},
		{http.MethodGet, "/live/all", http.StatusNotFound},
		{http.MethodGet, "/static/", http.StatusNotFound},
		{http.MethodGet, "/static/vendor/", http.StatusNotFound},
		{http.MethodGet, "/static/none.css", http.StatusNotFound},
		{http.MethodGet, "/static/..%2ftemplates%2flayout.html", http.StatusNotFound},
		{http.MethodGet, "/static/%2e%2e/texts/house.yaml", http.StatusNotFound},
		{http.MethodGet, "/static/vendor/..%2f..%2ftexts%2fhouse.yaml", http.StatusNotFound},
		{http.MethodGet, "/templates/layout.html", http.StatusNotFound},
		{http.MethodGet, "/area/..%2f..%2fetc%2fpasswd", http.StatusNotFound},
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/live", http.StatusMethodNotAllowed},
		{http.MethodPut, "/static/desk.css", http.StatusMethodNotAllowed},
	} {
		got := s.do(c.method, c.path, nil, "Sec-Fetch-Site", "same-origin")
		if got.status != c.want {
			t.Errorf("%s %s = %d, want %d", c.method, c.path, got.status, c.want)
		}
		if c.want == http.StatusMethodNotAllowed && got.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s %s: Allow = %q, want GET, HEAD", c.method, c.path, got.header.Get("Allow"))
		}
	}
}

// TestPageKeepsItsPolicy finds what the policy would block and what a reader
// would not get.
func TestPageKeepsItsPolicy(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 2)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	page := serve(c).page()
	for name, pattern := range map[string]string{
		"inline script":      `<script(?:>| [^>]*>)[^<]`,
		"inline style":       `<style|\sstyle=`,
		"inline handler":     `<[^>]*\son[a-z]+=`,
		"something outside":  `(?:src|href|action)="(?:[a-z]+:|//)`,
		"keyboard trap":      `tabindex="[1-9]`,
		"live board":         `data-section="[^>]*(?:aria-live|role=)`,
		"unfilled template":  `<no value>|\{\{|%!`,
		"number with commas": `\d,\d{3}`,
	} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("%s: %q", name, found)
		}
	}
	for _, want := range []string{
		`<html lang="id">`, "Data sementara, bukan hasil resmi KPU.", "Ini latihan:", `id="line" role="status"`,
		"Pilkada &lt;b&gt;Uji&lt;/b&gt; &amp; Coba", "Staf &lt;Rekaan&gt; supervisor1", "Satu &amp; Dua", "Tiga &lt;Empat&gt;", "Desa &lt;i&gt;Satu&lt;/i&gt; TPS 001",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestNothingYet is the page before the first SMS.
func TestNothingYet(t *testing.T) {
	t.Parallel()
	page := serve(newCentre(t, dbtest.New(t), 3)).page()
	for _, want := range []string{
		"0 dari 3 TPS melapor", "Belum ada TPS yang melapor.", "Belum ada SMS.",
		"Belum ada SMS dalam satu jam terakhir.", "0 menunggu verifikasi, 0 terverifikasi",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<tfoot>") {
		t.Error("the page shows totals of no station")
	}
}

// TestNumbersAreThoseTakenIn compares the page with what was sent and with the
// centre's own count.
func TestNumbersAreThoseTakenIn(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 5)
	for i, votes := range [][2]int{{411, 305}, {502, 207}, {398, 299}} {
		c.take(phone(i), c.tally(i, votes[0], votes[1], 7), verify.OutcomeAccepted)
	}
	c.take(phone(0), c.tally(0, 410, 306, 7), verify.OutcomeConflict)
	c.take(phone(3), strings.Replace(c.tally(3, 100, 50, 1), "151", "152", 1), verify.OutcomeFigures)
	c.take(phone(4), "halo", verify.OutcomeUnreadable)
	c.take(phone(4), "UJI", verify.OutcomeService)
	c.take("+62899999999", "halo", verify.OutcomeUnknown)
	page := serve(c).page()

	for label, want := range map[string]string{
		"SMS masuk": "8", "laporan diterima": "3", "ditanya kembali": "2",
		"ditahan": "1", "nomor tidak dikenal": "1", "lainnya": "1",
	} {
		if got := find(t, page, `<b>([^<]*)</b><span>`+label+`<`); got != want {
			t.Errorf("tile %q = %s, want %s", label, got, want)
		}
	}
	for _, want := range []string{
		"3 dari 5 TPS melapor</strong> (60,0\u00a0%), 2 belum", "3 dari 5 formulir terisi", "Jumlah, 3 dari 5 TPS",
		"Laporan di pusat: 3 menunggu verifikasi, 0 terverifikasi, 1 ditahan.",
		"8 SMS dalam satu jam", "0 terkirim, 8 menunggu, 0 gagal, 0 tidak pasti",
		"1.311", "61,8\u00a0%", "38,2\u00a0%", "2.122",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	owner := c.pg.Open(cluster.Owner)
	for word, outcome := range map[string]verify.Outcome{"diterima": verify.OutcomeAccepted, "ditanya: angka atau K": verify.OutcomeFigures, "sama, sudah ada": verify.OutcomeSame} {
		var stored int
		if err := owner.Get(&stored, `SELECT count(*) FROM intake.verdict WHERE outcome = $1`, outcome); err != nil {
			t.Fatal(err)
		}
		if got := find(t, page, `">`+word+`</span> <span class="count">(\d+) SMS`); got != fmt.Sprint(stored) {
			t.Errorf("legend %q = %s, the centre has %d", word, got, stored)
		}
	}
	var votes int
	if err := owner.Get(&votes, `SELECT sum(figures[1]) FROM tally.entry WHERE state = 'masuk'`); err != nil || votes != 1311 {
		t.Errorf("votes of the first pair at the centre = %d, %v, want 1311", votes, err)
	}
}

func find(t *testing.T, page, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("%s is not on the page", pattern)
	}
	return found[1]
}
