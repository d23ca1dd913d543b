package main

// bars shows one progress bar after another, named for what is done.
type bars struct{ now *bar }

func (b *bars) set(what string, done, total int) {
	if b.now == nil || b.now.what != what {
		b.done()
		b.now = newBar(what)
	}
	b.now.set(done, total)
}

func (b *bars) done() {
	if b.now != nil {
		b.now.done()
	}
}
