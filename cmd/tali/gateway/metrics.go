package gateway

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tali/db"
	"tali/gsm"
	"tali/verify"
)

// Metrics shows a gateway to Prometheus: everything is read when it is asked
// for. docs/metrics.md explains each name; a test holds the two together.
type Metrics struct {
	gateway *Gateway
	descs   map[string]*prometheus.Desc
}

// scrapeTimeout bounds the counting of the spool.
const scrapeTimeout = 5 * time.Second

// metric is a name, what it means, and its labels.
type metric struct {
	name, help string
	labels     []string
}

// metricList is every metric, in the order of the document.
func metricList() []metric {
	perModem := []string{"modem"}
	return []metric{
		{"tali_build_info", "1; the version of the program and the gateway's name.", []string{"version", "gateway"}},
		{"tali_centre_up", "1 while the central database answers.", nil},
		{"tali_centre_away_seconds", "How long the centre has been out of reach.", nil},
		{"tali_centre_schema_supported", "1 unless the centre's schema is one that this program does not know.", nil},
		{"tali_spool_waiting", "SMS that wait for the centre.", nil},
		{"tali_spool_oldest_seconds", "Age of the oldest of them.", nil},
		{"tali_spool_open_parts", "Parts of long SMS that belong to no message yet.", nil},
		{"tali_spool_interim_waiting", "Interim answers that wait to be sent.", nil},
		{"tali_spool_open_sends", "Replies that may be on their way.", nil},
		{"tali_spool_bytes", "Size of the spool on the disk.", nil},
		{"tali_spool_room_bytes", "Room that the spool's disk has left.", nil},
		{"tali_spool_up", "1 while the spool can be read.", nil},
		{"tali_snapshot_age_seconds", "Age of the registry snapshot for the time when the centre is away; -1 without one.", nil},
		{"tali_decided_total", "SMS decided, by outcome.", []string{"outcome"}},
		{"tali_sends_total", "SMS given to a modem, by outcome.", []string{"modem", "outcome"}},
		{"tali_reports_total", "Status reports of the network on replies, by what they say.", []string{"fate"}},
		{"tali_guarded_total", "Replies that the loop guard held back.", nil},
		{"tali_sent_last_hour", "SMS sent in the last hour.", nil},
		{"tali_sent_last_day", "SMS sent in the last 24 hours.", nil},
		{"tali_alarm", "1 for each alarm that is raised.", []string{"alarm", "modem"}},
		{"tali_modem_up", "1 while the modem can send and receive.", perModem},
		{"tali_modem_info", "1; state, trouble, operator and registration.", []string{"modem", "state", "trouble", "operator", "registration"}},
		{"tali_modem_resting", "1 since its network refused three SMS in a row, until one is sent.", perModem},
		{"tali_modem_signal_dbm", "Signal strength; 0 when unknown.", perModem},
		{"tali_modem_slots_used", "SMS in the modem's store.", perModem},
		{"tali_modem_slots", "Room of the modem's store.", perModem},
		{"tali_modem_stuck_slots", "SMS that could not be deleted.", perModem},
		{"tali_modem_read_total", "SMS read from slots, repeats included.", perModem},
		{"tali_modem_kept_total", "SMS that the spool took.", perModem},
		{"tali_modem_keep_failures_total", "Times that the spool refused.", perModem},
		{"tali_modem_deleted_total", "Slots emptied.", perModem},
		{"tali_modem_delete_failures_total", "Slots that could not be emptied at the first try.", perModem},
		{"tali_modem_send_failures_total", "Refusals and unknown outcomes.", perModem},
		{"tali_modem_resets_total", "Times that the modem had lost its settings.", perModem},
		{"tali_modem_recoveries_total", "Steps of the recovery ladder that were taken.", []string{"modem", "step"}},
		{"tali_modem_last_heard_seconds", "Time of the last octet from the modem, since 1970; 0 for never.", perModem},
		{"tali_modem_last_message_seconds", "Time of the last SMS read, since 1970; 0 for never.", perModem},
		{"tali_modem_pulse_seconds", "Time of the last heartbeat SMS received, since 1970; 0 for never.", perModem},
		{"tali_modem_pulse_overdue_seconds", "How long a heartbeat SMS is overdue.", perModem},
		{"tali_modem_balance_rupiah", "Credit of the SIM as its operator told last; absent when unknown.", perModem},
		{"tali_modem_balance_expires_seconds", "End of that credit, since 1970; absent when not told.", perModem},
		{"tali_modem_received_per_minute", "SMS received a minute, over ten minutes.", perModem},
		{"tali_modem_senders", "Different phones that texted to this number in a day.", perModem},
		{"tali_modem_stations", "Different stations that SMS to this number were about in a day.", perModem},
	}
}

// NewMetrics is a collector for a registry of Prometheus.
func NewMetrics(g *Gateway) *Metrics {
	m := &Metrics{gateway: g, descs: make(map[string]*prometheus.Desc)}
	for _, one := range metricList() {
		m.descs[one.name] = prometheus.NewDesc(one.name, one.help, one.labels, nil)
	}
	return m
}

// Describe is prometheus.Collector's.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range m.descs {
		out <- d
	}
}

