package modemsim

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options describe a modem and its SIM. Only Number is required.
type Options struct {
	Number       string // of the SIM, +62...
	IMSI         string
	IMEI         string
	ICCID        string
	Manufacturer string
	Model        string
	Revision     string
	Operator     string
	Balance      string // what AT+CUSD answers
	PIN          string // the SIM is locked until it is given; empty: no PIN
	Slots        int    // of the SIM (SM), default 30
	MESlots      int    // of the modem's own memory (ME), default 100
	Signal       int    // AT+CSQ, default 20
	Baud         int    // paces the line in both directions as 8N1 would; 0: as fast as it goes
	Dir          string // where the device's link is made; default: a directory of its own
	Faults       Plan
	Stores       []string      // that AT+CPMS knows; default SM, ME and MT
	ZeroBased    bool          // the first slot is 0, as with some makers
	OnlyCSMS1    bool          // AT+CSMS=0 is refused, and 1 the default: every +CMT wants AT+CNMA
	NoSMSC       bool          // AT+CSCA? is empty
	ClockOffset  time.Duration // of AT+CCLK
	FullNotice   string        // an unsolicited line when a message finds no room, e.g. ^SMMEMFULL: "SM"
	SendTime     time.Duration // what the radio takes for an MO message
	AirTime      time.Duration // what it takes for an MT message: the least time between two
	AckTimeout   time.Duration // for AT+CNMA, default 15 s
	RetryDelay   time.Duration // before the SMSC sends again what was not confirmed, default 5 s
	Log          func(Trace)   // every chunk on the line; called on the modem's goroutine
}

// Trace is one chunk as it passed the line. It shows message texts.
type Trace struct {
	At    time.Time
	Input bool // from the client
	Bytes string
}

func (o Options) withDefaults() Options {
	d := digits(o.Number)
	tail := fmt.Sprintf("%010s", d)
	tail = tail[len(tail)-10:]
	o.IMSI = cmp.Or(o.IMSI, "51089"+tail)
	o.IMEI = cmp.Or(o.IMEI, "86000"+tail)
	o.ICCID = cmp.Or(o.ICCID, "896289000"+tail)
	o.Manufacturer = cmp.Or(o.Manufacturer, "Tali")
	o.Model = cmp.Or(o.Model, "Virtual Modem")
	o.Revision = cmp.Or(o.Revision, "1.0")
	o.Operator = cmp.Or(o.Operator, "VIRTUAL")
	o.Balance = cmp.Or(o.Balance, "Sisa pulsa Rp50.000 s.d. 31/12/2027")
	o.Slots = cmp.Or(o.Slots, 30)
	o.MESlots = cmp.Or(o.MESlots, 100)
	o.Signal = cmp.Or(o.Signal, 20)
	if len(o.Stores) == 0 {
		o.Stores = []string{"SM", "ME", "MT"}
	}
	o.AckTimeout = cmp.Or(o.AckTimeout, 15*time.Second)
	o.RetryDelay = cmp.Or(o.RetryDelay, 5*time.Second)
	return o
}

// Modem is one virtual modem with its SIM. Its exported methods may be called
// from any goroutine.
type Modem struct {
	opts Options
	net  *Network
	cmds map[string]handler

	// What follows belongs to the goroutine that serves the modem.
	cur      *link // the one being served
	set      settings
	in       reader
	out      []byte    // the reply under construction
	held     bool      // the reply is not to be sent
	prompt   *prompt   // the data that a command waits for
	lineAt   time.Time // when the first byte of the command line was read
	lastSent byte      // TP-MR of the last MO message
	unlocked bool      // the PIN was given, or there is none
	card     card      // the SIM that is in
	spells   []spell   // faults that last
	mute     bool      // nothing is read and nothing said
	lost     bool      // the network is
	wedged   bool      // until a restart every command fails
	notices  []string  // unsolicited lines that wait for the reply's end

	wakeup chan struct{} // for a modem without a link
	done   chan struct{}

	mu          sync.Mutex // of what follows
	link        *link      // nil while unplugged
	old         *link      // unplugged; its name is kept until the next is chosen
	plugAt      time.Time  // when to come back by itself; zero: never
	closed      bool
	ownDir      string
	sim, own    store
	drawer      card // the modem's own SIM while another one is in, or none
	drawerStore store
	todo        []func()   // for the modem's goroutine
	queue       []*message // at the SMSC
	unacked     *message   // routed, waits for AT+CNMA
	ackBy       time.Time
	full        bool      // the SMSC was told that memory is full
	fullUntil   time.Time // zero: until a delete
	airFree     time.Time // when the next message can have arrived
	faults      faults
}

