package modemsim

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// link is one pseudo terminal, from plugging in to unplugging. We are the
// master side; the client opens the slave.
type link struct {
	master   *os.File
	slave    int    // kept open, so that clients may come and go without EIO on the master
	pts      string // the slave's path
	byteTime time.Duration
	closed   chan struct{}

	watched atomic.Bool // clients is being counted
	clients atomic.Int32
	spoke   atomic.Bool // one is there that has not been counted yet
	wd      int32       // the watcher's
	left    func()      // called when the last client has gone

	mu       sync.Mutex // of what follows
	hungUp   bool
	woken    bool
	deadline time.Time // of reads, as last set

	// Of the modem's goroutine.
	readAt         time.Time // when the last input was read
	txFree, rxFree time.Time // when the paced line has carried what was given to it
}

// writeStall is how long a client may leave a reply unread before the rest is
// dropped, as by a modem without flow control.
const writeStall = 30 * time.Second

// lateWake is how much too late a timer may have woken us.
const lateWake = 3 * time.Millisecond

// openLink makes a terminal in raw mode. creack/pty does the same but puts the
// master into blocking mode, where neither deadlines nor Close end a read.
func openLink(baud int) (*link, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening /dev/ptmx: %w", err)
	}
	l := &link{slave: -1, closed: make(chan struct{})}
	if baud > 0 {
		l.byteTime = time.Second * 10 / time.Duration(baud) // 8N1: ten bits
	}
	if err := l.openSlave(fd); err != nil {
		unix.Close(fd)
		return nil, err
	}
	l.master = os.NewFile(uintptr(fd), "/dev/ptmx")
	return l, nil
}

func (l *link) openSlave(master int) error {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return fmt.Errorf("unlocking pty: %w", err)
	}
	n, err := unix.IoctlGetUint32(master, unix.TIOCGPTN)
	if err != nil {
		return fmt.Errorf("naming pty: %w", err)
	}
	l.pts = "/dev/pts/" + strconv.FormatUint(uint64(n), 10)
	l.slave, err = unix.Open(l.pts, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening %s: %w", l.pts, err)
	}
	if err := setRaw(l.slave); err != nil {
		unix.Close(l.slave)
		return fmt.Errorf("setting %s raw: %w", l.pts, err)
	}
	return nil
}

// setRaw keeps the terminal from echoing the modem's lines back to it before
// the client has set its own modes; cfmakeraw(3).
func setRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag &^= unix.CSIZE | unix.PARENB
	t.Cflag |= unix.CS8
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// read waits for input until the deadline (zero: for ever) or a wake, which
// return 0 bytes and no error.
func (l *link) read(buf []byte, until time.Time) (int, error) {
	l.mu.Lock()
	if l.woken {
		l.woken = false
		l.mu.Unlock()
		return 0, nil
	}
	if !until.Equal(l.deadline) {
		l.deadline = until
		_ = l.master.SetReadDeadline(until) // fails once closed, and so does the read
	}
	l.mu.Unlock()
	n, err := l.master.Read(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.mu.Lock()
		l.woken = false
		l.mu.Unlock()
		return 0, nil
	}
	if n <= 0 {
		return 0, err
	}
	l.readAt = time.Now()
	if l.clients.Load() == 0 {
		l.spoke.Store(true)
	}
	if l.byteTime > 0 {
		l.rxFree = later(l.rxFree, l.readAt).Add(time.Duration(n) * l.byteTime)
		l.sleep(time.Until(l.rxFree))
	}
	return n, err
}

// wake ends the read that is pending, or the next one.
func (l *link) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.woken = true
	l.deadline = time.Unix(1, 0)
	_ = l.master.SetReadDeadline(l.deadline)
}

// write sends p at the line's pace, and returns the time just before its last
// bytes went out.
func (l *link) write(p []byte) (time.Time, error) {
	if l.byteTime == 0 {
		at := time.Now()
		_ = l.master.SetWriteDeadline(at.Add(writeStall))
		_, err := l.master.Write(p)
		return at, err
	}
	chunk := max(1, int(time.Millisecond/l.byteTime)) // timers are no finer
	var at time.Time
	// Timers wake us up to a millisecond late, which no modem does: an answer begins when its question has ended.
	l.txFree = later(l.txFree, l.rxFree)
	if now := time.Now(); now.Sub(l.txFree) > lateWake {
		l.txFree = now
	}
	for len(p) > 0 {
		n := min(chunk, len(p))
		l.txFree = l.txFree.Add(time.Duration(n) * l.byteTime)
		l.sleep(time.Until(l.txFree))
		at = time.Now()
		_ = l.master.SetWriteDeadline(at.Add(writeStall))
		if _, err := l.master.Write(p[:n]); err != nil {
			return at, err
		}
		p = p[n:]
	}
	return at, nil
}

// listened says whether a client has the terminal open; true where that cannot
// be known.
func (l *link) listened() bool {
	return !l.watched.Load() || l.clients.Load() > 0 || l.spoke.Load()
}

// abandoned is called when the last client has gone: what it left unread, and
// its claim to the port, go with it.
func (l *link) abandoned() {
	l.mu.Lock()
	if l.hungUp || l.clients.Load() > 0 {
		l.mu.Unlock()
		return
	}
	_ = unix.IoctlSetInt(l.slave, unix.TIOCNXCL, 0)
	_ = unix.IoctlSetInt(l.slave, unix.TCFLSH, unix.TCIFLUSH)
	l.mu.Unlock()
	l.left()
}

// hangUp closes the master: the client reads end of file, its writes fail with
// EIO. The slave stays ours until release, so that its name is not used again.
func (l *link) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hungUp {
		return
	}
	l.hungUp = true
	close(l.closed)
	_ = l.master.Close()
}

// release gives the slave's name back to the kernel.
func (l *link) release() {
	l.hangUp()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.slave >= 0 {
		unix.Close(l.slave)
		l.slave = -1
	}
}

// fineSleep is the end of a wait that is left to the kernel's clock: the runtime's timers wake a program that idles
// up to a millisecond late, and at each answer's end that would look like a gateway that has nothing to ask.
const fineSleep = 1500 * time.Microsecond

// sleep waits, but not beyond a hang-up.
func (l *link) sleep(d time.Duration) {
	until := time.Now().Add(d)
	if d > fineSleep {
		t := time.NewTimer(d - fineSleep)
		defer t.Stop()
		select {
		case <-t.C:
		case <-l.closed:
			return
		}
	}
	for d = time.Until(until); d > 0; d = time.Until(until) { // a signal may end it early
		ts := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&ts, nil)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
