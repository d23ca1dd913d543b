package gateway_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"tali/gsm/modemsim"
)

// trouble is something that goes wrong around the daemon for a while.
type trouble struct {
	name  string
	begin func() error
	end   func() error // nil: nothing to mend
}

// troubles makes the outside go wrong, one thing after the other, while modems
// and lives go wrong by themselves.
type troubles struct {
	*rig
	random *rand.Rand
	line   *relay
	lives  *lives
	disk   *disk
	count  map[string]int
	brief  modemsim.Plan // faults of modems to choose from
	long   modemsim.Plan // and now and then from these
	given  map[int]int   // to each modem
	stuck  map[int]int   // how often a modem had too many of them still to come
}

// list is everything that can be made to go wrong.
func (t *troubles) list() []trouble {
	out := []trouble{
		{"database stopped", func() error { t.pg.Stop(); return nil }, func() error { t.pg.Start(); return nil }},
		{"database killed", func() error { t.pg.Kill(); return nil }, func() error { t.pg.Start(); return nil }},
		{"connections ended by the server", func() error { t.pg.CutConnections(); return nil }, nil},
		{"line cut", func() error { t.line.cut(); return nil }, nil},
		{"line refused", t.setLine(relayRefuses), t.setLine(relayPasses)},
		{"line deaf", t.setLine(relayDeaf), t.setLine(relayPasses)},
		{"commits with unknown outcome", t.spoilCommits, nil},
		{"limit on the spool's size", t.limitSpool, func() error { t.lives.limit(0); return nil }},
	}
	for i := range t.modems {
		out = append(out, trouble{"modem unplugged", func() error { t.modems[i].Unplug(); return nil }, t.modems[i].Replug})
	}
	if t.disk.mounted {
		out = append(out, trouble{"disk full", t.disk.fill, t.disk.grow}, trouble{"disk full", t.disk.fill, t.disk.grow})
	}
	return out
}

func (t *troubles) setLine(s relayState) func() error {
	return func() error { t.line.set(s); return nil }
}

func (t *troubles) spoilCommits() error {
	for range 1 + t.random.IntN(4) {
		t.line.spoilNext([]spoiling{commitLost, commitUnheard}[t.random.IntN(2)])
	}
	return nil
}

// limitSpool keeps the daemon's files from growing further.
func (t *troubles) limitSpool() error {
	info, err := os.Stat(filepath.Join(t.disk.dir, "spool", "spool.db-wal"))
	if err != nil {
		return nil // between two lives
	}
	t.lives.limit(uint64(max(info.Size(), 4096)))
	return nil
}

// spoilModem gives a modem one fault to make, some time.
func (t *troubles) spoilModem() {
	i := t.random.IntN(len(t.modems))
	m := t.modems[i]
	if t.given[i]-total(m.Faults()) >= mostPending {
		// Some never come: nobody gives the command, or another took its place.
		if t.stuck[i]++; t.stuck[i] < mostStuck {
			return
		}
		m.Calm()
		t.given[i] = total(m.Faults())
	}
	t.stuck[i] = 0
	t.given[i]++
	kinds := t.brief
	if len(t.long) > 0 && t.random.IntN(20) == 0 {
		kinds = t.long
	}
	r := kinds[t.random.IntN(len(kinds))]
	r.Limit = 1
	r.Delay = time.Duration(float64(r.Delay) * (0.5 + t.random.Float64()))
	m.Inject(modemsim.Plan{r})
}

// mostPending bounds the faults that wait for their command: a modem that was
// away for a while would go through all of them afterwards, one by one.
const mostPending = 3

// mostStuck is when they are given up for others.
const mostStuck = 5