// Collect is prometheus.Collector's.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	s := &scrape{m: m, out: out, now: time.Now()}
	g := m.gateway
	s.gauge("tali_build_info", 1, g.Version, g.Name)
	away := g.centre.Away(s.now)
	s.yes("tali_centre_up", away == 0)
	s.gauge("tali_centre_away_seconds", away.Seconds())
	s.yes("tali_centre_schema_supported", !g.centre.Misfits())
	s.spool(g)
	s.counts(g)
	for _, a := range g.alarms.active() {
		s.gauge("tali_alarm", 1, a.Name, a.Subject)
	}
	for _, l := range g.modems {
		s.modem(l.Health())
		s.line(g, l)
	}
}

// scrape is one answer to Prometheus.
type scrape struct {
	m   *Metrics
	out chan<- prometheus.Metric
	now time.Time
}

func (s *scrape) gauge(name string, v float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.m.descs[name], prometheus.GaugeValue, v, labels...)
}

func (s *scrape) counter(name string, n int, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.m.descs[name], prometheus.CounterValue, float64(n), labels...)
}

func (s *scrape) yes(name string, is bool, labels ...string) {
	v := 0.0
	if is {
		v = 1
	}
	s.gauge(name, v, labels...)
}

// moment is a time as Prometheus has it, 0 for never.
func (s *scrape) moment(name string, t time.Time, labels ...string) {
	v := 0.0
	if !t.IsZero() {
		v = float64(t.UnixMilli()) / 1000
	}
	s.gauge(name, v, labels...)
}

func (s *scrape) spool(g *Gateway) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	st, err := g.Spool.Stats(ctx)
	s.yes("tali_spool_up", err == nil)
	if err == nil {
		s.gauge("tali_spool_waiting", float64(st.Waiting))
		age := 0.0
		if !st.Oldest.IsZero() {
			age = s.now.Sub(st.Oldest).Seconds()
		}
		s.gauge("tali_spool_oldest_seconds", age)
		s.gauge("tali_spool_open_parts", float64(st.OpenParts))
		s.gauge("tali_spool_interim_waiting", float64(st.InterimQueued))
		s.gauge("tali_spool_open_sends", float64(st.OpenSends))
		s.gauge("tali_spool_bytes", float64(st.Bytes))
	}
	if room, err := g.Spool.Room(); err == nil {
		s.gauge("tali_spool_room_bytes", float64(room))
	}
	age := -1.0
	if at := g.snapshotAt.Load(); at > 0 {
		age = s.now.Sub(time.Unix(0, at)).Seconds()
	}
	s.gauge("tali_snapshot_age_seconds", age)
	for name, span := range map[string]time.Duration{"tali_sent_last_hour": time.Hour, "tali_sent_last_day": 24 * time.Hour} {
		if n, err := g.Spool.SentSince(ctx, s.now.Add(-span)); err == nil {
			s.gauge(name, float64(n))
		}
	}
}

func (s *scrape) counts(g *Gateway) {
	g.counts.each(
		func(o verify.Outcome, n int) { s.counter("tali_decided_total", n, string(o)) },
		func(c sendCount, n int) { s.counter("tali_sends_total", n, c.modem, string(c.outcome)) },
		func(f db.Fate, n int) { s.counter("tali_reports_total", n, string(f)) },
		func(n int) { s.counter("tali_guarded_total", n) },
	)
}

// modem is what gsm knows of a modem.
func (s *scrape) modem(h gsm.Health) {
	s.yes("tali_modem_up", h.Ready, h.Name)
	s.gauge("tali_modem_info", 1, h.Name, string(h.State), string(h.Trouble), h.Operator, string(h.Registration))
	s.gauge("tali_modem_signal_dbm", float64(h.SignalDBm), h.Name)
	s.gauge("tali_modem_slots_used", float64(h.SlotsUsed), h.Name)
	s.gauge("tali_modem_slots", float64(h.SlotsTotal), h.Name)
	s.gauge("tali_modem_stuck_slots", float64(h.StuckSlots), h.Name)
	s.counter("tali_modem_read_total", h.Read, h.Name)
	s.counter("tali_modem_kept_total", h.Kept, h.Name)
	s.counter("tali_modem_keep_failures_total", h.KeepFailures, h.Name)
	s.counter("tali_modem_deleted_total", h.Deleted, h.Name)
	s.counter("tali_modem_delete_failures_total", h.DeleteFailures, h.Name)
	s.counter("tali_modem_send_failures_total", h.SendFailures, h.Name)
	s.counter("tali_modem_resets_total", h.Resets, h.Name)
	for step, n := range h.Recoveries {
		s.counter("tali_modem_recoveries_total", n, h.Name, string(step))
	}
	s.moment("tali_modem_last_heard_seconds", h.LastHeard, h.Name)
	s.moment("tali_modem_last_message_seconds", h.LastMessage, h.Name)
}

// line is what the gateway knows of a modem.
func (s *scrape) line(g *Gateway, l line) {
	s.yes("tali_modem_resting", l.rest.weary(), l.name)
	came, overdue := g.pulses.last(l.name, s.now)
	s.moment("tali_modem_pulse_seconds", came, l.name)
	s.gauge("tali_modem_pulse_overdue_seconds", overdue.Seconds(), l.name)
	if b := g.balances.of(l.name); b.Known {
		s.gauge("tali_modem_balance_rupiah", float64(b.Rupiah), l.name)
		if !b.Expires.IsZero() {
			s.moment("tali_modem_balance_expires_seconds", b.Expires, l.name)
		}
	}
	load := g.loads.get(l.name, s.now)
	s.gauge("tali_modem_received_per_minute", load.PerMinute, l.name)
	s.gauge("tali_modem_senders", float64(load.Senders), l.name)
	s.gauge("tali_modem_stations", float64(load.Stations), l.name)
}
