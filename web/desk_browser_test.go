package web_test

import (
	"fmt"
	"testing"

	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/verify"
	"tali/web/browsertest"
)

// TestDeskInABrowser runs by itself: browsers leave other tests no time.
func TestDeskInABrowser(t *testing.T) {
	browser := browsertest.Start(t)
	for name, test := range map[string]func(*testing.T, *browsertest.Browser){
		"queue": queueInABrowser, "deciding": decidingInABrowser, "kept": typedTextIsKept, "typing": typingInABrowser,
		"reject and attach": rejectAndAttachInABrowser,
	} {
		t.Run(name, func(t *testing.T) { test(t, browser) })
	}
}

// The queue by keyboard alone, live, on a PC and on a phone.
func queueInABrowser(t *testing.T, browser *browsertest.Browser) {
	c := newCentre(t, dbtest.New(t), 4)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 130, 70, 2), verify.OutcomeAccepted)
	c.take("+628990000333", "halo pak, ini TPS mana?", verify.OutcomeUnknown)
	s := serve(c)
	d := s.arrive(browser, 1280, 900)
	d.Press("g", "q")
	d.Until(`document.querySelectorAll("#queue .qmain").length === 3 && document.getElementById("line").className === "on"`)
	d.Press("j")
	d.Press("j")
	focused := `document.activeElement.closest("[data-row]").dataset.row`
	row := browsertest.Eval[string](d.Tab, focused)
	c.take(phone(2), c.tally(2, 140, 60, 1), verify.OutcomeAccepted)
	c.take(phone(2), c.tally(2, 141, 60, 1), verify.OutcomeConflict)
	d.Sees("konflik, 2 versi")
	if got := browsertest.Eval[string](d.Tab, focused); got != row {
		t.Errorf("after new rows the focus is on %s, it was on %s", got, row)
	}
	d.Picture("antrean")
	d.Press("?")
	d.Sees("Ke kotak pencarian")
	d.Picture("tombol")
	d.Press("\x1b")
	small := s.arrive(browser, 360, 640)
	small.visit("/queue")
	small.Sees("konflik, 2 versi")
	small.Fits()
	small.Picture("antrean-360")
	d.Press("\r")
	d.Sees("C.HASIL")
	small.Sees("sedang dibuka")
}

// One confirms by keyboard; a conflict takes two, of whom only one has it open.
func decidingInABrowser(t *testing.T, browser *browsertest.Browser) {
	c := newCentre(t, dbtest.New(t), 2)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 130, 70, 2), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 131, 70, 2), verify.OutcomeConflict)
	s := serve(c)
	one, two := s.arrive(browser, 1280, 900), s.arrive(browser, 360, 740)
	one.visit(casePath(0))
	one.Picture("kasus")
	one.Press("y")
	one.Sees("Tersimpan: dikonfirmasi.")

	one.visit(casePath(1))
	one.Sees("konflik, 2 versi")
	two.visit(casePath(1))
	two.Sees("Sedang dibuka")
	two.Fits()
	two.Picture("konflik-360")
	one.Picture("konflik")
	one.Press("y")
	one.Sees("Usul Anda dicatat")
	two.visit(casePath(1)) // it was given back
	two.Sees("Konfirmasi (orang kedua)")
	two.Press("y")
	two.Sees("Tersimpan: dikonfirmasi.")
	one.visit(casePath(1))
	one.Sees("dipastikan staf")
	one.Picture("dipastikan")
}

