package gateway_test

import (
	"bytes"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tali/cmd/tali/gateway"
	"tali/db/dbtest"
	"tali/db/spool"
	"tali/gsm/modemsim"
)

// metric reads one value of a gateway; labels are values in any order.
func (r *rig) metric(name string, labels ...string) (float64, bool) {
	r.Helper()
	registry := prometheus.NewRegistry()
	r.must(registry.Register(gateway.NewMetrics(r.gateway)))
	families, err := registry.Gather()
	r.must(err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetValue())
			}
			if f.GetName() == name && !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(have, l) }) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
			}
		}
	}
	return 0, false
}

// TestHealth: credit by USSD, heartbeat SMS from SIM to SIM, load, and what
// Prometheus sees of them.
func TestHealth(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{modems: 2})
	r.settings.Pulse = 200 * time.Millisecond
	r.settings.Balances = map[string]gateway.BalanceQuery{"modem0": {Code: "*888#"}}
	r.start()
	r.text(phone(0), 0, r.tally(0, 145))
	r.awaitReplies(phone(0), 1)
	for name, want := range map[string]func(float64) bool{
		"tali_modem_balance_rupiah":          func(v float64) bool { return v == 50000 },
		"tali_modem_balance_expires_seconds": func(v float64) bool { return v > 1.8e9 },
		"tali_modem_pulse_seconds":           func(v float64) bool { return v > 1.7e9 },
		"tali_modem_up":                      func(v float64) bool { return v == 1 },
		"tali_modem_senders":                 func(v float64) bool { return v >= 1 },
		"tali_modem_stations":                func(v float64) bool { return v == 1 },
		"tali_modem_slots":                   func(v float64) bool { return v == 30 },
	} {
		r.await(name, func() bool {
			v, found := r.metric(name, "modem0")
			return found && want(v)
		})
	}
	r.await("pulse of the other modem", func() bool {
		v, found := r.metric("tali_modem_pulse_seconds", "modem1")
		return found && v > 0
	})
	if v, found := r.metric("tali_decided_total", "accepted"); !found || v != 1 {
		t.Errorf("accepted = %v, %v, want 1", v, found)
	}
	if v, _ := r.metric("tali_snapshot_age_seconds"); v < 0 {
		t.Errorf("age of the snapshot = %v", v)
	}
	if n := r.count(`SELECT count(*) FROM outbox.reply WHERE recipient LIKE '+628990000900_'`); n != 0 {
		t.Errorf("%d heartbeat SMS were answered", n)
	}
}

// TestAlarmsByText: the staff hear of a modem that is away, once, and of its
// return.
func TestAlarmsByText(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{modems: 2})
	staff := phone(700001)
	r.settings.Alarm = gateway.AlarmSettings{Phones: []string{staff}}
	r.start()
	r.modems[1].Unplug()
	got := r.awaitReplies(staff, 1)[0].Text
	if want := "TALI uji: modem modem1 tidak siap: absent."; got != want {
		t.Errorf("alarm = %q, want %q", got, want)
	}
	r.must(r.modems[1].Replug())
	if got := r.awaitReplies(staff, 2)[1].Text; !strings.HasPrefix(got, "TALI uji: PULIH: modem modem1") {
		t.Errorf("end of the alarm = %q", got)
	}
	if v, _ := r.metric("tali_alarm", "modem_down"); v != 0 {
		t.Error("the alarm is still raised")
	}
}

// TestSilentModemAlarm: a modem that says nothing is one alarm, although it is
// tried again and again meanwhile.
func TestSilentModemAlarm(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{modems: 2})
	staff := phone(700001)
	r.settings.Alarm = gateway.AlarmSettings{Phones: []string{staff}, After: 3 * time.Second, Clear: time.Hour}
	r.start()
	r.modems[1].Inject(modemsim.Plan{{Kind: modemsim.TotalSilence, Command: "+CPMS", Nth: 1, Delay: time.Hour}})
	if got := r.awaitReplies(staff, 1)[0].Text; !strings.HasPrefix(got, "TALI uji: modem modem1 tidak siap") {
		t.Errorf("alarm = %q", got)
	}
	for _, sum := range [][]string{{"tali_sends_total", "modem0", "sent"}, {"tali_sent_last_day"}} {
		r.await("the alarm in "+sum[0], func() bool { v, _ := r.metric(sum[0], sum[1:]...); return v == 1 })
	}
}

