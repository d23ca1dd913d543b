package cards

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tali/parser"
	"tali/web/browsertest"
)

func TestPage(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	t.Run("vectors", func(t *testing.T) { testVectors(t, b) })
	t.Run("random forms", func(t *testing.T) { testRandomForms(t, b) })
	t.Run("keyboard alone", func(t *testing.T) { testKeyboard(t, b) })
	t.Run("key typed once", func(t *testing.T) { testTypedKey(t, b) })
	t.Run("without key", func(t *testing.T) { testWithoutKey(t, b) })
	t.Run("readable", func(t *testing.T) { testReadable(t, b) })
	t.Run("policy", func(t *testing.T) { testPolicy(t, b) })
	t.Run("notes", func(t *testing.T) { testNotes(t, b) })
}

// Vectors shared with the parser: the figures of these SMS, keyed into the page,
// make the same A.
func testVectors(t *testing.T, b *browsertest.Browser) {
	p := wideProfile(t)
	pages := make(map[parser.TPSCode]*tab)
	for _, v := range []struct{ sms, a string }{
		{"PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674", "2P6302"},
		{"RALAT 7F3K2 PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674", "Q5H3Z8"},
		{"PPWP#41207735#88#131#24#243#5#248#248#281#248#0#33#11327", "RQ0J7C"},
		{"pilgub 25000975 12.301.0.77.45.435.31.466.466.498.466.3.29 k 62896", "TGDK5M"},
		{"PILBUP 10013505 121 98 67 286 12 298 298 306 298 2 6 71530", "MPQQB4"},
		{"PILWALI 73331031 203 188 391 9 400 80994", "NP7TZK"},
		{"DPD 10013505 12 3 0 45 7 1 0 22 9 4 31 0 2 6 18 5 0 11 3 8 187 61 248 248 281 248 0 33 202952", "XPH67M"},
		{"PPWP,6OOOOl27,0,2lO,0 S 210 TS 0 J 210 P 210 D 214 G 210 R 0 X 4 K 11054", "0R7MK3"},
	} {
		r := parser.Parse(p, v.sms)
		if !r.Consistent() {
			t.Fatalf("Parse(%q) = %+v, want a consistent tally", v.sms, r)
		}
		if pages[r.TPS] == nil {
			s := secret()
			s.InPage = true
			c := card(p, s)
			c.TPS = r.TPS
			pages[r.TPS] = open(t, b, c)
		}
		got := pages[r.TPS].fill(entry{Ballot: number(t, p, r.Ballot), Figures: r.Figures, K: r.K.Given, Proof: r.Proof})[0]
		if !strings.HasSuffix(got.SMS, " "+r.K.Given+" "+v.a) {
			t.Errorf("%q: the page makes %q, want K %s and A %s at its end", v.sms, got.SMS, r.K.Given, v.a)
		}
		if again := parser.Parse(p, got.SMS); !again.Consistent() || again.Proof != r.Proof || again.Auth.Code != v.a {
			t.Errorf("Parse(%q) = %+v, want the tally of %q with %s", got.SMS, again, v.sms, v.a)
		}
	}
}

func number(t *testing.T, p *parser.Profile, b *parser.Ballot) int {
	t.Helper()
	for i := range p.Ballots {
		if p.Ballots[i].Keyword == b.Keyword {
			return i
		}
	}
	t.Fatalf("no ballot %s", b.Keyword)
	return 0
}

// randomForm is a form in which the relations hold, or, one time in four, any
// figures at all: an officer may have to send those too.
func randomForm(r *rand.Rand, b *parser.Ballot) parser.Figures {
	f := make(parser.Figures, b.Rows())
	if r.IntN(4) == 0 {
		for i := range f {
			f[i] = int16(r.IntN(1000))
		}
		return f
	}
	left := r.IntN(700)
	sum := int16(0)
	for i := range b.N() {
		v := r.IntN(left + 1)
		f[i] = int16(v)
		sum += int16(v)
		left -= v
	}
	n, invalid := b.N(), int16(r.IntN(100))
	cast := sum + invalid
	spoiled, unused := int16(r.IntN(20)), int16(r.IntN(120))
	copy(f[n:], []int16{sum, invalid, cast, cast, cast + spoiled + unused, cast, spoiled, unused})
	return f
}

// 200 forms of every ballot: the page takes the K of the Go code and no other,
// makes the same SMS with the same A, and tells no K before it is typed.
func testRandomForms(t *testing.T, b *browsertest.Browser) {
	p := wideProfile(t)
	s := secret()
	s.InPage = true
	c := card(p, s)
	page := open(t, b, c)
	for i, ballot := range p.Ballots {
		r := rand.New(rand.NewPCG(uint64(i), 7108))
		for range 2 {
			var entries []entry
			for range 100 {
				f := randomForm(r, ballot)
				k, _ := ballot.K(f)
				e := entry{Ballot: i, Figures: f, K: k}
				if r.IntN(3) == 0 {
					e.Proof = parser.NewProof(binary(r))
				}
				wrong := e
				wrong.K = otherK(r, ballot, k)
				entries = append(entries, e, wrong)
			}
			checkForms(t, c, ballot, entries, page.fill(entries...))
		}
	}
}

