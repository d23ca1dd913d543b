//go:build !failpoint

package gateway

// failpoint is nothing in the program that is shipped.
type failpoint struct{}

func newFailpoint() *failpoint { return nil }

func (*failpoint) pass(boundary) {}