// TestCentreMissedInSilence: that the centre is away is known on an afternoon
// without a single SMS, that it is back too, and what it has to say is sent.
func TestCentreMissedInSilence(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{pg: dbtest.Own(t)})
	r.start()
	r.text(phone(0), 0, r.tally(0, 145))
	r.awaitReplies(phone(0), 1)
	up := func(want float64) func() bool {
		return func() bool { v, _ := r.metric("tali_centre_up"); return v == want }
	}
	r.queue(0, phone(1), "MENUNGGU", 5)
	r.awaitReplies(phone(1), 1)
	r.pg.Stop()
	r.await("missed", up(0))
	r.pg.Start()
	r.await("met again", up(1))
	r.queue(0, phone(2), "SESUDAHNYA", 5)
	r.awaitReplies(phone(2), 1)
}

// TestPulseOwedAfterRestart: the alarm of a SIM that receives nothing is not over
// because the gateway was started again.
func TestPulseOwedAfterRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{modems: 2})
	staff := phone(700001)
	r.settings.Pulse = time.Hour
	r.settings.Alarm = gateway.AlarmSettings{Phones: []string{staff}}
	journal, err := spool.Open(t.Context(), r.spool, slog.New(slog.DiscardHandler))
	r.must(err)
	long := time.Now().Add(-30 * time.Minute).UTC().Format(time.RFC3339)
	r.must(journal.SetState(t.Context(), "pulses", `{"modem1":{"Tried":"`+long+`","Waiting":"`+long+`"}}`))
	r.must(journal.Close())
	r.start()
	if got := r.awaitReplies(staff, 1)[0].Text; got != "TALI uji: modem modem1 tidak menerima SMS percobaan." {
		t.Errorf("alarm = %q", got)
	}
	r.await("the first of the other modem, at once", func() bool { v, _ := r.metric("tali_modem_pulse_seconds", "modem0"); return v > 0 })
	if v, _ := r.metric("tali_modem_pulse_overdue_seconds", "modem1"); v < 1000 {
		t.Errorf("overdue by %v s, want twenty minutes", v)
	}
}

// TestAlarmSurvivesRestart: what the staff know they are not told again.
func TestAlarmSurvivesRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	staff := phone(700001)
	r.settings.Alarm = gateway.AlarmSettings{Phones: []string{staff}, Balance: 60_000, Clear: time.Hour}
	r.settings.Balances = map[string]gateway.BalanceQuery{"modem0": {Code: "*888#"}}
	stop := r.start()
	if got := r.awaitReplies(staff, 1)[0].Text; got != "TALI uji: pulsa modem modem0 tinggal Rp50000." {
		t.Errorf("alarm = %q", got)
	}
	stop()
	r.start()
	r.await("balance asked again", func() bool { _, found := r.metric("tali_modem_balance_rupiah"); return found })
	r.text(phone(0), 0, r.tally(0, 145))
	r.awaitReplies(phone(0), 1)
	if got := r.network.Inbox(staff); len(got) != 1 {
		t.Errorf("the staff got %v, want one SMS", got)
	}
}

