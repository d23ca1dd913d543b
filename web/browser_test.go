package web_test

import (
	"fmt"
	"strings"
	"testing"

	"tali/db"
	"tali/db/dbtest"
	"tali/verify"
	"tali/web/browsertest"
)

// tab is the desk in a real browser, where somebody is signed in.
type tab struct {
	*browsertest.Tab
	site *site
}

// open opens a tab in which s's person is signed in.
func (s *site) open(b *browsertest.Browser) *tab {
	s.t.Helper()
	p := &tab{b.Open(s.t, browsertest.View{Width: 1280, Height: 900, Home: s.url}), s}
	name, value, _ := strings.Cut(s.cookie(), "=")
	p.SetCookie(s.url, name, value)
	return p
}

// arrive signs a new verifier in by the page, in a tab that shares no cookie with
// the others.
func (s *site) arrive(b *browsertest.Browser, width, height int64) *tab {
	s.t.Helper()
	p := &tab{b.Open(s.t, browsertest.View{Width: width, Height: height, Home: s.url, Apart: true}), s}
	who := s.centre.person(fmt.Sprintf("peramban%d", s.people.Add(1)), db.RoleVerifier)
	p.visit("/login")
	p.Fill("[name=login]", who.login)
	p.Fill("[name=password]", password)
	p.Click("form [type=submit]")
	p.Until(`!!document.querySelector(".me")`)
	return p
}

// visit opens a page of the desk.
func (p *tab) visit(path string) {
	p.site.t.Helper()
	p.Visit(p.site.url + path)
}

// TestPagesInABrowser looks at each page as people see it: wide, on a phone, in
// the dark, and as a screen reader would.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	chrome := browsertest.Start(t)
	c := newCentre(t, dbtest.New(t), 5)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 90, 110, 2), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 91, 110, 2), verify.OutcomeConflict)
	c.take("+62899999999", "halo", verify.OutcomeUnknown)
	s := serve(c)
	admin := s.as(db.RoleAdmin).open(chrome)
	link := find(t, admin.site.post("/staff", map[string][]string{"login": {"baru"}, "name": {"Orang Baru"}, "role": {"supervisor"}}).body, `(/welcome/[A-Z0-9]+)`)
	for name, path := range map[string]string{
		"overview": "/", "account": "/account", "staff": "/staff", "chase": "/chase", "registry": "/registry?area=710801",
		"station": "/registry/station/" + stationCode(0), "area": "/area/710801", "welcome": link, "refused": "/area/999999", "login": "/login",
	} {
		admin.Resize(1280, 900)
		admin.visit(path)
		admin.Accessible(name)
		admin.Picture(name)
		admin.Resize(360, 900)
		admin.Fits()
		admin.Picture(name + "-360")
		admin.Dark(true)
		admin.Accessible(name + " in the dark")
		admin.Picture(name + "-dark")
		admin.Dark(false)
	}
}

// TestOverviewInABrowser: the page moves by itself, and is worked by keys.
func TestOverviewInABrowser(t *testing.T) {
	t.Parallel()
	chrome := browsertest.Start(t)
	c := newCentre(t, dbtest.New(t), 3)
	s := serve(c)
	p := s.open(chrome)
	p.visit("/")
	p.Until(`document.getElementById('line').className === 'on'`)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	p.Until(`document.querySelector('[data-section=count]').textContent.includes('1 dari 3 TPS melapor')`)
	p.Until(`document.body.textContent.includes('Kegiatan staf')`)
	p.Press("?")
	p.Until(`document.getElementById('keys').open && document.getElementById('keys-here').textContent.includes('Jeda')`)
	p.Picture("keys")
	browsertest.Eval[bool](p.Tab, `document.getElementById('keys').close() || true`)
	p.Press("p")
	p.Until(`document.getElementById('pause').getAttribute('aria-pressed') === 'true'`)
	p.Press("g", "c")
	p.Until(`location.pathname === '/chase'`)
	p.Until(`!!document.querySelector("form[hx-post] button")`)
	browsertest.Eval[bool](p.Tab, `document.querySelector('form[hx-post] button').click() || true`)
	p.Until(`document.querySelector('a[href^="tel:+62"]') !== null`)
	p.Picture("chase-number")
}
