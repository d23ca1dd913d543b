package gateway_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tali/db/cluster"
	"tali/db/dbtest"
)

// soak is how a night is played: short and seeded with every test run, long
// with `make soak`.
type soak struct {
	length   time.Duration
	modems   int
	stations int
	perTick  int           // SMS every 100 ms
	life     time.Duration // mean, of a daemon
	pause    time.Duration // mean, between two troubles
	trouble  time.Duration // mean length of one
	faults   time.Duration // between two faults of modems
	interim  time.Duration // of silence of the centre, before officers hear of it
	settle   time.Duration // for everything to come to rest in the end
	long     bool          // with faults that take a minute to get over
	seed     uint64
}

// nightOf reads what the Makefile asks for.
func nightOf(t *testing.T) soak {
	t.Helper()
	minutes, seed := os.Getenv("TALI_TEST_SOAK_MINUTES"), os.Getenv("TALI_TEST_SOAK_SEED")
	s := soak{
		length: 15 * time.Second, modems: 4, stations: 1000, perTick: 6, life: time.Second, pause: 700 * time.Millisecond,
		trouble: 700 * time.Millisecond, faults: 150 * time.Millisecond, interim: time.Second, settle: 90 * time.Second, seed: 7108,
	}
	if minutes != "" {
		n, err := strconv.ParseFloat(minutes, 64)
		if err != nil || n <= 0 {
			t.Fatalf("TALI_TEST_SOAK_MINUTES=%q: write a number of minutes", minutes)
		}
		s.length = time.Duration(n * float64(time.Minute))
		s.modems, s.stations, s.perTick, s.life = 8, 4000, 2, 9*time.Second
		s.long = true
		s.pause, s.trouble, s.faults, s.interim, s.settle = 5*time.Second, 4*time.Second, 500*time.Millisecond, 3*time.Second, 10*time.Minute
	}
	if seed != "" {
		n, err := strconv.ParseUint(seed, 10, 64)
		if err != nil {
			t.Fatalf("TALI_TEST_SOAK_SEED=%q: write a number", seed)
		}
		s.seed = n
	}
	return s
}

// night is a site in trouble.
type night struct {
	*rig
	soak     soak
	crowd    *crowd
	lives    *lives
	troubles *troubles
	line     *relay
	began    time.Time
}

// TestNight plays an election night in which everything goes wrong at once: the
// daemon dies at every boundary, PostgreSQL is stopped, killed and cut off,
// commits end with an unknown outcome, modems fail in every way they know and
// are pulled out, and the spool's disk is full now and then. Whatever the
// network saw acknowledged is then at the centre once and decided rightly, and
// no officer was told anything wrong, or anything twice that was not in doubt.
func TestNight(t *testing.T) {
	t.Parallel()
	n := newNight(t, nightOf(t))
	stopped, stop := context.WithCancel(t.Context())
	defer stop()
	work, ctx := errgroup.WithContext(stopped)
	texting, enough := context.WithCancel(ctx)
	defer enough()
	work.Go(func() error { return n.crowd.run(texting) })
	work.Go(func() error { return n.lives.run(texting) })
	n.suffer(ctx)
	n.lives.stay()
	enough()
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	n.calm()
	n.table(n.audit())
}

func newNight(t *testing.T, s soak) *night {
	t.Helper()
	r := newRig(t, plan{modems: s.modems, stations: s.stations, pg: dbtest.Own(t), mixed: true})
	n := &night{rig: r, soak: s, began: time.Now()}
	random := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(s.seed, stream)) }
	n.line = newRelay(t, socketDir(t, r.pg.DSN(cluster.Gateway)))
	n.crowd = newCrowd(r, s.seed, r.pg.Open(cluster.Desk))
	n.crowd.perTick, n.crowd.tick = s.perTick, 100*time.Millisecond
	room := newDisk(r)
	n.lives = &lives{
		rig: r, random: random(3), binary: n.buildDeadly(), log: filepath.Join(r.TempDir(), "tali.log"),
		mean: s.life, ends: make(map[string]int),
	}
	dsn := strings.Replace(r.pg.DSN(cluster.Gateway), socketDir(t, r.pg.DSN(cluster.Gateway)), n.line.dir, 1)
	r.must(n.lives.writeConfig(room.dir, dsn, s.interim))
	n.troubles = &troubles{rig: r, random: random(4), line: n.line, lives: n.lives, disk: room, count: make(map[string]int), given: make(map[int]int), stuck: make(map[int]int), brief: briefFaults()}
	if s.long {
		n.troubles.long = longFaults()
	}
	return n
}

// socketDir is where the server of a DSN listens.
func socketDir(t *testing.T, dsn string) string {
	t.Helper()
	_, rest, _ := strings.Cut(dsn, "host='")
	dir, _, found := strings.Cut(rest, "'")
	if !found {
		t.Fatalf("no host in %q", dsn)
	}
	return dir
}

// buildDeadly compiles the program with its boundaries.
func (n *night) buildDeadly() string {
	n.Helper()
	path := filepath.Join(n.TempDir(), "tali")
	out, err := exec.CommandContext(n.Context(), "go", "build", "-buildvcs=false", "-tags", "failpoint", "-o", path, "tali/cmd/tali").CombinedOutput()
	if err != nil {
		n.Fatalf("building tali: %v\n%s", err, out)
	}
	return path
}

