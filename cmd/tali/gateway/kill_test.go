package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tali/db/cluster"
)

// TestKilled runs the real binary against a stream of 500 SMS, three times over,
// and kills it with SIGKILL at random moments: nothing is lost, nothing counts
// twice, and an officer hears twice only where nobody can know better.
func TestKilled(t *testing.T) {
	t.Parallel()
	const rounds, perRound, killsPerRound = 3, 500, 3
	r := newRig(t, plan{modems: 4, stations: rounds * perRound})
	tali := r.build()
	random := rand.New(rand.NewPCG(7108, 9))
	for round := range rounds {
		d := r.spawn(tali)
		r.awaitAlive(d)
		for i := range perRound {
			officer := round*perRound + i
			r.text(phone(officer), i%len(r.modems), r.tally(officer, 100+i%400))
		}
		for range killsPerRound {
			r.awaitEvents(1 + random.IntN(4*perRound/killsPerRound))
			r.must(d.Process.Kill())
			_ = d.Wait() // it says "killed"
			d = r.spawn(tali)
		}
		r.awaitDrained((round + 1) * perRound)
		r.await("answers", func() bool { return r.count(`SELECT count(*) FROM outbox.reply WHERE state <> 'sent'`) == 0 })
		r.awaitAlive(d) // the stream may have been drained before the last kill
		r.must(d.Process.Signal(os.Interrupt))
		if err := d.Wait(); err != nil {
			t.Errorf("ending the daemon: %v", err)
		}
	}
	r.audit()
	r.auditReplies()
	if n := r.count(`SELECT count(*) FROM tally.entry WHERE state = 'masuk'`); n != rounds*perRound {
		t.Errorf("%d entries, want %d", n, rounds*perRound)
	}
	for i := range rounds * perRound {
		if inbox := r.network.Inbox(phone(i)); len(inbox) == 0 || !strings.HasPrefix(inbox[0].Text, "DITERIMA") {
			t.Errorf("officer %d got %v", i, inbox)
		}
	}
	t.Logf("%d SMS, %d kills, %d replies repeated for an unknown outcome", rounds*perRound, rounds*killsPerRound,
		r.count(`SELECT count(*) FROM outbox.reply WHERE repeats > 0`))
}

// awaitAlive waits for a daemon's first heartbeat.
func (r *rig) awaitAlive(d daemon) {
	r.Helper()
	r.await("heartbeat", func() bool {
		return r.count(`SELECT count(*) FROM registry.gateway WHERE last_seen > $1`, d.began) == 1
	})
}

// build compiles the program as it is shipped.
func (r *rig) build() string {
	r.Helper()
	path := filepath.Join(r.TempDir(), "tali")
	out, err := exec.CommandContext(r.Context(), "go", "build", "-buildvcs=false", "-o", path, "tali/cmd/tali").CombinedOutput()
	if err != nil {
		r.Fatalf("building tali: %v\n%s", err, out)
	}
	return path
}

// daemon is a running tali.
type daemon struct {
	*exec.Cmd
	began time.Time // by the centre's clock
}

// spawn starts `tali serve --only gateway` on the rig's modems and centre.
func (r *rig) spawn(tali string) daemon {
	r.Helper()
	d := daemon{}
	r.must(r.sql().Get(&d.began, `SELECT now()`))
	dir := filepath.Dir(tali)
	var b strings.Builder
	fmt.Fprintf(&b, "data_dir: %q\nelection: pilkada-2024-bolmut\ndatabase:\n  dsn: %q\n", dir, r.pg.DSN(cluster.Gateway))
	b.WriteString("log:\n  level: error\nreply:\n  pace: 0s\n  per_number_hour: 100\ngateway:\n  name: uji\n  sweep_interval: 5s\n  modems:\n")
	for _, m := range r.settings.Modems {
		fmt.Fprintf(&b, "    - {name: %s, device: %q, number: %q}\n", m.Name, m.Device, m.Number)
	}
	config := filepath.Join(dir, "tali.yaml")
	r.must(os.WriteFile(config, []byte(b.String()), 0o600))
	cmd := exec.Command(tali, "serve", "--only", "gateway", "--config", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it must not keep the modems of a test that was killed
	cmd.Stderr = os.Stderr
	r.must(cmd.Start())
	r.Cleanup(func() { _ = cmd.Process.Kill() }) // ended already, unless the test failed
	d.Cmd = cmd
	return d
}

// awaitEvents waits until n more things have happened in the network, or the
// stream has dried up.
func (r *rig) awaitEvents(n int) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), dryAfter)
	defer cancel()
	err := r.network.Wait(ctx, func() bool { n--; return n < 0 })
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		r.Fatal(err)
	}
}

// dryAfter is longer than a gateway needs to start.
const dryAfter = 5 * time.Second
