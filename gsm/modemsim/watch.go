package modemsim

import (
	"encoding/binary"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// watcher counts the clients of the terminals, because a terminal whose slave
// side we keep open ourselves never sees the last one go: the kernel would
// otherwise drop unread output and TIOCEXCL there, as it does for a real port.
// The count is exact for one client at a time: inotify merges equal events, so
// two opens within microseconds may count as one until the client speaks.
type watcher struct {
	f    *os.File
	done chan struct{}

	mu    sync.Mutex
	links map[int32]*link
}

func newWatcher() (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	w := &watcher{f: os.NewFile(uintptr(fd), "inotify"), done: make(chan struct{}), links: make(map[int32]*link)}
	go w.run()
	return w, nil
}

// add begins to count; the slave side must already be open.
func (w *watcher) add(l *link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wd, err := w.control(func(fd int) (int, error) {
		return unix.InotifyAddWatch(fd, l.pts, unix.IN_OPEN|unix.IN_CLOSE)
	})
	if err != nil {
		return
	}
	l.watched.Store(true)
	l.wd = int32(wd)
	w.links[l.wd] = l
}

func (w *watcher) remove(l *link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.links[l.wd] != l {
		return
	}
	delete(w.links, l.wd)
	_, _ = w.control(func(fd int) (int, error) { // gone already if the terminal is
		return unix.InotifyRmWatch(fd, uint32(l.wd))
	})
}

func (w *watcher) control(f func(fd int) (int, error)) (n int, err error) {
	c, err := w.f.SyscallConn()
	if err != nil {
		return 0, err
	}
	if e := c.Control(func(fd uintptr) { n, err = f(int(fd)) }); e != nil {
		return 0, e
	}
	return n, err
}

func (w *watcher) run() {
	defer close(w.done)
	buf := make([]byte, 4096)
	for {
		n, err := w.f.Read(buf)
		if err != nil {
			return
		}
		left := w.count(buf[:n])
		for _, l := range left {
			l.abandoned()
		}
	}
}

// count reads a batch of events and returns the links without a client.
func (w *watcher) count(buf []byte) []*link {
	w.mu.Lock()
	defer w.mu.Unlock()
	var left []*link
	for len(buf) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(buf))
		mask := binary.NativeEndian.Uint32(buf[4:])
		buf = buf[unix.SizeofInotifyEvent+binary.NativeEndian.Uint32(buf[12:]):]
		l := w.links[wd]
		switch {
		case l == nil:
		case mask&unix.IN_OPEN != 0:
			l.clients.Add(1)
		case mask&unix.IN_CLOSE != 0:
			if l.clients.Load() > 0 {
				l.clients.Add(-1)
			}
			if l.clients.Load() == 0 {
				l.spoke.Store(false)
				left = append(left, l)
			}
		}
	}
	return left
}

func (w *watcher) close() error {
	err := w.f.Close()
	<-w.done
	return err
}
