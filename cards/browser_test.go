package cards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tali/parser"
	"tali/web/browsertest"
)

// tab is the offline page in a real browser, opened from a file.
type tab struct {
	*browsertest.Tab
	t *testing.T
}

// open shows the page of c, as on a small phone. It may ask for nothing but its
// own file.
func open(t *testing.T, b *browsertest.Browser, c Card) *tab {
	t.Helper()
	var out bytes.Buffer
	if err := Page(&out, c); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "halaman.html")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &tab{b.Open(t, browsertest.View{Width: 360, Height: 640, Home: "file://" + path}), t}
	p.Visit("file://" + path)
	return p
}

// text is what stands in the element of an id.
func (p *tab) text(id string) string {
	p.t.Helper()
	return browsertest.Eval[string](p.Tab, fmt.Sprintf("document.getElementById(%q).textContent", id))
}

// set fills one field.
func (p *tab) set(id, value string) {
	p.t.Helper()
	browsertest.Eval[bool](p.Tab, fmt.Sprintf(`(function (node) {
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
	out := browsertest.Eval[[]answer](p.Tab, fmt.Sprintf(filler, list))
	if len(out) != len(entries) {
		p.t.Fatalf("%d answers for %d entries", len(out), len(entries))
	}
	return out
}
