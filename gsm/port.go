package gsm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrBusy means that another program holds the device; two programs reading one modem lose messages.
var ErrBusy = errors.New("device is held by another program")

// writeTimeout is the longest that a command line may wait for the modem to take it. At 9600 baud a whole
// SMS-SUBMIT needs 0.4 s.
const writeTimeout = 5 * time.Second

// port is a serial line in raw mode, held exclusively. It rests on the runtime's poller: Close ends a Read that
// waits, a Write ends at its deadline when nobody reads, and a hang-up is seen at once.
type port struct{ file *os.File }

// openPort opens a serial device for this process alone.
func openPort(device string, baud int) (*port, error) {
	f, err := os.OpenFile(device, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, busy(device)
	}
	if err != nil {
		return nil, err // *fs.PathError names operation and device
	}
	if shared(f, device) {
		f.Close()
		return nil, busy(device)
	}
	if err := prepare(f, baud); err != nil {
		f.Close() // the first error is the one to report
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, busy(device)
		}
		if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
			return nil, fmt.Errorf("%s %w", device, errNotSerial)
		}
		return nil, &fs.PathError{Op: "setting up", Path: device, Err: err}
	}
	return &port{file: f}, nil
}

// shared finds a program that opened a serial device and took no lock: it reads along and swallows half of every
// answer. The other end of a pty is no such program.
func shared(f *os.File, device string) bool {
	real, err := filepath.EvalSymlinks(device)
	if err != nil || strings.HasPrefix(real, "/dev/pts/") || !isTerminal(f) {
		return false
	}
	return len(holders(device, os.Getpid())) > 0
}

func isTerminal(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var inner error
	err = raw.Control(func(fd uintptr) { _, inner = unix.IoctlGetTermios(int(fd), unix.TCGETS2) })
	return errors.Join(err, inner) == nil
}

// busy names the program that holds a device, where we may know it.
func busy(device string) error {
	if names := holders(device, os.Getpid()); len(names) > 0 {
		return fmt.Errorf("%w: %s is open in %s", ErrBusy, device, strings.Join(names, ", "))
	}
	return fmt.Errorf("%w: %s (`fuser %s` as root names it)", ErrBusy, device, device)
}

// holders lists the processes that have a device open, but for one. Those of other users are seen by root only.
func holders(device string, except int) []string {
	var want unix.Stat_t
	if err := unix.Stat(device, &want); err != nil {
		return nil
	}
	var names []string
	seen := map[string]bool{strconv.Itoa(except): true}
	open, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is right
	for _, fd := range open {
		pid := strings.Split(fd, "/")[2]
		if to, err := os.Readlink(fd); err != nil || !strings.HasPrefix(to, "/dev/") || seen[pid] {
			continue
		}
		var is unix.Stat_t
		if err := unix.Stat(fd, &is); err != nil || !sameDevice(is, want) {
			continue
		}
		seen[pid] = true
		comm, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil {
			continue // it has ended since
		}
		names = append(names, fmt.Sprintf("%s (process %s)", strings.TrimSpace(string(comm)), pid))
	}
	return names
}

// sameDevice compares devices by their numbers: a container has nodes of its own for the host's modems. Ptys are
// numbered anew in each container.
func sameDevice(a, b unix.Stat_t) bool {
	const firstPTY, lastPTY = 136, 143 // majors: Linux, Documentation/admin-guide/devices.txt
	major := unix.Major(a.Rdev)
	return a.Mode&unix.S_IFMT == unix.S_IFCHR && a.Mode&unix.S_IFMT == b.Mode&unix.S_IFMT && a.Rdev == b.Rdev &&
		(a.Dev == b.Dev || major < firstPTY || major > lastPTY)
}

// prepare takes the device and makes the line raw. It goes through SyscallConn because File.Fd would make the
// descriptor blocking, and with it lose deadlines and Close.
func prepare(f *os.File, baud int) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = configure(int(fd), baud) }); err != nil {
		return err
	}
	return inner
}

// configure locks the device for well-behaved programs (flock), for all others (TIOCEXCL, which does not stop
// root), and sets 8N1 without flow control at any baud rate.
func configure(fd, baud int) error {
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	// Root gets in whatever others have claimed.
	if taken, err := unix.IoctlGetInt(fd, unix.TIOCGEXCL); err == nil && taken != 0 {
		return unix.EWOULDBLOCK
	}
	if err := unix.IoctlSetInt(fd, unix.TIOCEXCL, 0); err != nil {
		return err
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return err
	}
	t.Iflag = unix.IGNPAR
	t.Oflag, t.Lflag = 0, 0
	// Without HUPCL, DTR stays up when we close: dropping it makes some modems reset their settings.
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL
	if baud > 0 {
		t.Cflag |= unix.BOTHER
		t.Ispeed, t.Ospeed = uint32(baud), uint32(baud)
	} else {
		t.Cflag |= unix.B115200
	}
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS2, t); err != nil {
		return err
	}
	// A pty has no modem lines; a modem that needs them has them.
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCMBIS, unix.TIOCM_DTR|unix.TIOCM_RTS); err != nil &&
		!errors.Is(err, unix.ENOTTY) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH)
}

// Read waits for octets from the modem.
func (p *port) Read(b []byte) (int, error) { return p.file.Read(b) }

// Write gives up after writeTimeout: os.ErrDeadlineExceeded.
func (p *port) Write(b []byte) (int, error) { return p.write(b, writeTimeout) }

func (p *port) write(b []byte, limit time.Duration) (int, error) {
	if err := p.file.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return 0, err
	}
	return p.file.Write(b)
}

// Close gives the device back at once. A child that was forked meanwhile has the descriptor until it runs its
// program, and would keep the lock as long.
func (p *port) Close() error {
	raw, err := p.file.SyscallConn()
	if err == nil {
		// After a hang-up this fails, and there is nothing left to give back.
		_ = raw.Control(func(fd uintptr) {
			_ = unix.IoctlSetInt(int(fd), unix.TIOCNXCL, 0)
			_ = unix.Flock(int(fd), unix.LOCK_UN)
		})
	}
	return p.file.Close()
}