func binary(r *rand.Rand) []byte {
	out := make([]byte, 16)
	for i := range out {
		out[i] = byte(r.UintN(256))
	}
	return out
}

// otherK is a K of the right length that is not k.
func otherK(r *rand.Rand, b *parser.Ballot, k string) string {
	digits := []byte(k)
	if len(digits) == 0 { // the sum does not fit: every K is wrong
		digits = []byte(string(b.Digit) + "0000")
		if b.N() > 6 {
			digits = append(digits, '0')
		}
		return string(digits)
	}
	i := r.IntN(len(digits))
	digits[i] = '0' + (digits[i]-'0'+byte(1+r.IntN(9)))%10
	return string(digits)
}

// checkForms compares pairs: an entry with its K, the same with another.
func checkForms(t *testing.T, c Card, b *parser.Ballot, entries []entry, answers []answer) {
	t.Helper()
	for i, e := range entries {
		got, want := answers[i].SMS, ""
		if i%2 == 0 && e.K != "" {
			want = expected(c, b, e)
		}
		if got != want {
			t.Fatalf("%s %v, K %q: the page makes %q, want %q", b.Keyword, e.Figures, e.K, got, want)
		}
		if k, ok := b.K(e.Figures); ok && strings.Contains(answers[i].Early, k) {
			t.Fatalf("%s %v: K %s is told before it is typed", b.Keyword, e.Figures, k)
		}
		if want == "" {
			continue
		}
		r := parser.Parse(c.Profile, got)
		if !r.Complete() || !r.K.OK || r.Auth.Kind != parser.AuthHMAC || r.Proof != e.Proof {
			t.Fatalf("Parse(%q) = %+v, want all of it read", got, r)
		}
	}
}

func expected(c Card, b *parser.Ballot, e entry) string {
	words, last := []string{b.Keyword, string(c.TPS)}, parser.FirstReport
	if e.Proof != "" {
		words, last = append([]string{"RALAT", e.Proof}, words...), e.Proof
	}
	for _, v := range e.Figures {
		words = append(words, strconv.Itoa(int(v)))
	}
	a := parser.SignA2(c.Secret.Key, parser.Canonical(b, c.TPS, e.Figures, last))
	return strings.Join(append(words, e.K, a), " ")
}

// No pointer is touched: Tab, digits, Enter and the arrows do.
func testKeyboard(t *testing.T, b *browsertest.Browser) {
	p := wideProfile(t)
	c := card(p, nil)
	page := open(t, b, c)
	page.Press(kb.Tab) // the ballots, of which the first is chosen
	for range 6 {
		page.Press(kb.ArrowDown) // to PILBUP
	}
	page.Press(kb.Enter) // to the first figure
	for _, figure := range []string{"145", "98", "67", "310", "12", "322", "322", "330", "322", "2", "6"} {
		page.Press(figure + kb.Enter)
	}
	page.Press("7 1674")
	page.Press(kb.Tab, "7f3ki", kb.Tab)
	sms := browsertest.Eval[string](page.Tab, `document.activeElement.value || document.activeElement.outerHTML`)
	if want := "RALAT 7F3K1 PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"; sms != want {
		t.Errorf("after the last Tab %q has the focus, want the SMS %q", sms, want)
	}
	page.Press(kb.Tab)
	id := browsertest.Eval[string](page.Tab, `document.activeElement.getAttribute('href') || document.activeElement.outerHTML`)
	if want := "sms:+6289900009001?body=RALAT%207F3K1%20PILBUP%2010013505%20145%20"; !strings.HasPrefix(id, want) {
		t.Errorf("then %q has the focus, want a button to %q", id, want)
	}
	page.Picture("keyboard")
}

