//go:build failpoint

package gateway

import (
	"os"
	ossignal "os/signal" // this package has a signal of its own
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// failpoint kills the process, as the kernel would, at the nth passage of a
// boundary. TALI_TEST_DIE_AT names both: after-keep:3. Only binaries that the
// tests build have it.
type failpoint struct {
	at   boundary
	left atomic.Int64
}

func newFailpoint() *failpoint {
	// A limit on the size of files must look like a full disk and not end the
	// process, which is what Go makes of this signal.
	ossignal.Ignore(syscall.SIGXFSZ)
	name, times, _ := strings.Cut(os.Getenv("TALI_TEST_DIE_AT"), ":")
	f := &failpoint{at: boundary(name)}
	n, err := strconv.ParseInt(times, 10, 64)
	if err != nil {
		n = 1
	}
	f.left.Store(n)
	return f
}

func (f *failpoint) pass(b boundary) {
	if b == f.at && f.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}
