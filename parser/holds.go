package parser

// Holds reports whether f keeps every relation and k is its K. It is what a
// search of repairs asks of each candidate, so it allocates nothing.
func (b *Ballot) Holds(f Figures, k string) bool {
	return b.Keeps(f) && b.IsK(f, k)
}

// IsK reports whether k is the K of f.
func (b *Ballot) IsK(f Figures, k string) bool {
	var digits [6]byte
	want, ok := b.appendK(digits[:0], f)
	return ok && string(want) == k
}

// Keeps reports whether f keeps every relation.
func (b *Ballot) Keeps(f Figures) bool {
	if len(f) != b.Rows() {
		return false
	}
	n := b.N()
	votes := 0
	for _, v := range f[:n] {
		votes += int(v)
	}
	after := f[n:]
	s, t, j := int(after[0]), int(after[1]), int(after[2])
	if s != votes || j != s+t {
		return false
	}
	if b.Form == FormShort {
		return true
	}
	p, d, u, r, z := int(after[3]), int(after[4]), int(after[5]), int(after[6]), int(after[7])
	return p == j && u == j && d == u+r+z
}

// KWidth is the number of digits of K, the ballot's own included.
func (b *Ballot) KWidth() int {
	if b.N() > 6 {
		return 6
	}
	return 5
}
