package browsertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Tab is a page in a real browser. Its methods fail the test that opened it.
type Tab struct {
	t    *testing.T
	ctx  context.Context
	home string

	mu       sync.Mutex
	requests int
	faults   []string
}

// patience is for one step in a browser on a busy machine.
const patience = time.Minute

// Main is there once a page can be worked with.
const Main = chromedp.CSS("#main")

// Run does steps that have no method here.
func (p *Tab) Run(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.Picture("failed")
		p.t.Fatal(err)
	}
}

// Eval is what a script is in the page.
func Eval[T any](p *Tab, script string, options ...chromedp.EvaluateOption) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, options...))
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return out
}

// Visit opens an address, and waits until its page can be worked with. Whatever
// the page before was about to do by itself must be over: wait for words that only
// the page after it shows.
func (p *Tab) Visit(address string) {
	p.t.Helper()
	p.Run(chromedp.Navigate(address), chromedp.WaitVisible(Main))
}

// Until waits until a script is true, through pages that come and go. A page is
// looked at when it has loaded: before that its own scripts do not hear keys yet.
func (p *Tab) Until(script string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	loaded := fmt.Sprintf(`document.readyState === "complete" && (%s)`, script)
	for {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](loaded)); err == nil && ok {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.Picture("failed")
			p.t.Fatalf("%s never became true\n%s", script, Eval[string](p, "document.body.innerText"))
		}
	}
}

// Sees waits until a text stands on the page.
func (p *Tab) Sees(text string) {
	p.t.Helper()
	p.Until(fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

// Press types keys on the page, as a person without a mouse does.
func (p *Tab) Press(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.Run(chromedp.KeyEvent(key))
	}
}

// Click clicks the first element of a selector.
func (p *Tab) Click(selector string) {
	p.t.Helper()
	p.Run(chromedp.Click(chromedp.CSS(selector)))
}

// Type types into a field, behind what stands there.
func (p *Tab) Type(selector, text string) {
	p.t.Helper()
	p.Run(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Fill replaces what stands in a field.
func (p *Tab) Fill(selector, value string) {
	p.t.Helper()
	p.Run(chromedp.SetValue(chromedp.CSS(selector), value))
}

// SetCookie gives the pages of an address a cookie.
func (p *Tab) SetCookie(address, name, value string) {
	p.t.Helper()
	p.Run(enable(network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address}))
}

// Resize makes the window another one.
func (p *Tab) Resize(width, height int64) {
	p.t.Helper()
	p.Run(chromedp.EmulateViewport(width, height))
}

// Dark has the page believe that it is night.
func (p *Tab) Dark(night bool) {
	p.t.Helper()
	value := "light"
	if night {
		value = "dark"
	}
	p.Run(enable(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}))
}

// Fits fails the test when the page is wider than its window.
func (p *Tab) Fits() {
	p.t.Helper()
	if over := Eval[int](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
		p.t.Errorf("%s: %d pixels wider than the window of %d", Eval[string](p, "location.pathname"), over, Eval[int](p, "innerWidth"))
	}
}

// Picture leaves a screenshot where a person asked for one: in the directory that
// TALI_SCREENSHOTS names.
func (p *Tab) Picture(name string) {
	p.t.Helper()
	dir := os.Getenv("TALI_SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, 15*time.Second)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Logf("no picture %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		p.t.Fatal(err)
	}
}
