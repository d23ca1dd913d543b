package browsertest

import (
	_ "embed"
	"encoding/json"
	"slices"

	"github.com/chromedp/chromedp"
)

// axe checks pages against WCAG; its licence is beside it.
//
//go:embed axe-4.14.1.min.js
var axe string

// finding is something that axe holds against a page.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML, FailureSummary string }
}

const findings = `axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})
	.then(function (r) { return JSON.stringify(r.violations); })`

// Accessible fails the test at what axe calls serious or critical.
func (p *Tab) Accessible(name string) {
	p.t.Helper()
	Eval[bool](p, axe+"; true")
	var list []finding
	if err := json.Unmarshal([]byte(Eval[string](p, findings, chromedp.EvalAwaitPromise)), &list); err != nil {
		p.t.Fatal(err)
	}
	for _, f := range list {
		if slices.Contains([]string{"serious", "critical"}, f.Impact) {
			p.t.Errorf("%s: %s (%s): %s in %d places, first %s: %s", name, f.ID, f.Impact, f.Help, len(f.Nodes), f.Nodes[0].HTML, f.Nodes[0].FailureSummary)
		}
	}
}
