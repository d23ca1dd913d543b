package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/gsm/modemsim"
	"tali/parser"
)

// twins are two gateways, each a process with a modem and a spool of its own, at
// one centre.
type twins struct {
	*testing.T
	network *modemsim.Network
	rows    *sqlx.DB
	numbers [2]string
	process [2]*process
	ballot  *parser.Ballot
}

func startTwins(t *testing.T) *twins {
	t.Helper()
	pg := dbtest.New(t)
	w := &twins{T: t, network: modemsim.NewNetwork(3), rows: pg.Open(cluster.Desk)}
	t.Cleanup(func() {
		if err := w.network.Close(); err != nil {
			t.Error(err)
		}
	})
	desk := configFor(t, pg.DSN(cluster.Desk))
	mustTali(t, "migrate", "--config", desk, "--owner", pg.DSN(cluster.Owner))
	stations, people := "kode,tps_code\n", "nama,hp,kode\n"
	for i := range 4 {
		stations += fmt.Sprintf("710805200200%d,%s\n", i+1, w.tps(i))
		people += fmt.Sprintf("Contoh %d,%s,710805200200%d\n", i, w.phone(i), i+1)
	}
	mustTali(t, "import", "stations", table(t, stations), "--config", desk)
	mustTali(t, "import", "officers", table(t, people), "--config", desk)
	for i := range w.process {
		w.numbers[i] = fmt.Sprintf("+628990000910%d", i)
		modem, err := w.network.AddModem(modemsim.Options{Number: w.numbers[i], IMSI: fmt.Sprintf("51099000000091%d", i), Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		w.process[i] = start(t, []string{
			"TALI_DATABASE_DSN=" + pg.DSN(cluster.Gateway), "TALI_REPLY_PACE=100ms", fmt.Sprintf("TALI_GATEWAY_NAME=kembar%d", i),
			fmt.Sprintf(`TALI_GATEWAY_MODEMS=[{"name":"m1","device":%q,"number":%q}]`, modem.Device(), w.numbers[i]),
		}, "serve", "--only", "gateway", "--config", configFor(t, pg.DSN(cluster.Gateway)))
	}
	for _, p := range w.process {
		p.await("gateway runs")
	}
	return w
}

func (w *twins) phone(i int) string { return fmt.Sprintf("+62899000091%02d", i) }

// tps is the code of station i.
func (w *twins) tps(i int) string {
	six := 100140 + i
	return fmt.Sprint(six*100 + 98 - six*100%97)
}

// tally is a right one for regent, with so many votes for the first.
func (w *twins) tally(station, first int) string {
	f := parser.Figures{int16(first), 98, 67, 0, 12, 0, 0, 0, 0, 2, 6}
	f[3] = f[0] + f[1] + f[2]
	f[5] = f[3] + f[4]
	f[6], f[8] = f[5], f[5]
	f[7] = f[8] + f[9] + f[10]
	out := mustTali(w.T, append([]string{"code", "--ballot", "PILBUP", "--tps", w.tps(station)}, words(f)...)...)
	return strings.TrimSpace(lines(out)[0])
}

// words are the figures that an officer reads from the form: votes, invalid,
// spoiled and unused.
func words(f parser.Figures) (out []string) {
	for _, v := range []int16{f[0], f[1], f[2], f[4], f[9], f[10]} {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

func (w *twins) text(station, gateway int, text string) {
	w.Helper()
	if _, err := w.network.Submit(modemsim.SMS{From: w.phone(station), To: w.numbers[gateway], Text: text}); err != nil {
		w.Fatal(err)
	}
}

// answers waits for so many SMS to an officer and returns them, a line each.
func (w *twins) answers(station, n int) string {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 40*time.Second)
	defer cancel()
	phone := w.phone(station)
	if err := w.network.Wait(ctx, func() bool { return len(w.network.Inbox(phone)) >= n }); err != nil {
		w.Fatalf("%d of %d answers: %v\n%s\n%s", len(w.network.Inbox(phone)), n, err, w.process[0].output(), w.process[1].output())
	}
	var all []string
	for _, r := range w.network.Inbox(phone) {
		all = append(all, r.Text)
	}
	return strings.Join(all, "\n")
}

func (w *twins) count(query string, args ...any) (n int) {
	w.Helper()
	if err := w.rows.GetContext(w.Context(), &n, query, args...); err != nil {
		w.Fatal(err)
	}
	return n
}

// Two gateways, one truth: officers who change between their numbers, tallies
// that contradict each other in the same moment, and a long SMS whose parts came
// in at both.
func TestTwoGatewaysOneTruth(t *testing.T) {
	t.Parallel()
	w := startTwins(t)

	// The question comes from one gateway, its answer goes to the other, and the
	// same tally again to the first.
	w.text(0, 0, strings.Replace(w.tally(0, 145), " 145 ", " 154 ", 1))
	wantPart(t, w.answers(0, 1), "PERIKSA")
	w.text(0, 1, "1=145")
	wantPart(t, w.answers(0, 2), "DITERIMA PILBUP")
	w.text(0, 0, w.tally(0, 145))
	wantPart(t, w.answers(0, 3), "sudah kami terima")

	var both sync.WaitGroup
	for gateway := range 2 {
		both.Go(func() { w.text(1, gateway, w.tally(1, 100+gateway)) })
	}
	both.Wait()
	said := w.answers(1, 2)
	if strings.Count(said, "DITERIMA PILBUP") != 1 || strings.Count(said, "SUDAH ADA") != 1 {
		t.Errorf("contradicting tallies were answered:\n%s", said)
	}

	w.scatter(2, w.tally(2, 120)+" "+strings.Repeat("TERIMA KASIH DARI KAMI DI LAPANGAN ", 5))
	if said := w.answers(2, 1); strings.Count(said, "DITERIMA PILBUP") != 1 {
		t.Errorf("the scattered SMS was answered:\n%s", said)
	}
	w.text(3, 1, w.tally(3, 90))
	wantPart(t, w.answers(3, 1), "DITERIMA PILBUP")

	for _, p := range w.process {
		p.signal(syscall.SIGTERM)
	}
	for i, p := range w.process {
		if code := p.end(); code != 0 {
			t.Errorf("gateway %d: exit code %d after SIGTERM:\n%s", i, code, p.output())
		}
	}
	w.wantOneTruth()
}

// scatter sends the parts of one long SMS to the two gateways in turn.
func (w *twins) scatter(station int, text string) {
	w.Helper()
	pdus, err := modemsim.SMS{From: w.phone(station), To: w.numbers[0], Text: text, Reference: 77}.PDUs()
	if err != nil || len(pdus) < 2 {
		w.Fatalf("%d parts, %v", len(pdus), err)
	}
	for i, pdu := range pdus {
		if _, err := w.network.SubmitPDU(w.numbers[i%2], pdu); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *twins) wantOneTruth() {
	w.Helper()
	for what, c := range map[string]struct {
		want  int
		query string
	}{
		"messages":                       {7, `SELECT count(*) FROM intake.message`},
		"verdicts":                       {7, `SELECT count(*) FROM intake.verdict`},
		"entries":                        {5, `SELECT count(*) FROM tally.entry`},
		"stations with a tally standing": {4, `SELECT count(*) FROM tally.standing WHERE entry IS NOT NULL`},
		"held conflicts":                 {1, `SELECT sum(held) FROM tally.standing`},
		"replies sent":                   {7, `SELECT count(*) FROM outbox.reply WHERE state = 'sent'`},
		"all replies":                    {7, `SELECT count(*) FROM outbox.reply`},
		"incomplete messages":            {0, `SELECT count(*) FROM intake.message WHERE kind <> 'text'`},
		"gateways that brought messages": {2, `SELECT count(DISTINCT gateway) FROM intake.message`},
	} {
		if n := w.count(c.query); n != c.want {
			w.Errorf("%s: %d, want %d", what, n, c.want)
		}
	}
}