func newModem(n *Network, o Options) *Modem {
	h := fnv.New64a()
	h.Write([]byte(digits(o.Number)))
	return &Modem{
		opts:   o,
		net:    n,
		cmds:   handlers(),
		wakeup: make(chan struct{}, 1),
		done:   make(chan struct{}),
		sim:    newStore(o.Slots),
		own:    newStore(o.MESlots),
		card:   o.card(),
		faults: faults{rng: rand.New(rand.NewPCG(n.seed, h.Sum64())), rules: newRules(o.Faults), count: make(map[Kind]int)},
	}
}

func (m *Modem) start() error {
	if m.opts.Dir == "" {
		dir, err := os.MkdirTemp("", "modemsim")
		if err != nil {
			return err
		}
		m.opts.Dir, m.ownDir = dir, dir
	}
	m.powerOn()
	if err := m.Replug(); err != nil {
		close(m.done)
		return errors.Join(err, m.removeDir())
	}
	go m.serve()
	return nil
}

// Number is the SIM's.
func (m *Modem) Number() string { return m.opts.Number }

// Device is the stable name of the port, a link like those of
// /dev/serial/by-id. It exists only while the modem is plugged in.
func (m *Modem) Device() string {
	return filepath.Join(m.opts.Dir, "usb-"+m.opts.IMEI+"-if00")
}

// Stored counts the messages in both memories.
func (m *Modem) Stored() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.sim.used + m.own.used
	if m.card.guest || m.card.absent {
		n += m.drawerStore.used
	}
	return n
}

// Faults counts the faults taken, by kind.
func (m *Modem) Faults() map[Kind]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[Kind]int, len(m.faults.count))
	for k, v := range m.faults.count {
		out[k] = v
	}
	return out
}

// Unplug cuts the modem's power and takes its device away. Messages in its
// memories stay, settings do not. The client sees a hang-up before it returns.
func (m *Modem) Unplug() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plugAt = time.Time{}
	m.unplug()
}

// unplug needs m.mu.
func (m *Modem) unplug() {
	if m.link == nil {
		return
	}
	_ = os.Remove(m.Device()) // the device goes as udev would have it go
	if m.net.watch != nil {
		m.net.watch.remove(m.link)
	}
	m.link.hangUp()
	m.old, m.link = m.link, nil
	if m.unacked != nil {
		m.unacked.due = time.Now().Add(m.opts.RetryDelay)
		m.unacked = nil
	}
	m.record(Unplugged, 0, "")
}

// Replug plugs the modem in again, under another name behind the same link.
func (m *Modem) Replug() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.plug()
}

// plug needs m.mu.
func (m *Modem) plug() error {
	if m.closed {
		return ErrClosed
	}
	if m.link != nil {
		return nil
	}
	l, err := openLink(m.opts.Baud)
	if err != nil {
		return err
	}
	if m.old != nil { // only now may its name be used again
		m.old.release()
		m.old = nil
	}
	if err := linkDevice(l.pts, m.Device()); err != nil {
		l.release()
		return err
	}
	l.left = func() { m.record(Abandoned, 0, l.pts) }
	if m.net.watch != nil {
		m.net.watch.add(l)
	}
	m.link, m.plugAt = l, time.Time{}
	m.record(Plugged, 0, l.pts)
	m.signal()
	return nil
}

// linkDevice replaces what a dead process may have left.
func linkDevice(pts, device string) error {
	fresh := device + ".new"
	_ = os.Remove(fresh)
	if err := os.Symlink(pts, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, device)
}

// Close unplugs the modem for good and waits for its goroutine.
func (m *Modem) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		<-m.done
		return nil
	}
	m.closed = true
	m.unplug()
	if m.old != nil {
		m.old.release()
		m.old = nil
	}
	m.record(PoweredOff, 0, "")
	m.mu.Unlock()
	m.signal()
	<-m.done
	m.net.forget(m)
	return m.removeDir()
}

func (m *Modem) removeDir() error {
	if m.ownDir == "" {
		return nil
	}
	return os.RemoveAll(m.ownDir)
}

// record may be called with m.mu held: the network's lock is the inner one.
func (m *Modem) record(k EventKind, id ID, text string) {
	m.net.record(Event{Kind: k, Modem: m.opts.Number, ID: id, Text: text})
}

// wake has the modem look at its queue.
func (m *Modem) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link != nil {
		m.link.wake()
	}
}

func (m *Modem) signal() {
	select {
	case m.wakeup <- struct{}{}:
	default:
	}
}
