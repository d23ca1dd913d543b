package web

import (
	"testing"
	"time"

	"tali/db"
)

// What a SIM told is shown with its age once its modem is silent.
func TestModemHealth(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 11, 27, 6, 0, 0, 0, time.UTC)
	heard := db.ModemHealth{
		HeardAt: now.Add(-time.Second), SignalDBm: -109, SlotsUsed: 17, Slots: 20, Balance: 50_000, BalanceAt: now.Add(-2 * time.Hour),
	}
	silent := heard
	silent.HeardAt, silent.SignalDBm, silent.SlotsUsed = now.Add(-10*time.Minute), -79, 2
	g := db.GatewayRow{Name: "gw", LastSeen: now, SnapshotAt: now.Add(-5 * time.Minute)}
	v := newGateway(inIndonesian(), g, []db.ModemRow{
		{Gateway: "gw", Name: "m1", Alive: true, LastSeen: now, ModemHealth: heard},
		{Gateway: "gw", Name: "m2", LastSeen: now, ModemHealth: silent},
		{Gateway: "gw", Name: "m3", LastSeen: now},
	}, now)
	if v.Snapshot != "5 menit lalu" || v.SnapshotTone != toneGood {
		t.Errorf("snapshot = %q (%s)", v.Snapshot, v.SnapshotTone)
	}
	for i, want := range [][3]string{
		{"sinyal -109 dBm, lemah", "memori SIM 17/20, hampir penuh", "pulsa Rp50.000, 2 jam lalu"},
		{"sinyal -79 dBm, 10 menit lalu", "memori SIM 2/20, 10 menit lalu", "pulsa Rp50.000, 2 jam lalu"},
		{},
	} {
		if m := v.List[i]; [3]string{m.Signal, m.Slots, m.Balance} != want {
			t.Errorf("%s: %q, %q, %q, want %q", m.Name, m.Signal, m.Slots, m.Balance, want)
		}
	}
	for _, c := range []struct {
		at   time.Time
		want string
	}{{time.Unix(0, 0), "belum ada"}, {now.Add(-31 * time.Minute), "31 menit lalu"}} {
		g.SnapshotAt = c.at
		if v := newGateway(inIndonesian(), g, nil, now); v.Snapshot != c.want || v.SnapshotTone != toneStop {
			t.Errorf("snapshot of %v = %q (%s), want %q as trouble", c.at, v.Snapshot, v.SnapshotTone, c.want)
		}
	}
}

func TestGatewaySilence(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 11, 27, 6, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		silence time.Duration
		want    string
		tone    string
	}{
		{-3 * time.Second, "baru saja", toneGood},
		{silentAfter, "baru saja", toneGood},
		{silentAfter + time.Second, "1 menit lalu", toneStop},
		{59 * time.Minute, "59 menit lalu", toneStop},
		{47 * time.Hour, "47 jam lalu", toneStop},
		{72 * time.Hour, "3 hari lalu", toneStop},
	} {
		v := newGateway(inIndonesian(), db.GatewayRow{Name: "gw", LastSeen: now.Add(-c.silence), Modems: 2, ModemsAlive: 1, Messages: 12345}, nil, now)
		if v.Heard != c.want || v.HeardTone != c.tone {
			t.Errorf("%v: heard %q (%s), want %q (%s)", c.silence, v.Heard, v.HeardTone, c.want, c.tone)
		}
		if v.Modems != "1 dari 2" || v.ModemsTone != toneStop || v.Messages != "12.345" {
			t.Errorf("gateway = %+v", v)
		}
	}
}
