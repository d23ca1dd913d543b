package web_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/verify"
)

func casePath(station int) string { return "/case/" + stationCode(station) + "/PILBUP" }

// decision is the form below an entry as its page has it.
func decision(act string, version, revision int, reason string) url.Values {
	return url.Values{
		"act": {act}, "version": {fmt.Sprint(version)}, "revision": {fmt.Sprint(revision)}, "seen": {fmt.Sprint(revision)}, "reason": {reason},
	}
}

func (r reply) has(t *testing.T, status int, words ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("status = %d, want %d:\n%s", r.status, status, r.body)
	}
	for _, w := range words {
		if !strings.Contains(r.body, w) {
			t.Errorf("the page lacks %q:\n%s", w, r.body)
		}
	}
}

func TestVerifierConfirms(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 2)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	s := serve(c).as(db.RoleVerifier)
	s.ask(http.MethodGet, "/queue").has(t, http.StatusOK, casePath(0), "baru", `data-key="1"`)
	page := s.ask(http.MethodGet, casePath(0))
	page.has(t, http.StatusOK, "nomor dikenal", "angka cocok", "kode terbukti", "dipastikan staf", "Petugas Rekaan 0",
		`<mark class="w-keyword" title="pemilihan">PILBUP</mark>`, `title="suara sah">200</mark>`, "Anda yang membuka")
	if strings.Contains(page.body, phone(0)) {
		t.Error("the number is shown before anybody asked for it")
	}
	got := s.post(casePath(0)+"/decide", decision("confirm", 1, 1, ""))
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/queue?done=confirm" {
		t.Fatalf("confirming = %d to %q:\n%s", got.status, got.header.Get("Location"), got.body)
	}
	s.ask(http.MethodGet, "/queue?done=confirm").has(t, http.StatusOK, "Tersimpan: dikonfirmasi.", "Tidak ada yang menunggu")
	s.ask(http.MethodGet, casePath(0)).has(t, http.StatusOK, "Konfirmasi, versi 1: menunggu → dipastikan staf", "Batalkan")
	s.ask(http.MethodGet, "/case/7108012001999/PILBUP").has(t, http.StatusNotFound)
	s.ask(http.MethodGet, "/case/"+stationCode(0)+"/PPWP").has(t, http.StatusNotFound)
}

// A decision on an outdated page is refused with what has changed, and what was
// typed is kept.
func TestOutdatedDecisionSaysWhatChanged(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	s := serve(c).as(db.RoleVerifier)
	s.ask(http.MethodGet, casePath(0))
	c.take(phone(0), c.tally(0, 121, 80, 4), verify.OutcomeConflict)
	form := decision("reject", 1, 1, "angka beda jauh")
	s.post(casePath(0)+"/decide", form).has(t, http.StatusConflict, "keadaan sudah berubah", "versi 2 masuk lewat SMS sebagai ditahan", `value="angka beda jauh"`)
	part := s.do(http.MethodPost, casePath(0)+"/decide", strings.NewReader(form.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "HX-Request", "true")
	part.has(t, http.StatusConflict, "keadaan sudah berubah")
	if strings.Contains(part.body, "<html") {
		t.Error("the page that is open gets a whole page instead of the answer")
	}
	s.ask(http.MethodGet, casePath(0)).has(t, http.StatusOK, "konflik, 2 versi", `class="differs"`)
}

func TestTwoPeopleDecideAConflict(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	c.take(phone(0), c.tally(0, 121, 80, 4), verify.OutcomeConflict)
	one := serve(c).as(db.RoleVerifier)
	two := one.as(db.RoleVerifier)
	if got := one.post(casePath(0)+"/decide", decision("confirm", 2, 2, "")); got.header.Get("Location") != "/queue?done=first" {
		t.Fatalf("the first: %d %q\n%s", got.status, got.header.Get("Location"), got.body)
	}
	one.post(casePath(0)+"/decide", decision("confirm", 2, 2, "")).has(t, http.StatusConflict, "Anda sudah orang pertama")
	two.post(casePath(0)+"/decide", decision("confirm", 2, 2, "")).has(t, http.StatusConflict, "sedang dibuka orang lain")
	two.post(casePath(0)+"/take", url.Values{"note": {""}}).has(t, http.StatusConflict, "Tulis mengapa")
	if got := two.post(casePath(0)+"/take", url.Values{"note": {"ia pulang"}}); got.status != http.StatusSeeOther {
		t.Fatalf("taking over: %d\n%s", got.status, got.body)
	}
	one.ask(http.MethodGet, casePath(0)).has(t, http.StatusOK, "mengambil alih ini dari Anda", "ia pulang")
	if got := two.post(casePath(0)+"/decide", decision("confirm", 2, 2, "")); got.header.Get("Location") != "/queue?done=confirm" {
		t.Fatalf("the second: %d %q\n%s", got.status, got.header.Get("Location"), got.body)
	}
	two.ask(http.MethodGet, casePath(0)).has(t, http.StatusOK, "Diganti", "dipastikan staf")
}

// The number is shown to who asks for it, and that is on record.
func TestShowingANumberIsRecorded(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	s := serve(c).as(db.RoleVerifier)
	s.post(casePath(0)+"/phone", url.Values{"revision": {"1"}}).has(t, http.StatusOK, `href="tel:&#43;`+phone(0)[1:]+`"`)
	var n int
	if err := c.pg.Open(cluster.Owner).Get(&n, `SELECT count(*) FROM staff.event WHERE kind = 'unmasked' AND subject LIKE 'case %'`); err != nil || n != 1 {
		t.Errorf("%d events, %v", n, err)
	}
}

func TestQuarantinePages(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	c.take("+628990000222", c.tally(0, 120, 80, 4), verify.OutcomeUnknown)
	c.take("+628990000223", `=HYPERLINK("http://x") <script>alert(1)</script>`, verify.OutcomeUnknown)
	s := serve(c).as(db.RoleVerifier)
	queue := s.ask(http.MethodGet, "/quarantine")
	queue.has(t, http.StatusOK, "nomor tidak dikenal", "&lt;script&gt;alert(1)")
	if strings.Contains(queue.body, "<script>alert") {
		t.Error("an SMS is obeyed")
	}
	first := between(t, queue.body, `href="/message/`, `"`)
	path := "/message/" + first
	s.ask(http.MethodGet, path).has(t, http.StatusOK, "Lampirkan ke TPS", "Yang terbaca")
	attach := url.Values{"station": {"12345678"}, "note": {"nomor ketua"}}
	s.post(path+"/attach", attach).has(t, http.StatusUnprocessableEntity, "tidak dikenal", `value="nomor ketua"`)
	attach.Set("station", c.codes[0])
	if got := s.post(path+"/attach", attach); got.header.Get("Location") != casePath(0)+"?done=attached" {
		t.Fatalf("attaching: %d %q\n%s", got.status, got.header.Get("Location"), got.body)
	}
	s.ask(http.MethodGet, casePath(0)).has(t, http.StatusOK, "ditahan, belum ada yang berlaku", "nomor tidak terdaftar untuk TPS ini", "perlu dua orang")
	checkExports(t, s)
	second := "/message/" + between(t, s.ask(http.MethodGet, "/quarantine").body, `href="/message/`, `"`)
	if got := s.post(second+"/handle", url.Values{"kind": {"dismissed"}, "note": {"iklan"}}); got.status != http.StatusSeeOther {
		t.Fatalf("closing: %d\n%s", got.status, got.body)
	}
	s.ask(http.MethodGet, second).has(t, http.StatusOK, "menutup tanpa tindakan", "iklan")
}

// checkExports: a cell that a spreadsheet would run begins with a quote.
func checkExports(t *testing.T, s *site) {
	t.Helper()
	got := s.ask(http.MethodGet, "/queue/export?view=messages&format=csv")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(got.body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("csv: %v, %v", rows, err)
	}
	want := `'=HYPERLINK("http://x") <script>alert(1)</script>`
	if rows[1][8] != want {
		t.Errorf("csv cell = %q, want %q", rows[1][8], want)
	}
	book, err := excelize.OpenReader(bytes.NewReader([]byte(s.ask(http.MethodGet, "/queue/export?view=messages&format=xlsx").body)))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if cell, err := book.GetCellValue("Sheet1", "I2"); err != nil || cell != want {
		t.Errorf("xlsx cell = %q, %v", cell, err)
	}
}

func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, before)
	found, _, end := strings.Cut(rest, after)
	if !ok || !end {
		t.Fatalf("no %q in:\n%s", before, text)
	}
	return found
}

