package web_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tali/db"
	"tali/db/dbtest"
	"tali/verify"
	"tali/web/browsertest"
)

// TestWorkPagesInABrowser looks at the pages of a night as a screen reader would,
// in the light and in the dark, and as paper.
func TestWorkPagesInABrowser(t *testing.T) {
	t.Parallel()
	chrome := browsertest.Start(t)
	c := newCentre(t, dbtest.New(t), 3)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 130, 70, 2), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 131, 70, 2), verify.OutcomeConflict)
	c.take("+628990000555", "halo pak, ini TPS mana?", verify.OutcomeUnknown)
	s := serve(c).as(db.RoleVerifier)
	message := find(t, s.ask("GET", "/quarantine").body, `(/message/[0-9a-f-]{36})`)
	d := s.open(chrome)
	for name, path := range map[string]string{
		"queue": "/queue", "form queue": "/queue?view=form", "case": casePath(0), "conflict": casePath(1), "quarantine": "/quarantine",
		"message": message, "search": "/search?q=desa", "log": "/log", "typing": casePath(2) + "/type",
	} {
		d.visit(path)
		d.Accessible(name)
		d.Dark(true)
		d.Accessible(name + " in the dark")
		d.Dark(false)
	}
	const shown = `[...document.querySelectorAll("nav, form, button, .noprint")].filter(e => e.getClientRects().length > 0).map(e => e.outerHTML.slice(0, 80)).join("\n")`
	for name, path := range map[string]string{"case": casePath(0), "conflict": casePath(1), "log": "/log"} {
		d.visit(path)
		d.Print()
		if got := browsertest.Eval[string](d.Tab, shown); got != "" {
			t.Errorf("%s on paper shows what is for pressing:\n%s", name, got)
		}
		d.Fits()
		d.Picture(name + "-kertas")
		d.Dark(false)
		d.Resize(1280, 900)
	}
}

// TestImportAndActivityInABrowser: a table is looked at before it is stored, and a
// supervisor sees who has worked.
func TestImportAndActivityInABrowser(t *testing.T) {
	t.Parallel()
	chrome := browsertest.Start(t)
	c := newCentre(t, dbtest.New(t), 2)
	d := serve(c).open(chrome)
	table := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	preview := func(path string) {
		d.visit("/registry")
		d.Choose("[name=table]", path)
		browsertest.Eval[bool](d.Tab, `document.querySelector("[name=kind]").value = "officers"; true`)
		d.Click(`form[action="/registry/import"] [type=submit]`)
		d.Until(`location.pathname === "/registry/import"`)
	}
	preview(table("salah.csv", "Rekaan <b>Satu</b>,bukan nomor,"+stationCode(0)+"\n"))
	d.Sees("bukan nomor")
	d.Accessible("a table with a bad row")
	if n := c.count(`SELECT count(*) FROM registry.officer WHERE name LIKE 'Rekaan%'`); n != 0 {
		t.Errorf("a wrong table stored %d officers", n)
	}
	preview(table("benar.csv", "Rekaan Dua,+6289900000866,"+stationCode(0)+"\n"))
	d.Until(`!!document.querySelector("form[action='/registry/import/store'] [name=token]")`)
	d.Accessible("a table that is right")
	if n := c.count(`SELECT count(*) FROM registry.officer WHERE name = 'Rekaan Dua'`); n != 0 {
		t.Error("a preview stored something")
	}
	d.Click("form[action='/registry/import/store'] [type=submit]")
	d.Sees("Tersimpan: 1 baru")
	if n := c.count(`SELECT count(*) FROM registry.officer WHERE name = 'Rekaan Dua'`); n != 1 {
		t.Error("what was previewed was not stored")
	}
	d.visit("/")
	d.Sees("Kegiatan staf")
	if got := d.site.ask("GET", "/activity"); got.status != 200 || !strings.Contains(got.body, "supervisor") && !strings.Contains(got.body, "Supervisor") {
		t.Errorf("activity = %d:\n%s", got.status, got.body)
	}
	d.Until(`document.body.textContent.includes("Staf <Rekaan>")`)
	d.Accessible("overview with its activity")
}
