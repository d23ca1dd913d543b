package gateway

import (
	"context"
	"slices"

	"tali/db/spool"
	"tali/gsm"
)

// asFirstRead gives rows the SIM under which they were first kept. A modem's own
// memory outlives a change of its SIM: what lies there is then read again under
// another IMSI, and with it would count as another SMS. It is the same one when
// the same octets lie where they were kept, and every whole listing since has
// shown them there. The same octets elsewhere, or after the slot was seen empty,
// are another SMS: one text sent to two of our numbers within a second.
func (g *Gateway) asFirstRead(ctx context.Context, rows []gsm.Stored) ([]gsm.Stored, error) {
	if !slices.ContainsFunc(rows, staysInModem) {
		return rows, nil
	}
	held, err := g.Spool.HeldOfOthers(ctx, rows[0].Modem, rows[0].IMSI)
	if err != nil || len(held) == 0 {
		return rows, err
	}
	rows = slices.Clone(rows)
	for i := range rows {
		at := slices.IndexFunc(held, func(h spool.Held) bool { return lies(rows[i], h) })
		if at >= 0 {
			rows[i].IMSI = held[at].IMSI
		}
	}
	return rows, nil
}

// staysInModem reports a row of a store that the SIM does not take along. MT is
// such a store and the SIM together.
func staysInModem(r gsm.Stored) bool { return r.Store == "ME" || r.Store == "MT" }

// lies reports whether a row is what lay there before. In MT the slots of the
// SIM come first, and another SIM may have more of them.
func lies(r gsm.Stored, h spool.Held) bool {
	return r.PDU == h.Hex && r.Store == h.Store && (r.Slot == h.Slot || r.Store == "MT")
}

// listed forgets what has left a modem's own memory. When it cannot, that is
// tried again with the next listing.
func (g *Gateway) listed(modem string) func(context.Context, string, []gsm.Stored) {
	return func(ctx context.Context, store string, rows []gsm.Stored) {
		hexes := make([]string, len(rows))
		for i, r := range rows {
			hexes[i] = r.PDU
		}
		if err := g.Spool.Listed(ctx, modem, store, hexes); err != nil && ctx.Err() == nil {
			g.Log.Warn("content of a modem's memory", "modem", modem, "err", err)
		}
	}
}