// Two people key in the same without seeing each other's figures.
func TestTypingIsBlind(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	one := serve(c).as(db.RoleVerifier)
	two := one.as(db.RoleVerifier)
	form := func(first string) url.Values {
		return url.Values{"source": {"paper"}, "note": {"dari saksi"}, "f0": {first}, "f1": {"80"}, "f2": {"200"}, "f3": {"4"}, "f4": {"204"}}
	}
	path := casePath(0) + "/type"
	one.post(path, form("")).has(t, http.StatusUnprocessableEntity, "Kosong bukan nol", `aria-invalid="true"`, `value="204"`)
	if got := one.post(path, form("117")); got.header.Get("Location") != "/queue?done=typed_first" {
		t.Fatalf("the first: %d %q\n%s", got.status, got.header.Get("Location"), got.body)
	}
	two.ask(http.MethodGet, "/queue").has(t, http.StatusOK, "ketik kedua", path)
	if page := two.ask(http.MethodGet, path); strings.Contains(page.body, "117") || !strings.Contains(page.body, "Anda orang kedua") {
		t.Errorf("the second person's form:\n%s", page.body)
	}
	two.post(path, form("120")).has(t, http.StatusConflict, "Tidak sama", "117")
	if got := one.post(path, form("120")); got.header.Get("Location") != casePath(0)+"?done=typed" {
		t.Fatalf("after the correction: %d %q\n%s", got.status, got.header.Get("Location"), got.body)
	}
	one.ask(http.MethodGet, casePath(0)).has(t, http.StatusOK, "diketik staf", "mengetik dari kertas")
}

// An entry is on an open desk without anybody asking, and so is a claim.
func TestQueueIsLive(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	s := serve(c).as(db.RoleVerifier)
	w := s.follow("/queue/live?view=all")
	if e := w.until(10*time.Second, "rows", named("rows")); !strings.Contains(e.data, "Tidak ada yang menunggu") {
		t.Fatalf("first rows: %s", e.data)
	}
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	if e := w.until(10*time.Second, "rows", named("rows")); !strings.Contains(e.data, casePath(0)) {
		t.Errorf("after an entry: %s", e.data)
	}
	s.ask(http.MethodGet, casePath(0))
	if e := w.until(10*time.Second, "rows", named("rows")); !strings.Contains(e.data, "sedang dibuka "+s.person.login) {
		t.Errorf("after it was opened: %s", e.data)
	}
}
