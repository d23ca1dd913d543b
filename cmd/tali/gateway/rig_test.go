package gateway_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"tali/cmd/tali/gateway"
	"tali/cmd/tali/officers"
	"tali/configs"
	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/parser"
	"tali/verify"
)

func TestMain(m *testing.M) { dbtest.Main(m, db.Migrate) }

// patience bounds every wait; a machine that runs other tests beside is slow.
const patience = 60 * time.Second

// plan says what a rig is made of. The zero value is one modem and ten stations.
type plan struct {
	modems, stations int
	faults           modemsim.Plan
	pg               *dbtest.DB // the test's own server; nil for the shared one
	interimAfter     time.Duration
	partsWindow      time.Duration
	profile          string // name; "" for the Pilkada
	codes            bool   // authenticity codes are required
	mixed            bool   // modems of several makes
}

// rig is a whole site: centre, spool, virtual network, and gateways on demand.
type rig struct {
	*testing.T
	pg       *dbtest.DB
	pool     *sqlx.DB
	profile  *parser.Profile
	desk     *db.DB
	centre   *db.DB
	network  *modemsim.Network
	modems   []*modemsim.Modem
	officers []verify.Officer
	settings gateway.Settings
	spool    string
	log      *slog.Logger
	gateway  *gateway.Gateway // that start made last
	journal  *spool.Spool     // of it
}

func newRig(t *testing.T, p plan) *rig {
	t.Helper()
	r := &rig{T: t, pg: p.pg, profile: openProfile(t, p.profile), network: modemsim.NewNetwork(7)}
	if r.pg == nil {
		r.pg = dbtest.New(t)
	}
	if p.codes {
		r.profile = withCodes(t, r.profile)
	}
	r.spool = filepath.Join(t.TempDir(), "spool", "spool.db")
	r.desk, r.centre = r.open(cluster.Desk), r.open(cluster.Gateway)
	r.fill(max(p.stations, 10))
	t.Cleanup(func() { r.must(r.network.Close()) })
	r.settings = gateway.Settings{
		Name: "uji", Version: "test", InterimAfter: max(p.interimAfter, 50*time.Millisecond), PartsWindow: max(p.partsWindow, time.Second),
		Reply: gateway.ReplySettings{PerNumberHour: 1000, Lease: time.Minute},
	}
	if p.codes {
		r.settings.RegencyKey = parser.RegencyKey([]byte("kunci uji"), r.profile.ID, r.profile.Regency)
	}
	if p.interimAfter == 0 {
		r.settings.InterimAfter = time.Hour
	}
	for i := range max(p.modems, 1) {
		o := modemsim.Options{Faults: p.faults}
		if p.mixed {
			o = makeOf(i, o)
		}
		r.addModem(i, o)
	}
	return r
}

// openProfile is a shipped election as if its polls had opened an hour ago.
func openProfile(t *testing.T, name string) *parser.Profile {
	t.Helper()
	if name == "" {
		name = "pilkada-2024-bolmut"
	}
	p, err := configs.LoadProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	q := *p
	q.Phase, q.Opens, q.Closes = parser.PhaseRehearsal, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if p, err = parser.NewProfile(q); err != nil {
		t.Fatal(err)
	}
	return p
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) open(role string) *db.DB {
	r.Helper()
	d, err := db.Open(r.Context(), r.pg.DSN(role), slog.New(slog.DiscardHandler))
	r.must(err)
	r.Cleanup(func() { _ = d.Close() }) // its connections may have been cut
	return d
}

// fill opens the election with n invented stations and officers.
func (r *rig) fill(n int) {
	r.Helper()
	_, err := r.desk.OpenElection(r.Context(), r.profile)
	r.must(err)
	registry, err := officers.Enrol(r.Context(), r.desk, r.profile, n, nil)
	r.must(err)
	r.officers = registry.Officers
}

func phone(i int) string { return officers.Phone(i) }

func modemNumber(i int) string { return officers.ModemNumber(i) }

func imsi(i int) string { return fmt.Sprintf("5109900000%05d", i) }

// makeOf is what distinguishes one modem of a mixed site from the others.
func makeOf(i int, o modemsim.Options) modemsim.Options {
	switch i % 6 {
	case 1:
		o.ZeroBased = true
	case 2:
		o.OnlyCSMS1, o.AckTimeout = true, 2*time.Second
	case 3:
		o.PIN = "1234"
	case 4:
		o.Stores = []string{"ME"}
	}
	if slow(i) {
		o.Baud = 9600
	}
	return o
}

// slow says whether that modem's line is paced.
func slow(i int) bool { return i%6 == 5 }

func (r *rig) addModem(i int, o modemsim.Options) {
	r.Helper()
	o.Number, o.IMSI, o.Slots, o.Dir, o.RetryDelay = modemNumber(i), imsi(i), 30, r.TempDir(), 50*time.Millisecond
	m, err := r.network.AddModem(o)
	r.must(err)
	r.modems = append(r.modems, m)
	r.settings.Modems = append(r.settings.Modems, gsm.Settings{
		Name: fmt.Sprintf("modem%d", i), Device: m.Device(), Number: modemNumber(i), PIN: o.PIN,
		SweepInterval: 300 * time.Millisecond, StateDir: r.TempDir(),
	})
}

