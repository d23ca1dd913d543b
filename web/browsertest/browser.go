// Package browsertest looks at pages in Debian's Chromium, as people see them.
// Only tests import it.
//
// Invariants:
//   - what a page complains about, and what it asks of an address that is not its
//     own, fails the test that opened it;
//   - a browser and its tabs end with the test.
package browsertest

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium.
type Browser struct{ ctx context.Context }

// Start starts Chromium. Without it the test is skipped.
func Start(t *testing.T) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine: pages are not tested in a browser (apt-get install chromium)")
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
	return &Browser{ctx}
}

// View is how a page is looked at.
type View struct {
	Width, Height int64  // of the window, in pixels
	Home          string // what every address that the pages ask for begins with
	Apart         bool   // shares no cookie with the other tabs of the browser
}

// Open opens an empty tab.
func (b *Browser) Open(t *testing.T, v View) *Tab {
	t.Helper()
	var options []chromedp.ContextOption
	if v.Apart {
		options = append(options, chromedp.WithNewBrowserContext())
	}
	ctx, end := chromedp.NewContext(b.ctx, options...)
	p := &Tab{t: t, ctx: ctx, home: v.Home}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(v.Width, v.Height)); err != nil { // opens the tab, for as long as ctx lives
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	p.Run(enable(network.Enable, network.EnableParams{}), enable(log.Enable, cdp.Empty{}))
	t.Cleanup(func() {
		end()
		p.judge()
	})
	return p
}

func enable[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// hear notes what happens in the tab.
func (p *Tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests++
		if !strings.HasPrefix(e.Request.URL, p.home) && !strings.HasPrefix(e.Request.URL, "data:") {
			p.faults = append(p.faults, "the page asked for "+e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		p.faults = append(p.faults, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork { // refusals are answers too
			p.faults = append(p.faults, "the page complains: "+e.Entry.Text)
		}
	}
}

// Faults gives what was wrong until now, and forgets it: for a test that wants it.
func (p *Tab) Faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	faults := p.faults
	p.faults = nil
	return faults
}

func (p *Tab) judge() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, fault := range p.faults {
		p.t.Error(fault)
	}
	if p.requests == 0 {
		p.t.Error("not even the page itself was seen on its way: the watch is blind")
	}
}