// A key that is typed is checked, kept over a reload and then signs; the figures
// are kept as well, since a phone may drop the page while the SMS is sent.
func testTypedKey(t *testing.T, b *browsertest.Browser) {
	p := wideProfile(t)
	c := card(p, secret())
	page := open(t, b, c)
	if text := browsertest.Eval[string](page.Tab, `document.documentElement.innerHTML`); strings.Contains(text, "000102030405060708090a0b0c0d0e0f") {
		t.Error("the key stands in a page that asks for it")
	}
	page.set("key", "0001 0203 0405 0607 0809 0a0b 0c0d 0e0e")
	if text := page.text("key-note"); text != "Kunci salah ketik, periksa lembar RAHASIA" {
		t.Errorf("a wrong key is answered with %q", text)
	}
	page.set("key", "OOO1 0203 0405 0607 0809 0A0B 0C0D 0e0f")
	if text := page.text("key-note"); text != "Kunci benar" {
		t.Errorf("the right key is answered with %q", text)
	}
	e := entry{Ballot: 6, Figures: parser.Figures{145, 98, 67, 310, 12, 322, 322, 330, 322, 2, 6}, K: "71674"}
	page.fill(e)
	page.Run(chromedp.Reload(), chromedp.WaitVisible(browsertest.Main), chromedp.Click(chromedp.CSS("#b6")), chromedp.SendKeys(chromedp.CSS("#k"), "71674"))
	text := browsertest.Eval[string](page.Tab, `document.getElementById('sms').value`)
	if want := "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674 2P6302"; text != want {
		t.Errorf("after a reload the SMS is %q, want %q", text, want)
	}
}

func testWithoutKey(t *testing.T, b *browsertest.Browser) {
	p := shipped(t, "pilkada-2024-bolmut")
	page := open(t, b, card(p, nil))
	f := parser.Figures{145, 98, 67, 310, 12, 322, 322, 330, 322, 2, 6}
	got := page.fill(entry{Ballot: 1, Figures: f, K: "71674"})[0]
	want, err := parser.Render(p.Ballots[1], "10013505", f)
	if err != nil || got.SMS != want {
		t.Errorf("the page makes %q, want %q (%v)", got.SMS, want, err)
	}
	if wantSize := fmt.Sprintf("%d huruf = 1 SMS", len(want)); got.Size != wantSize {
		t.Errorf("size = %q, want %q", got.Size, wantSize)
	}
	if browsertest.Eval[bool](page.Tab, `document.getElementById('secret').offsetHeight > 0`) {
		t.Error("a page without key asks for one")
	}
	page.Picture("pilkada")
}

// notes: what is wrong is said at its row, and what the form really says can be
// sent all the same.
func testNotes(t *testing.T, b *browsertest.Browser) {
	page := open(t, b, card(shipped(t, "pilkada-2024-bolmut"), nil))
	f := parser.Figures{145, 98, 67, 301, 12, 322, 322, 330, 322, 2, 6}
	got := page.fill(entry{Ballot: 1, Figures: f, K: "71674"})[0]
	if !strings.Contains(got.State, "FORM") || got.SMS == "" {
		t.Errorf("a form that contradicts itself: state %q, SMS %q, want a word about FORM and an SMS", got.State, got.SMS)
	}
	for id, want := range map[string]string{
		"f3r": "Tidak cocok: jumlah calon 310, tertulis 301", "f5r": "Tidak cocok: sah + tidak sah 313, tertulis 322",
		"f6r": "Cocok: jumlah suara 322", "f2t": "jumlah 310", "f3t": "", "f10t": "jumlah 330",
	} {
		if text := page.text(id); text != want {
			t.Errorf("%s says %q, want %q", id, text, want)
		}
	}
	page.Picture("notes")
	got = page.fill(entry{Ballot: 1, Figures: f, K: "71675"})[0]
	if !strings.HasPrefix(got.KNote, "K tidak cocok") || strings.Contains(got.KNote, "1674") || got.SMS != "" {
		t.Errorf("a wrong K: %q and SMS %q, want a refusal that does not tell", got.KNote, got.SMS)
	}
	for typed, want := range map[string]string{"12a": "Tulis angka 0 sampai 999", "1000": "Tulis angka 0 sampai 999", "-1": "Tulis angka 0 sampai 999", "": ""} {
		page.set("f0", typed)
		if text := page.text("f0r"); text != want {
			t.Errorf("%q in a row: %q, want %q", typed, text, want)
		}
	}
}

// readable: 360 pixels are enough, every field has a label, every button a name,
// and every text the contrast of WCAG 2.1 AA.
func testReadable(t *testing.T, b *browsertest.Browser) {
	for _, p := range []*parser.Profile{wideProfile(t), shipped(t, "pemilu-2024-bolmut")} {
		page := open(t, b, card(p, secret()))
		f := example(p.Ballots[1])
		k, _ := p.Ballots[1].K(f)
		f[0] += 5 // notes of both colours
		page.fill(entry{Ballot: 1, Figures: f, K: k, Proof: "?"})
		for _, problem := range browsertest.Eval[[]string](page.Tab, readable) {
			t.Errorf("%s: %s", p.ID, problem)
		}
		page.Picture("readable-" + p.ID)
	}
}

