package web

import (
	"testing"
	"time"

	"tali/parser"
)

func TestClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 11, 27, 16, 30, 5, 0, time.UTC) // past midnight at the stations
	c := clockOf(&parser.Profile{Zone: time.FixedZone("WITA", 8*3600), ZoneTag: "WITA"}, now)
	if got, want := c.full(now), (stamp{"00:30:05 WITA", "2024-11-28T00:30:05+08:00"}); got != want {
		t.Errorf("now = %v, want %v", got, want)
	}
	if got, want := c.brief(now.Add(-time.Hour)), (stamp{"27/11/2024 23:30", "2024-11-27T23:30:05+08:00"}); got != want {
		t.Errorf("an hour ago = %v, want %v", got, want)
	}
}
