package main

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar is a progress bar on a terminal, and nothing elsewhere.
type bar struct {
	what string
	bar  *progressbar.ProgressBar
}

func newBar(what string) *bar { return &bar{what: what} }

// set moves the bar; a total of 0 is unknown.
func (b *bar) set(done, total int) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return
	}
	if total <= 0 {
		total = -1
	}
	if b.bar == nil {
		b.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(b.what),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
	}
	_ = b.bar.Set(done) // a bar that cannot be drawn is no error
}

func (b *bar) done() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}
