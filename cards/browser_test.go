package cards

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tali/parser"
)

// tab is a page in a real browser, opened from a file.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
	errors   []string
}

// browser starts Chromium; its tabs end with it.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine: the offline page is not tested (apt-get install chromium)")
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

// open shows the page of c, and fails the test when the page asks anything of a
// network or its scripts go wrong.
func open(t *testing.T, browser context.Context, c Card) *tab {
	t.Helper()
	var out bytes.Buffer
	if err := Page(&out, c); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "halaman.html")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, end := chromedp.NewContext(browser)
	p := &tab{t: t, ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(360, 640)); err != nil { // opens the tab, for as long as ctx lives
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	p.run(enable(network.Enable, network.EnableParams{}), enable(log.Enable, cdp.Empty{}),
		chromedp.Navigate("file://"+path), chromedp.WaitVisible(main))
	t.Cleanup(func() {
		end()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, url := range p.requests {
			if url != "file://"+path {
				t.Errorf("the page asked for %s", url)
			}
		}
		if len(p.requests) == 0 {
			t.Error("not even the page itself was seen on its way: the watch is blind")
		}
		for _, e := range p.errors {
			t.Errorf("the page complains: %s", e)
		}
	})
	return p
}

// main is there once the page's own scripts have run.
const main = chromedp.CSS("#main")

func enable[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

func (p *tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		p.errors = append(p.errors, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *log.EventEntryAdded:
		p.errors = append(p.errors, e.Entry.Text)
	}
}

// patience is for one step in a browser on a busy machine.
const patience = time.Minute

func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// eval is what script is in the page.
func eval[T any](p *tab, script string, options ...chromedp.EvaluateOption) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, options...))
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

// text is what stands in the element of an id.
func (p *tab) text(id string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf("document.getElementById(%q).textContent", id))
}

// set fills one field.
func (p *tab) set(id, value string) {
	p.t.Helper()
	eval[bool](p, fmt.Sprintf(`(function (node) {
		node.value = %q;
		return node.dispatchEvent(new Event('input', { bubbles: true }));
	}(document.getElementById(%q)))`, value, id))
}

// entry is what an officer fills in.
type entry struct {
	Ballot  int            `json:"ballot"`
	Figures parser.Figures `json:"figures"`
	K       string         `json:"k"`
	Proof   string         `json:"proof"`
}

// answer is what the page makes of it.
type answer struct {
	Early  string // all text and every field, before K is typed
	SMS    string // empty when none is offered
	Size   string
	State  string
	KNote  string
	Target string // of the first button
}

// filler is a hand that fills forms by their fields; the page hears of the
// figures at once and of K by itself.
const filler = `(function (entries) {
	function set(id, text) {
		var node = document.getElementById(id);
		node.value = text;
		node.dispatchEvent(new Event('input', { bubbles: true }));
	}
	function text(id) { return document.getElementById(id).textContent; }
	return entries.map(function (e) {
		document.getElementById('b' + e.ballot).click();
		document.getElementById('k').value = '';
		document.getElementById('proof').value = e.proof;
		e.figures.forEach(function (v, i) { document.getElementById('f' + i).value = v; });
		set('f0', String(e.figures[0]));
		var early = document.body.innerText;
		document.querySelectorAll('input, textarea, a').forEach(function (n) { early += '\n' + (n.value || n.href || ''); });
		set('k', e.k);
		var result = document.getElementById('result');
		return {
			Early: early, SMS: result.offsetHeight ? document.getElementById('sms').value : '', Size: text('size'), State: text('state'),
			KNote: text('k-note'), Target: document.querySelector('#send a').getAttribute('href') || ''
		};
	});
}(%s))`

func (p *tab) fill(entries ...entry) []answer {
	p.t.Helper()
	list, err := json.Marshal(entries)
	if err != nil {
		p.t.Fatal(err)
	}
	out := eval[[]answer](p, fmt.Sprintf(filler, list))
	if len(out) != len(entries) {
		p.t.Fatalf("%d answers for %d entries", len(out), len(entries))
	}
	return out
}

// screenshot leaves a picture where a person asked for one.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	dir := os.Getenv("TALI_SCREENSHOTS")
	if dir == "" {
		return
	}
	for suffix, take := range map[string]chromedp.Action[[]byte]{"-full.png": chromedp.FullScreenshot(100), ".png": chromedp.CaptureScreenshot()} {
		picture, err := chromedp.Run(p.ctx, take)
		if err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+suffix), picture, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}
