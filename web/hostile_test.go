package web_test

import (
	"html"
	"strings"
	"testing"
	"time"

	"tali/db/dbtest"
	"tali/verify"
)

// TestHostileTexts: whatever strangers send is shown and never obeyed, on the
// page and on the stream.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	for _, text := range []string{
		`<script>alert(1)</script>`,
		`"><img src=x onerror=alert(2)>`,
		"satu\r\nevent: board\rdata: palsu\n\nretry: 1",
		"\u202e321 nakirabuM\u2069\u200f",
		"👩‍👩‍👧 terima kasih שלום العربية",
		"z" + strings.Repeat("\u0300", 200),
		strings.Repeat("A1", 6000),
		"{{.Recent}} %s ${7*7}",
		"\x01\x1b[31m",
	} {
		c.take("+62899999999", text, verify.OutcomeUnknown)
	}
	c.take(`<b>`, "promo", verify.OutcomeIgnored)
	c.take(phone(0), "<i>halo</i>", verify.OutcomeUnreadable)
	s := serve(c)
	page, w := s.page(), s.watch()
	board := w.until(5*time.Second, "the newest SMS", named("recent"))
	for name, text := range map[string]string{"page": page, "stream": board.data} {
		for _, bad := range []string{"<script>alert", "<img", "<i>halo", "<b>promo", "\r", "\u202e", "\u200f", "\x1b", "A1A1A1" + strings.Repeat("A1", 300)} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %q is not tamed", name, bad)
			}
		}
		for _, want := range []string{
			"<script>alert(1)</script>", `"><img src=x onerror=alert(2)>`,
			"satu ↵ event: board ↵ data: palsu ↵  ↵ retry: 1", "[U+202E]321 nakirabuM[U+2069][U+200F]",
			"👩‍👩‍👧 terima kasih שלום العربية", "… (dipotong di halaman ini, panjangnya 12.000 huruf)",
			"{{.Recent}} %s ${7*7}", "[U+0001][U+001B][31m", "+62******999",
		} {
			if !strings.Contains(html.UnescapeString(text), want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
		if len(text) > 64<<10 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
	if !strings.Contains(page, board.data) {
		t.Error("the stream and the page show different SMS")
	}
	if e := w.next(5 * time.Second); e.name != "legend" {
		t.Errorf("after the newest SMS comes %q %q, want the legend", e.name, e.data)
	}
}

// TestCodesAreNotShown: who can read the page must not be able to act for an
// officer.
func TestCodesAreNotShown(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	tally := c.tally(0, 120, 80, 4)
	c.take(phone(0), tally, verify.OutcomeAccepted)
	c.take(phone(0), "RALAT "+proof+" "+c.tally(0, 121, 80, 4), verify.OutcomeAccepted)
	page := serve(c).page()
	if strings.Contains(page, proof) {
		t.Error("the proof code is on the page")
	}
	for _, want := range []string{tally, "DITERIMA " + c.codes[0] + " RALAT •••••", "RALAT ••••• " + c.tally(0, 121, 80, 4)} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, phone(0)) {
		t.Error("a phone number is on the page in full")
	}
}
