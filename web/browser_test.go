package web_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tali/db"
	"tali/db/dbtest"
	"tali/verify"
)

// axe checks pages against WCAG; its licence is beside it.
//
//go:embed testdata/axe-4.14.1.min.js
var axe string

// tab is the desk in a real browser, where somebody is signed in.
type tab struct {
	*site
	ctx context.Context

	mu     sync.Mutex
	faults []string
}

// browser starts Chromium; its tabs end with it.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine: the pages are not tested in a browser (apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return ctx
}

// step is for one step in a browser on a busy machine.
const step = time.Minute

// open opens a tab in which s's person is signed in. It fails the test when a
// page asks for anything from outside or its scripts go wrong.
func (s *site) open(browser context.Context) *tab {
	s.t.Helper()
	ctx, end := chromedp.NewContext(browser)
	p := &tab{site: s, ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil { // opens the tab, for as long as ctx lives
		s.t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		s.t.Fatal(err)
	}
	name, value, _ := strings.Cut(s.cookie(), "=")
	p.run(enable(network.Enable, network.EnableParams{}), enable(log.Enable, cdp.Empty{}), setCookie(s.url, name, value))
	s.t.Cleanup(func() {
		end()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, fault := range p.faults {
			s.t.Error(fault)
		}
	})
	return p
}

func enable[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

func setCookie(url, name, value string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: url})
		return err
	})
}

func (p *tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, p.url) && !strings.HasPrefix(e.Request.URL, "data:") {
			p.faults = append(p.faults, "asked for "+e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		p.faults = append(p.faults, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork { // refusals are answers too
			p.faults = append(p.faults, "the browser complains: "+e.Entry.Text)
		}
	}
}

func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, step)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// eval is what script is in the page; a promise is waited for.
func eval[T any](p *tab, script string, options ...chromedp.EvaluateOption) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, step)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, options...))
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

// visit opens a page of the desk.
func (p *tab) visit(path string) {
	p.t.Helper()
	p.run(chromedp.Navigate(p.url+path), chromedp.WaitVisible(chromedp.CSS("#main")))
}

// until waits for a condition in the page.
func (p *tab) until(what, script string) {
	p.t.Helper()
	deadline := time.Now().Add(step)
	for !eval[bool](p, script) {
		if time.Now().After(deadline) {
			p.t.Fatalf("no %s within %v", what, step)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// wide sets the width of the window.
func (p *tab) wide(width int) {
	p.t.Helper()
	p.run(chromedp.EmulateViewport(int64(width), 900))
}

// fits fails the test when the page is wider than its window.
func (p *tab) fits(name string) {
	p.t.Helper()
	if over := eval[int](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
		p.t.Errorf("%s: %d pixels wider than the window", name, over)
	}
}

// finding is something that axe holds against a page.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML, FailureSummary string }
}

// accessible fails the test at what axe calls serious or critical.
func (p *tab) accessible(name string) {
	p.t.Helper()
	eval[bool](p, axe+"; true")
	text := eval[string](p, `axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})
		.then(function (r) { return JSON.stringify(r.violations); })`, awaited)
	var findings []finding
	if err := json.Unmarshal([]byte(text), &findings); err != nil {
		p.t.Fatal(err)
	}
	for _, f := range findings {
		if slices.Contains([]string{"serious", "critical"}, f.Impact) {
			p.t.Errorf("%s: %s (%s): %s in %d places, first %s: %s", name, f.ID, f.Impact, f.Help, len(f.Nodes), f.Nodes[0].HTML, f.Nodes[0].FailureSummary)
		}
	}
}

// awaited makes Evaluate wait for a promise.
func awaited(params *runtime.EvaluateParams) {
	yes := true
	params.AwaitPromise = &yes
}

// screenshot leaves a picture where a person asked for one.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	dir := os.Getenv("TALI_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// TestPagesInABrowser looks at each page as people see it: wide, on a phone, in
// the dark, and as a screen reader would.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	chrome := browser(t)
	c := newCentre(t, dbtest.New(t), 5)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 90, 110, 2), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 91, 110, 2), verify.OutcomeConflict)
	c.take("+62899999999", "halo", verify.OutcomeUnknown)
	s := serve(c)
	admin := s.as(db.RoleAdmin).open(chrome)
	link := find(t, admin.post("/staff", map[string][]string{"login": {"baru"}, "name": {"Orang Baru"}, "role": {"supervisor"}}).body, `(/welcome/[A-Z0-9]+)`)
	for name, path := range map[string]string{
		"overview": "/", "account": "/account", "staff": "/staff", "chase": "/chase", "registry": "/registry?area=710801",
		"station": "/registry/station/" + stationCode(0), "area": "/area/710801", "welcome": link, "refused": "/area/999999", "login": "/login",
	} {
		admin.wide(1280)
		admin.visit(path)
		admin.accessible(name)
		admin.screenshot(name)
		admin.wide(360)
		admin.fits(name)
		admin.screenshot(name + "-360")
		admin.run(dark(true))
		admin.accessible(name + " in the dark")
		admin.screenshot(name + "-dark")
		admin.run(dark(false))
	}
}

// TestOverviewInABrowser: the page moves by itself, and is worked by keys.
func TestOverviewInABrowser(t *testing.T) {
	t.Parallel()
	chrome := browser(t)
	c := newCentre(t, dbtest.New(t), 3)
	s := serve(c)
	p := s.open(chrome)
	p.visit("/")
	p.until("live line", `document.getElementById('line').className === 'on'`)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	p.until("report on the page", `document.querySelector('[data-section=count]').textContent.includes('1 dari 3 TPS melapor')`)
	p.until("staff activity", `document.body.textContent.includes('Kegiatan staf')`)
	p.run(chromedp.KeyEvent("?"))
	p.until("list of keys", `document.getElementById('keys').open && document.getElementById('keys-here').textContent.includes('Jeda')`)
	p.screenshot("keys")
	eval[bool](p, `document.getElementById('keys').close() || true`)
	p.run(chromedp.KeyEvent("p"))
	p.until("pause", `document.getElementById('pause').getAttribute('aria-pressed') === 'true'`)
	p.run(chromedp.KeyEvent("g"), chromedp.KeyEvent("c"))
	p.until("chase list by its key", `location.pathname === '/chase'`)
	p.run(chromedp.WaitVisible(chromedp.CSS("#main")))
	eval[bool](p, `document.querySelector('form[hx-post] button').click() || true`)
	p.until("number to call", `document.querySelector('a[href^="tel:+62"]') !== null`)
	p.screenshot("chase-number")
}

// dark has the page believe that it is night.
func dark(night bool) chromedp.Action[chromedp.Void] {
	value := "light"
	if night {
		value = "dark"
	}
	return enable(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
}
