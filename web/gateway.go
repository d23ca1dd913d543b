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
	Snapshot, SnapshotTone       string // age of its registry
	List                         []modemView
}

// What the staff should see to: a weak signal loses SMS, an old registry knows
// neither new officers nor changed phones.
const (
	weakSignal  = -105 // dBm
	oldSnapshot = 30 * time.Minute
	fullSlots   = 80 // per cent
)

// modemView is one modem of a gateway.
type modemView struct {
	Name, Number, Operator string
	State, Tone            string
	Signal, Slots, Balance string // with their age; empty: unknown
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
	v.snapshot(t, g.SnapshotAt, now)
	for _, m := range modems {
		if m.Gateway != g.Name {
			continue
		}
		row := modemView{Name: m.Name, Number: m.Number, Operator: m.Operator, State: t.say("modem.alive"), Tone: toneGood}
		if silence := now.Sub(m.LastSeen); !m.Alive || silence > silentAfter {
			row.State, row.Tone = t.say("modem.dead", t.ago(max(silence, time.Minute))), toneStop
		}
		row.health(t, m.ModemHealth, now)
		v.List = append(v.List, row)
	}
	return v
}

// snapshot tells how old the registry is that a gateway answers from while the
// centre is away.
func (v *gatewayView) snapshot(t tongue, at, now time.Time) {
	if at.Unix() <= 0 {
		v.Snapshot, v.SnapshotTone = t.say("gateway.snapshot.none"), toneStop
		return
	}
	v.Snapshot, v.SnapshotTone = t.ago(now.Sub(at)), toneGood
	if now.Sub(at) > oldSnapshot {
		v.SnapshotTone = toneStop
	}
}

// health tells what the SIM told last, and how long ago where that is long.
func (v *modemView) health(t tongue, h db.ModemHealth, now time.Time) {
	age := ""
	if silence := now.Sub(h.HeardAt); !h.HeardAt.IsZero() && silence > silentAfter {
		age = ", " + t.ago(silence)
	}
	if h.SignalDBm < 0 {
		v.Signal = t.say("modem.signal", h.SignalDBm) + age
		if h.SignalDBm < weakSignal {
			v.Signal += ", " + t.say("modem.weak")
		}
	}
	if h.Slots > 0 {
		v.Slots = t.say("modem.slots", h.SlotsUsed, h.Slots) + age
		if 100*h.SlotsUsed >= fullSlots*h.Slots {
			v.Slots += ", " + t.say("modem.full")
		}
	}
	if !h.BalanceAt.IsZero() {
		v.Balance = t.say("modem.balance", t.number(h.Balance), t.ago(now.Sub(h.BalanceAt)))
	}
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