const readable = `(function () {
	var out = [];
	function part(v) { v /= 255; return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); }
	function light(c) { return 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]); }
	function rgb(text) { return text.match(/[0-9.]+/g).map(Number); }
	function ground(n) {
		for (; n; n = n.parentElement) {
			var c = rgb(getComputedStyle(n).backgroundColor);
			if (c.length === 3 || c[3] > 0) { return c; }
		}
		return [255, 255, 255];
	}
	var seen = 0;
	document.querySelectorAll('body *').forEach(function (n) {
		var text = n.value || Array.from(n.childNodes).some(function (c) { return c.nodeType === 3 && c.data.trim(); });
		if (!text || !n.offsetHeight) { return; }
		var a = light(rgb(getComputedStyle(n).color)), b = light(ground(n)), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		seen++;
		if (ratio < 4.5) { out.push('contrast ' + ratio.toFixed(1) + ' of ' + n.outerHTML.slice(0, 80)); }
		if (parseFloat(getComputedStyle(n).fontSize) < 15) { out.push('small print: ' + n.outerHTML.slice(0, 80)); }
	});
	if (seen < 30) { out.push('only ' + seen + ' texts seen'); }
	document.querySelectorAll('input, textarea').forEach(function (n) {
		if (!n.labels.length || !n.labels[0].textContent.trim()) { out.push('no label: ' + n.outerHTML); }
		if (n.type !== 'radio' && n.offsetHeight && n.offsetHeight < 40) { out.push('too small for a finger: ' + n.outerHTML); }
	});
	document.querySelectorAll('a, button').forEach(function (n) {
		if (!n.textContent.trim()) { out.push('no name: ' + n.outerHTML); }
	});
	document.querySelectorAll('[aria-describedby]').forEach(function (n) {
		n.getAttribute('aria-describedby').split(' ').forEach(function (id) {
			if (!document.getElementById(id)) { out.push('described by nothing: ' + n.outerHTML); }
		});
	});
	if (document.documentElement.scrollWidth > 360) { out.push('wider than the screen: ' + document.documentElement.scrollWidth); }
	return out;
}())`

// policy: even a script that wanted to could load nothing.
func testPolicy(t *testing.T, b *browsertest.Browser) {
	page := open(t, b, card(wideProfile(t), nil))
	blocked := browsertest.Eval[string](page.Tab, `new Promise(function (done) {
		document.addEventListener('securitypolicyviolation', function (e) { done(e.effectiveDirective); });
		var picture = new Image();
		picture.onerror = function () { setTimeout(done, 500, 'nothing but the closed port'); }; // stopped ones report before
		picture.src = 'http://127.0.0.1:9/leak';
	})`, chromedp.EvalAwaitPromise)
	if blocked != "img-src" {
		t.Errorf("a picture from outside is stopped by %q, want img-src", blocked)
	}
	for _, fault := range page.Faults() {
		if !strings.Contains(fault, "Content Security Policy") && !strings.HasSuffix(fault, "/leak") { // announced, then stopped
			t.Error(fault)
		}
	}
}

// An old browser stops at the first word that it does not know.
func TestScriptIsES5(t *testing.T) {
	t.Parallel()
	script, err := pageScript()
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`(?m)//.*$|'[^'\n]*'`).ReplaceAll(script, nil)
	newer := regexp.MustCompile("=>|`|\\b(let|const|class|async|await|import|export|fetch|Promise|Symbol|Map|Set|BigInt|crypto|XMLHttpRequest|WebSocket|eval)\\b|" +
		`\.(includes|padStart|padEnd|repeat|startsWith|endsWith|from|assign|find|append|remove|replaceWith|closest|matches)\(|\?\.|\?\?|\.\.\.|\*\*|for \(var \w+ of`)
	for _, word := range newer.FindAll(code, -1) {
		t.Errorf("the page's script uses %q, which is newer than ES5 or reaches outside", word)
	}
	if len(code) < 5000 {
		t.Errorf("only %d bytes of script were looked at", len(code))
	}
}

// The file names no address but the numbers to send to.
func TestPageNamesNoAddress(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Page(&out, card(wideProfile(t), secret())); err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?i)https?:|//[a-z]|src=|url\(|@import|<link`).FindAllString(out.String(), -1); len(found) > 0 {
		t.Errorf("the page holds %q", found)
	}
	if out.Len() > 60_000 {
		t.Errorf("the page has %d bytes: too many to hand on by Bluetooth", out.Len())
	}
}

// A name from a table cannot become a part of the page.
func TestPageEscapes(t *testing.T) {
	t.Parallel()
	c := card(wideProfile(t), nil)
	c.Station = `</script><script>alert(1)</script>`
	c.Profile.Ballots[0].Contestants[0] = `</script><img src=x onerror=alert(2)>`
	var out bytes.Buffer
	if err := Page(&out, c); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "<script"); n != 2 || strings.Contains(out.String(), "<img") {
		t.Errorf("%d scripts in the page, want its own two", n)
	}
}
