package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"tali/gsm"
)

const (
	watchEvery = 2 * time.Second
	watchLoop  = "watch"
	alarmState = "alarms" // in the spool: what the staff were told

	// roomLeft is what the spool's disk should have: a night of SMS takes less.
	roomLeft = 200 << 20
	// longBacklog is how old the oldest waiting SMS is when catching up does not.
	longBacklog = 10 * time.Minute
)

// watch looks every few seconds at everything that may be wrong, and tells the
// staff. It is also the sign that the program lives.
func (g *Gateway) watch(ctx context.Context) error {
	if err := g.restoreAlarms(ctx); err != nil && ctx.Err() == nil {
		g.Log.Warn("alarms of the last run", "err", err)
	}
	for {
		g.rounds.mark(watchLoop)
		g.look(ctx)
		if !pause(ctx, nil, watchEvery) {
			return ctx.Err()
		}
	}
}

func (g *Gateway) look(ctx context.Context) {
	begins, ends := g.alarms.weigh(g.troubles(ctx), g.Alarm, time.Now())
	var texts []string
	for _, a := range begins {
		g.Log.Error("alarm", "alarm", a.Name, "modem", a.Subject, "since", a.Since)
		texts = append(texts, a.Text)
	}
	for _, a := range ends {
		g.Log.Info("alarm is over", "alarm", a.Name, "modem", a.Subject)
		texts = append(texts, "PULIH: "+a.Text)
	}
	if len(texts) == 0 {
		return
	}
	told, err := json.Marshal(g.alarms.active())
	if err == nil {
		err = g.announce(ctx, texts, string(told))
	}
	if err != nil && ctx.Err() == nil {
		g.Log.Warn("alarms cannot be remembered", "err", err)
	}
}

func (g *Gateway) restoreAlarms(ctx context.Context) error {
	text, err := g.Spool.State(ctx, alarmState)
	if err != nil || text == "" {
		return err
	}
	var told []Alarm
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		return fmt.Errorf("reading what was told: %w", err)
	}
	g.alarms.restore(told)
	return nil
}

// troubles lists what is wrong at this moment.
func (g *Gateway) troubles(ctx context.Context) []Alarm {
	now := time.Now()
	var out []Alarm
	add := func(name, subject, format string, args ...any) {
		out = append(out, Alarm{Name: name, Subject: subject, Text: fmt.Sprintf(format, args...)})
	}
	if away := g.centre.Away(now); g.centre.Misfits() {
		add("schema", "", "versi database pusat tidak cocok dengan program. SMS disimpan di sini. Perbarui salah satunya.")
	} else if away > 0 {
		add("centre_away", "", "server pusat tidak terhubung. SMS disimpan di sini dan dikirim sendiri nanti.")
	}
	if n, oldest, err := g.Spool.Undelivered(ctx); err == nil && n > 0 && now.Sub(oldest) > longBacklog {
		add("backlog", "", "%d SMS menunggu dikirim ke pusat, tertua sejak %s.", n, oldest.Format("15:04"))
	}
	if aside, err := g.Spool.Aside(); err == nil && len(aside) > 0 {
		add("spool_damaged", "", "catatan SMS pernah rusak dan disisihkan: %s. Hubungi petugas IT.", filepath.Base(aside[len(aside)-1]))
	}
	if free, err := g.Spool.Room(); err == nil && free < roomLeft {
		add("disk", "", "disk hampir penuh, sisa %d MB. Kosongkan disk.", free>>20)
	}
	if g.Reply.Budget > 0 {
		if n, err := g.Spool.SentSince(ctx, now.Add(-24*time.Hour)); err == nil && n > g.Reply.Budget {
			add("budget", "", "%d SMS balasan dalam 24 jam, anggaran %d.", n, g.Reply.Budget)
		}
	}
	for _, m := range g.modems {
		g.troublesOf(m, now, add)
	}
	return out
}

// troublesOf lists what is wrong with one modem.
func (g *Gateway) troublesOf(m line, now time.Time, add func(name, subject, format string, args ...any)) {
	h := m.Health()
	switch {
	case h.State == gsm.StateStopped:
	case h.State == gsm.StateStarting && h.Trouble == gsm.TroubleNone: // a retry keeps the trouble of the last try
	case h.Trouble == gsm.TroubleKeeping:
		add("spool", m.name, "SMS di modem %s tidak bisa disimpan: disk penuh atau rusak.", m.name)
	case h.Trouble == gsm.TroubleStuckSlots:
		add("store_stuck", m.name, "%d SMS di modem %s tidak bisa dihapus dari memorinya (%d/%d).", h.StuckSlots, m.name, h.SlotsUsed, h.SlotsTotal)
	case h.Trouble == gsm.TroubleStoreFull:
		add("store_full", m.name, "memori SIM modem %s penuh (%d/%d).", m.name, h.SlotsUsed, h.SlotsTotal)
	case h.State != gsm.StateReady, h.Trouble != gsm.TroubleNone:
		add("modem_down", m.name, "modem %s tidak siap: %s.", m.name, h.Trouble)
	}
	if m.rest.weary() {
		add("send_refused", m.name, "operator menolak SMS dari modem %s. Cek pulsa dan masa aktif.", m.name)
	}
	b := g.balances.of(m.name)
	if b.Known && b.Rupiah < g.Alarm.Balance {
		add("balance_low", m.name, "pulsa modem %s tinggal Rp%d.", m.name, b.Rupiah)
	}
	if !b.Expires.IsZero() && b.Expires.Before(now.AddDate(0, 0, 3)) {
		add("balance_expires", m.name, "masa aktif pulsa modem %s sampai %s.", m.name, b.Expires.AddDate(0, 0, -1).Format("02/01/2006"))
	}
	if _, overdue := g.pulses.last(m.name, now); overdue > 0 {
		add("pulse_missing", m.name, "modem %s tidak menerima SMS percobaan.", m.name)
	}
	if l := g.loads.get(m.name, now); l.Hot() {
		add("number_hot", m.name, "%s", advice(l, g.Loads()))
	}
}

// Ready says what keeps this gateway from its work; nothing when it receives,
// keeps and can answer.
func (g *Gateway) Ready() []string {
	var why []string
	ready := len(g.modems) == 0
	for _, m := range g.modems {
		h := m.Health()
		ready = ready || h.Ready
		if h.Trouble == gsm.TroubleKeeping {
			why = append(why, "modem "+m.name+": received SMS cannot be stored")
		}
	}
	if !ready {
		why = append(why, "no modem is ready")
	}
	return why
}