// What somebody types is not lost: neither when the case changes under the open
// page, nor while the database is away.
func typedTextIsKept(t *testing.T, browser *browsertest.Browser) {
	c := newCentre(t, dbtest.Own(t), 1)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	s := serve(c)
	d := s.arrive(browser, 1280, 900)
	d.visit(casePath(0))
	d.Type(".decide [name=reason]", "angka beda dgn C.HASIL")
	c.take(phone(0), c.tally(0, 121, 80, 4), verify.OutcomeConflict)
	d.Click(".decide [value=reject]")
	d.Sees("keadaan sudah berubah")
	d.Sees("versi 2 masuk lewat SMS")
	d.Picture("berubah")
	kept := `document.querySelector(".decide [name=reason]").value`
	if got := browsertest.Eval[string](d.Tab, kept); got != "angka beda dgn C.HASIL" {
		t.Errorf("after a refusal the field holds %q", got)
	}
	lock(t, c)
	d.Click(".decide [value=reject]")
	d.Sees("Isian Anda masih di sini")
	d.Picture("pusat-putus")
	if got := browsertest.Eval[string](d.Tab, kept); got != "angka beda dgn C.HASIL" {
		t.Errorf("while the centre is away the field holds %q", got)
	}
}

// lock has the server refuse every connection from now on.
func lock(t *testing.T, c *centre) {
	t.Helper()
	pool := c.pg.Open(cluster.Superuser)
	var name string
	if err := pool.Get(&name, `SELECT current_database()`); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(`ALTER ROLE ` + cluster.Desk + ` NOLOGIN`); err != nil {
		t.Fatal(err)
	}
	c.pg.CutConnections()
}

// Two people key a form in, the second without seeing the first.
func typingInABrowser(t *testing.T, browser *browsertest.Browser) {
	c := newCentre(t, dbtest.New(t), 1)
	s := serve(c)
	one, two := s.arrive(browser, 1280, 900), s.arrive(browser, 360, 740)
	key := func(d *tab, first string) {
		d.visit(casePath(0))
		d.Click(`[data-key="m"]`)
		d.Sees("Simpan ketikan")
		for i, value := range []string{first, "80", "200", "4", "204"} {
			d.Type(fmt.Sprintf("#f%d", i), value)
		}
		d.Click(".typing [type=submit]")
	}
	key(one, "120")
	one.Sees("Orang kedua mengetiknya")
	key(two, "121")
	two.Sees("Tidak sama dengan ketikan pertama")
	two.Fits()
	two.Picture("ketik-beda-360")
	two.Fill("#f0", "120")
	two.Click(".typing [type=submit]")
	two.Sees("Dua ketikan sama")
	two.Picture("ketik-sama-360")
}

// A reject with its reason, and an SMS of a stranger that becomes an entry.
func rejectAndAttachInABrowser(t *testing.T, browser *browsertest.Browser) {
	c := newCentre(t, dbtest.New(t), 2)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	c.take("+628990000444", c.tally(1, 130, 70, 2), verify.OutcomeUnknown)
	s := serve(c)
	d := s.arrive(browser, 1280, 900)
	d.visit(casePath(0))
	d.Click(".decide [value=reject]")
	d.Sees("Tulis sebabnya dulu")
	d.Press("x")
	d.Type(".decide [name=reason]", "bukan dari petugas TPS ini")
	d.Click(".decide [value=reject]")
	d.Sees("Tersimpan: ditolak.")
	d.visit("/quarantine")
	d.Press("j")
	d.Press("\r")
	d.Sees("Lampirkan ke TPS")
	d.Picture("karantina")
	d.Click(`[data-key="c"]`)
	d.Until(`!!document.querySelector("a[href='tel:+628990000444']")`)
	d.Fill("[name=station]", c.codes[1])
	d.Fill(`[action$="/attach"] [name=note]`, "nomor ketua KPPS, dipastikan PPS")
	d.Click(`[action$="/attach"] [type=submit]`)
	d.Sees("SMS dilampirkan sebagai versi yang ditahan")
	d.Picture("dilampirkan")
	c.keepUp()
	d.visit("/search")
	d.Type("[name=q]", "desa")
	d.Click("[role=search] [type=submit]")
	d.Sees("TPS 002")
	d.Picture("cari")
	d.visit("/log")
	d.Sees("DITERIMA")
	d.Picture("log")
}
