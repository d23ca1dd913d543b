package browsertest

import (
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// paperWidth is what A4 portrait leaves between margins of a centimetre, in CSS
// pixels (96 to the inch).
const paperWidth = 718

// Print shows the page as it would be printed on A4.
func (p *Tab) Print() {
	p.t.Helper()
	p.Resize(paperWidth, 1046)
	p.Run(enable(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
}

// Choose puts files into a field of a form.
func (p *Tab) Choose(selector string, files ...string) {
	p.t.Helper()
	p.Run(chromedp.SetUploadFiles(chromedp.CSS(selector), files))
}