// suffer makes things go wrong until the night is over.
func (n *night) suffer(ctx context.Context) {
	n.Helper()
	end := time.NewTimer(n.soak.length)
	defer end.Stop()
	fault := time.NewTicker(n.soak.faults)
	defer fault.Stop()
	report := time.NewTicker(max(n.soak.length/60, 5*time.Second))
	defer report.Stop()
	next := time.NewTimer(n.soak.pause)
	defer next.Stop()
	all := n.troubles.list()
	random := n.troubles.random
	var now *trouble
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			n.mend(now)
			return
		case <-fault.C:
			n.troubles.spoilModem()
		case <-report.C:
			n.progress()
		case <-next.C:
			wait := n.soak.pause
			if now != nil {
				n.mend(now)
				now = nil
			} else {
				now = &all[random.IntN(len(all))]
				n.troubles.count[now.name]++
				n.must(now.begin())
				wait = n.soak.trouble
			}
			next.Reset(time.Duration(float64(wait) * (0.2 + random.ExpFloat64())))
		}
	}
}

func (n *night) mend(t *trouble) {
	n.Helper()
	if t != nil && t.end != nil {
		n.must(t.end())
	}
}

// calm lets one last daemon bring everything to rest and ends it in order.
func (n *night) calm() {
	n.Helper()
	cmd, done, err := n.lives.begin("")
	n.must(err)
	defer func() { _ = cmd.Process.Kill() }() // it has ended unless the test failed
	ctx, cancel := context.WithTimeout(n.Context(), n.soak.settle)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	report := time.NewTicker(10 * time.Second)
	defer report.Stop()
	for left := n.unsettled(ctx); left != ""; left = n.unsettled(ctx) {
		select {
		case <-ctx.Done():
			n.Errorf("after %v of peace: %s\n%s", n.soak.settle, left, n.lastWords())
			return
		case <-done:
			n.Fatalf("the daemon ended by itself: %v\n%s", cmd.ProcessState, n.lastWords())
		case <-report.C:
			n.Logf("coming to rest: %s", left)
		case <-ticker.C:
		}
	}
	n.must(n.lives.interrupt(cmd, done))
}

// unsettled says what is still under way; "" when everything is at rest.
func (n *night) unsettled(ctx context.Context) string {
	if _, err := n.crowd.settle(ctx); err != nil {
		return err.Error()
	}
	var left []string
	for _, m := range n.modems {
		if k := m.Stored() + n.network.Pending(m.Number()); k > 0 {
			left = append(left, fmt.Sprintf("%d SMS at modem %s", k, m.Number()))
		}
	}
	if k := n.crowd.waiting(); k > 0 {
		left = append(left, fmt.Sprintf("%d SMS not decided", k))
	}
	var queued int
	err := n.crowd.pool.GetContext(ctx, &queued, `SELECT count(*) FROM outbox.reply WHERE state IN ('queued', 'leased')`)
	if err != nil {
		left = append(left, err.Error())
	}
	if queued > 0 {
		left = append(left, fmt.Sprintf("%d replies not sent", queued))
	}
	return strings.Join(left, ", ")
}

// lastWords is the end of the daemons' log.
func (n *night) lastWords() string {
	text, err := os.ReadFile(n.lives.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-6000):])
}

// progress is one line while the night goes on.
func (n *night) progress() {
	n.Logf("%6s  %6d SMS, %5d under way, %4d kills, %4d troubles, %5d faults of modems, slowest verdict %s",
		time.Since(n.began).Round(time.Second), n.crowd.texted(), n.crowd.waiting(), n.lives.kills(),
		total(n.troubles.count), n.modemFaults(), n.crowd.slowest().Round(100*time.Millisecond))
}

func (n *night) modemFaults() (taken int) {
	for _, m := range n.modems {
		for _, times := range m.Faults() {
			taken += times
		}
	}
	return taken
}

func total[K comparable](counts map[K]int) (n int) {
	for _, times := range counts {
		n += times
	}
	return n
}

// table is the account of a night; anything but zero in its last rows fails it.
func (n *night) table(a account) {
	n.Helper()
	var b strings.Builder
	row := func(name string, value int) { fmt.Fprintf(&b, "  %-40s %8d\n", name, value) }
	rows := func(counts map[string]int) {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			row("    "+name, counts[name])
		}
	}
	faults := make(map[string]int)
	for _, m := range n.modems {
		for kind, times := range m.Faults() {
			faults[string(kind)] += times
		}
	}
	row("SMS sent", n.crowd.texted())
	row("adverts and poison beside them", a.uninvited)
	row("SMS that phones sent once more", a.again)
	row("replies that arrived", a.arrived)
	row("faults of modems", total(faults))
	rows(faults)
	row("troubles", total(n.troubles.count))
	rows(n.troubles.count)
	row("commits whose outcome nobody was told", n.line.spoiled())
	row("kills", n.lives.kills())
	rows(n.lives.ends)
	row("unknown-outcome replies sent twice", a.twice)
	row("replies nobody knows the fate of", a.unknown)
	row("interim answers", a.interims)
	row("alarms that arrived at the staff", a.alarms)
	row("lost", len(a.lost))
	row("doubled", len(a.doubled))
	row("wrong verdicts", len(n.crowd.wrong))
	row("wrong replies", len(a.wrong))
	row("crashes of the daemon's own", len(n.lives.died))
	n.Logf("seed %d, %v, %d modems\n%s", n.soak.seed, time.Since(n.began).Round(time.Second), n.soak.modems, b.String())
	for _, list := range [][]string{a.lost, a.doubled, n.crowd.wrong, a.wrong, n.lives.died} {
		for _, line := range list[:min(len(list), 20)] {
			n.Error(line)
		}
	}
	if len(n.lives.died) > 0 {
		n.Log(n.lastWords())
	}
	if n.lives.kills() == 0 || total(faults) == 0 || total(n.troubles.count) == 0 {
		n.Error("nothing went wrong: the night shows nothing")
	}
}