// briefFaults are what a modem does once in a while.
func briefFaults() modemsim.Plan {
	return modemsim.Plan{
		{Kind: modemsim.DropIndication}, {Kind: modemsim.DropIndication}, {Kind: modemsim.DropIndication},
		{Kind: modemsim.BadIndication, Text: `+CMTI: "SM",-1`},
		{Kind: modemsim.BadIndication, Text: `+CMTI: "ME",0`},
		{Kind: modemsim.MemoryFull, Delay: time.Second},
		{Kind: modemsim.Resend, Delay: 300 * time.Millisecond}, {Kind: modemsim.Resend, Delay: 3 * time.Second},
		{Kind: modemsim.CommandError, Command: "+CMGL", Code: 500}, {Kind: modemsim.CommandError, Command: "+CMGL", Code: 314},
		{Kind: modemsim.CommandError, Command: "+CMGS", Code: 500}, {Kind: modemsim.CommandError, Command: "+CMGS", Code: 331},
		{Kind: modemsim.CommandError, Command: "+CMGS", Code: 42}, {Kind: modemsim.CommandError, Command: "+CMGD", Code: 320},
		{Kind: modemsim.CommandError, Command: "+CMGR", Code: 321}, {Kind: modemsim.CommandError, Command: "+CMGL", Code: 322},
		{Kind: modemsim.SoftReset, Command: "+CMGL"}, {Kind: modemsim.SoftReset, Command: "+CMGD"},
		{Kind: modemsim.DeleteFails}, {Kind: modemsim.DeleteKeeps}, {Kind: modemsim.LateReply, Delay: time.Second},
		{Kind: modemsim.HangUp, Delay: 500 * time.Millisecond}, {Kind: modemsim.HangUp, Command: "+CMGS", Delay: time.Second},
		{Kind: modemsim.HangUp, Command: "+CMGL", Delay: time.Second}, {Kind: modemsim.HangUp, Command: "+CMGD", Delay: time.Second},
		{Kind: modemsim.Interleave}, {Kind: modemsim.Interleave, Text: "+CREG: 2"},
		{Kind: modemsim.SplitEntry}, {Kind: modemsim.SplitEntry, Text: `+CMTI: "SM",3`},
		{Kind: modemsim.Garbage, Command: "+CMGL"}, {Kind: modemsim.NULs, Command: "+CMGL"},
		{Kind: modemsim.CutHex, Command: "+CMGL"}, {Kind: modemsim.BadLength, Command: "+CMGL"},
		{Kind: modemsim.BytePaced}, {Kind: modemsim.SendFails, Code: 42}, {Kind: modemsim.DeleteDenied},
		{Kind: modemsim.IndicationsOff}, {Kind: modemsim.OtherStore}, {Kind: modemsim.Reorder, Delay: 500 * time.Millisecond},
		{Kind: modemsim.RegistrationLost, Delay: time.Second}, // A slot is read again before its delete where two seconds have passed.
		{Kind: modemsim.SlotReused, Command: "+CMGD", Delay: 5 * time.Second},
		{Kind: modemsim.SIMSwapped, Delay: 2 * time.Second},
		{Kind: modemsim.SIMBlocked, Delay: 2 * time.Second}, {Kind: modemsim.Duplicate},
		{Kind: modemsim.Poisoned}, {Kind: modemsim.Adverts}, {Kind: modemsim.TotalSilence, Command: "+CMGD", Delay: time.Second},
	}
}

// longFaults cost the whole patience of a command, up to a minute.
func longFaults() modemsim.Plan {
	return modemsim.Plan{
		{Kind: modemsim.LateReply, Command: "+CMGD", Delay: 11 * time.Second}, {Kind: modemsim.LateReply, Delay: 3 * time.Second},
		{Kind: modemsim.LateReply, Command: "+CMGS", Delay: 5 * time.Second},
		{Kind: modemsim.Silence, Command: "+CMGD"}, {Kind: modemsim.Silence, Command: "+CSQ"}, {Kind: modemsim.Silence, Command: "+CMGL"},
		{Kind: modemsim.NoPrompt, Command: "+CMGS"}, {Kind: modemsim.DeleteSilent}, {Kind: modemsim.Garbage},
		{Kind: modemsim.TotalSilence, Delay: 20 * time.Second}, {Kind: modemsim.WriteStall, Delay: 5 * time.Second},
		{Kind: modemsim.Wedged, Delay: 20 * time.Second}, {Kind: modemsim.SIMRemoved, Delay: 5 * time.Second},
		{Kind: modemsim.RegistrationLost, Delay: 15 * time.Second}, {Kind: modemsim.SIMBlocked, Delay: 15 * time.Second},
	}
}

// disk is where the daemon keeps its spool: a file system of its own where this
// user may mount one.
type disk struct {
	dir     string
	mounted bool
}

func newDisk(r *rig) *disk {
	d := &disk{dir: r.TempDir()}
	if err := unix.Mount("none", d.dir, "tmpfs", 0, diskRoom); err != nil {
		r.Logf("the spool's disk is not filled: a tmpfs cannot be mounted here (%v); a limit on its size takes its place", err)
		return d
	}
	d.mounted = true
	r.Cleanup(func() {
		if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
			r.Errorf("unmounting: %v", err)
		}
	})
	return d
}

const diskRoom = "size=1g"

// fill leaves no room on the disk: it becomes as small as what it holds.
func (d *disk) fill() error {
	var st unix.Statfs_t
	if err := unix.Statfs(d.dir, &st); err != nil {
		return err
	}
	used := (st.Blocks - st.Bfree) * uint64(st.Bsize)
	err := unix.Mount("none", d.dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", used))
	if err == unix.EINVAL {
		return nil // it grew meanwhile
	}
	return err
}

func (d *disk) grow() error {
	return unix.Mount("none", d.dir, "tmpfs", unix.MS_REMOUNT, diskRoom)
}
