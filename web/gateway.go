package web

import (
	"fmt"
	"time"

	"tali/db"
)

// silentAfter is when a gateway counts as silent: it is heard six times a
// minute.
const silentAfter = time.Minute

// gatewayView is a gateway as it was last heard of.
type gatewayView struct {
	Name, Modems, Heard   string
	ModemsTone, HeardTone string
	Spooled, Messages     string
}

// newGateway tells the silence in minutes, so that the page stands still while
// all is well.
func newGateway(g db.GatewayRow, now time.Time) gatewayView {
	v := gatewayView{
		Name: g.Name, Modems: fmt.Sprintf("%d dari %d", g.ModemsAlive, g.Modems), ModemsTone: toneGood,
		Heard: "baru saja", HeardTone: toneGood,
		Spooled: dots(int64(g.SpoolQueued)), Messages: dots(g.Messages),
	}
	if g.ModemsAlive < g.Modems || g.Modems == 0 {
		v.ModemsTone = toneStop
	}
	if silence := now.Sub(g.LastSeen); silence > silentAfter {
		v.Heard, v.HeardTone = ago(silence), toneStop
	}
	return v
}

func ago(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d menit lalu", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d jam lalu", int(d/time.Hour))
	}
	return fmt.Sprintf("%d hari lalu", int(d/(24*time.Hour)))
}