// TestMetricsDocument: the document names every metric and nothing else.
func TestMetricsDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(tali_[a-z_]+)`").FindAllStringSubmatch(string(text), -1) {
		if !strings.HasPrefix(m[1], "tali_feed_") { // of another part, which has its own test
			documented = append(documented, m[1])
		}
	}
	descs := make(chan *prometheus.Desc, 200)
	gateway.NewMetrics(gateway.New(gateway.Settings{}, gateway.Parts{})).Describe(descs)
	close(descs)
	var defined []string
	name := regexp.MustCompile(`fqName: "([a-z_]+)"`)
	for d := range descs {
		defined = append(defined, name.FindStringSubmatch(d.String())[1])
	}
	slices.Sort(documented)
	slices.Sort(defined)
	if !slices.Equal(documented, defined) {
		t.Errorf("docs/metrics.md has\n%v\nthe program has\n%v", documented, defined)
	}
	for _, file := range []string{"../../../deploy/grafana-dashboard.json", "../../../deploy/alerts.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, used := range regexp.MustCompile(`\btali_[a-z_]+`).FindAllString(string(text), -1) {
			if !slices.Contains(defined, used) {
				t.Errorf("%s uses %s, which does not exist", file, used)
			}
		}
	}
}

// buffer is a log that many goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestLogTellsNobody: above debug no line holds a phone number, a text or the
// code of a station, whatever goes wrong.
func TestLogTellsNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{modems: 2, partsWindow: time.Second})
	log := &buffer{}
	r.log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	r.settings.Alarm = gateway.AlarmSettings{Phones: []string{phone(700001)}}
	r.settings.Balances = map[string]gateway.BalanceQuery{"modem0": {Code: "*888#", Pattern: regexp.MustCompile(`nomor (?P<amount>\d+)`)}}
	r.start()
	r.await("a balance that cannot be read", func() bool { return strings.Contains(log.String(), "balance is not known") })
	r.text(phone(0), 0, r.tally(0, 145))
	r.text(phone(1), 0, "apakah server sudah bisa?")
	r.text(phone(800000), 0, "halo dari luar")
	r.queue(0, "3636", "jangan dijawab", 5)
	r.modems[1].Unplug()
	r.awaitReplies(phone(0), 1)
	r.awaitReplies(phone(1), 1)
	r.awaitReplies(phone(700001), 1)
	r.awaitReply("jangan dijawab", "failed")
	text := log.String()
	for _, secret := range []string{
		phone(0)[1:], phone(1)[1:], phone(700001)[1:], phone(800000)[1:], r.officers[0].Stations[0].TPS, "145 98", "server sudah", "dari luar", "DITERIMA", "50.000",
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q:\n%s", secret, text)
		}
	}
	for _, line := range []string{`"msg":"decided"`, `"msg":"alarm"`, `"msg":"reply"`} {
		if !strings.Contains(text, line) {
			t.Errorf("the log has no %s: the test shows nothing", line)
		}
	}
}

// TestAlarmTellsAfterRestart: an alarm that no modem could send when the gateway
// ended is told by the next one, once.
func TestAlarmTellsAfterRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	staff := phone(700001)
	r.settings.Alarm = gateway.AlarmSettings{Phones: []string{staff}, Clear: time.Hour}
	stop := r.start()
	r.modems[0].Unplug()
	r.await("alarm raised", func() bool { return len(r.gateway.Alarms()) == 1 })
	r.await("alarm written", func() bool { text, err := r.journal.State(t.Context(), "alarms"); return err == nil && len(text) > 2 })
	stop()
	r.must(r.modems[0].Replug())
	r.start()
	if got, want := r.awaitReplies(staff, 1)[0].Text, "TALI uji: modem modem0 tidak siap: absent."; got != want {
		t.Errorf("alarm = %q, want %q", got, want)
	}
}

// TestAlarmCutByAKill: an alarm that was being sent when the gateway died is sent
// once more, a second time it is not; what waited is sent.
func TestAlarmCutByAKill(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	staff := phone(700001)
	r.settings.Alarm = gateway.AlarmSettings{Phones: []string{staff}}
	journal, err := spool.Open(t.Context(), r.spool, slog.New(slog.DiscardHandler))
	r.must(err)
	// Three notices: the first died twice under way, the second once, the third never began.
	var notices []spool.Notice
	for _, text := range []string{"PERTAMA", "KEDUA", "KETIGA"} {
		notices = append(notices, spool.Notice{To: staff, Text: text, At: time.Now()})
	}
	claim := func(want string) spool.Notice {
		n, ok, err := journal.ClaimNotice(t.Context())
		if err != nil || !ok || n.Text != want {
			t.Fatalf("ClaimNotice = %+v, %v, %v, want %s", n, ok, err, want)
		}
		return n
	}
	dropped, err := journal.AddNotices(t.Context(), append([]spool.Notice{{To: staff, Text: "BASI", At: time.Now()}}, notices...), 3, "alarms", "[]")
	r.must(err)
	if dropped != 1 {
		t.Errorf("%d notices given up, want the oldest", dropped)
	}
	r.must(journal.CloseNotice(t.Context(), claim("PERTAMA").ID, spool.InterimQueued, ""))
	claim("PERTAMA")
	claim("KEDUA")
	r.must(journal.Close())
	stop := r.start()
	got := r.awaitReplies(staff, 2)
	r.text(phone(0), 0, r.tally(0, 145)) // whatever was to be sent before it has been
	r.awaitReplies(phone(0), 1)
	if got = r.network.Inbox(staff); len(got) != 2 || got[0].Text != "KEDUA" || got[1].Text != "KETIGA" {
		t.Errorf("the staff got %v, want KEDUA and KETIGA", got)
	}
	stop()
	r.start()
	r.text(phone(1), 0, r.tally(1, 145))
	r.awaitReplies(phone(1), 1)
	if got = r.network.Inbox(staff); len(got) != 2 {
		t.Errorf("after a restart the staff got %v", got)
	}
}
