package web

import (
	"testing"
	"time"

	"tali/db"
)

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
