package web

import (
	"time"

	"tali/db"
)

// silentAfter is when a gateway counts as silent: it is heard six times a
// minute.
const silentAfter = time.Minute

// gatewayView is a gateway as it was last heard of.
type gatewayView struct {
	Name, Version, Modems, Heard string
	ModemsTone, HeardTone        string
	Spooled, Messages            string
	List                         []modemView
}

// modemView is one modem of a gateway.
type modemView struct {
	Name, Number, Operator string
	State, Tone            string
}

// newGateway tells the silence in minutes, so that the page stands still while
// all is well.
func newGateway(t tongue, g db.GatewayRow, modems []db.ModemRow, now time.Time) gatewayView {
	v := gatewayView{
		Name: g.Name, Version: g.Version, Modems: t.say("gateway.of", g.ModemsAlive, g.Modems), ModemsTone: toneGood,
		Heard: t.say("gateway.now"), HeardTone: toneGood,
		Spooled: t.number(g.SpoolQueued), Messages: t.number(int(g.Messages)),
	}
	if g.ModemsAlive < g.Modems || g.Modems == 0 {
		v.ModemsTone = toneStop
	}
	if silence := now.Sub(g.LastSeen); silence > silentAfter {
		v.Heard, v.HeardTone = t.ago(silence), toneStop
	}
	for _, m := range modems {
		if m.Gateway != g.Name {
			continue
		}
		row := modemView{m.Name, m.Number, m.Operator, t.say("modem.alive"), toneGood}
		if silence := now.Sub(m.LastSeen); !m.Alive || silence > silentAfter {
			row.State, row.Tone = t.say("modem.dead", t.ago(max(silence, time.Minute))), toneStop
		}
		v.List = append(v.List, row)
	}
	return v
}

// ago is a time that has passed, as people tell it.
func (t tongue) ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return t.say("ago.now")
	case d < time.Hour:
		return t.say("ago.minutes", int(d/time.Minute))
	case d < 48*time.Hour:
		return t.say("ago.hours", int(d/time.Hour))
	}
	return t.say("ago.days", int(d/(24*time.Hour)))
}