// start runs a gateway and waits for its modems; stop ends it as a signal would.
func (r *rig) start() (stop func()) {
	r.Helper()
	journal, err := spool.Open(r.Context(), r.spool, r.log)
	r.must(err)
	return r.startOn(journal)
}

// startOn is start on a spool that is open already.
func (r *rig) startOn(journal *spool.Spool) (stop func()) {
	r.Helper()
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	g := gateway.New(r.settings, gateway.Parts{Spool: journal, Centre: r.centre, Profile: r.profile, Log: r.log})
	r.gateway, r.journal = g, journal
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			r.Errorf("gateway: %v", err)
		}
		r.must(journal.Close())
	}
	r.Cleanup(stop)
	r.await("modems", func() bool {
		for _, s := range g.Status() {
			if s.State != gsm.StateReady {
				return false
			}
		}
		return true
	})
	return stop
}

// tally is a right message of officer i; first is the votes of the first row.
func (r *rig) tally(i, first int) string {
	r.Helper()
	b := r.profile.Ballots[len(r.profile.Ballots)-1]
	f := parser.Figures{int16(first), 98, 67, 0, 12, 0, 0, 0, 0, 2, 6}
	f[3] = f[0] + f[1] + f[2]
	f[5] = f[3] + f[4]
	f[6], f[8] = f[5], f[5]
	f[7] = f[8] + f[9] + f[10]
	text, err := parser.Render(b, parser.TPSCode(r.officers[i].Stations[0].TPS), f)
	r.must(err)
	return text
}

// text has a phone send to modem m and returns the IDs of its PDUs.
func (r *rig) text(from string, m int, text string) []modemsim.ID {
	r.Helper()
	ids, err := r.network.Submit(modemsim.SMS{From: from, To: modemNumber(m), Text: text})
	r.must(err)
	return ids
}

// await waits until done, asked after every event of the network and often.
func (r *rig) await(what string, done func() bool) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			r.Fatalf("waiting for %s: %v; %d messages at the centre", what, ctx.Err(), r.count(`SELECT count(*) FROM intake.message`))
		case <-ticker.C:
		}
	}
}

func (r *rig) awaitReplies(phone string, n int) []modemsim.Received {
	r.Helper()
	r.await(fmt.Sprintf("%d replies to %s", n, phone), func() bool { return len(r.network.Inbox(phone)) >= n })
	return r.network.Inbox(phone)
}

func (r *rig) count(query string, args ...any) (n int) {
	r.Helper()
	r.must(r.sql().Get(&n, query, args...))
	return n
}

// sql is for looking at rows, as the desk may.
func (r *rig) sql() *sqlx.DB {
	if r.pool == nil {
		r.pool = r.pg.Open(cluster.Desk)
	}
	return r.pool
}

// awaitDrained waits until every PDU that the network saw acknowledged is gone
// from its modem and in the centre.
func (r *rig) awaitDrained(messages int) {
	r.Helper()
	pool := r.sql()
	r.await(fmt.Sprintf("%d messages", messages), func() bool {
		var n int
		r.must(pool.Get(&n, `SELECT count(*) FROM intake.message`))
		for _, m := range r.modems {
			if m.Stored() > 0 || r.network.Pending(m.Number()) > 0 {
				return false
			}
		}
		return n >= messages
	})
}

// audit holds the network's log against the centre: every PDU that a modem
// acknowledged is in exactly one message, and every message has one verdict.
func (r *rig) audit() {
	r.Helper()
	pool := r.sql()
	var keys []string
	r.must(pool.Select(&keys, `SELECT replace(m.key::text, '-', '') FROM intake.message m JOIN intake.verdict v ON v.message = m.key`))
	stored := make(map[string]int)
	for _, k := range keys {
		stored[k]++
	}
	for _, d := range r.network.Deliveries() {
		if d.Acknowledged.IsZero() {
			r.Errorf("PDU %d was never acknowledged", d.ID)
			continue
		}
		if key := r.keyOf(d); stored[key] != 1 {
			r.Errorf("PDU %d (%s) stands %d times at the centre, want once", d.ID, d.PDU, stored[key])
		}
	}
	if n := r.count(`SELECT count(*) FROM intake.message`); n != len(keys) {
		r.Errorf("%d messages, %d verdicts", n, len(keys))
	}
}

// keyOf is the message key of a PDU that is a whole SMS.
func (r *rig) keyOf(d modemsim.Delivery) string {
	for i, m := range r.modems {
		if m.Number() == d.To {
			key := gsm.Key(imsi(i), d.PDU)
			return fmt.Sprintf("%x", key[:16])
		}
	}
	r.Fatalf("PDU %d went to no modem: %s", d.ID, d.To)
	return ""
}

// joinedKey is the message key of a long SMS.
func joinedKey(imsi string, pdus []string) string {
	h := sha256.New()
	for _, pdu := range pdus {
		key := gsm.Key(imsi, pdu)
		h.Write(key[:])
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}
