package gateway

import (
	"context"

	"tali/db/spool"
	"tali/gsm"
)

// Keep is the gsm.Keeper of every modem: it writes what was read to the spool.
// The modem empties its slots only
// after it returned nil, that is after the spool's commit.
func (g *Gateway) Keep(ctx context.Context, rows []gsm.Stored) error {
	rows, err := g.asFirstRead(ctx, rows)
	if err != nil {
		return err
	}
	pdus := make([]spool.PDU, len(rows))
	parts := false
	for i, row := range rows {
		pdus[i] = Journal(row)
		parts = parts || pdus[i].Kind == spool.KindPart
	}
	g.fail.pass(beforeKeep)
	fresh, err := g.Spool.Keep(ctx, pdus)
	if err != nil {
		return err
	}
	g.fail.pass(afterKeep)
	if fresh == 0 {
		return nil
	}
	for i := range rows {
		g.loads.add(rows[i].Modem, pdus[i].Sender, rows[i].ReadAt)
		g.felt(ctx, rows[i], pdus[i].Sender, pdus[i].Text)
	}
	if parts {
		g.kept.Raise()
	}
	g.waiting.Raise()
	return nil
}

// Journal is the spool's row for what a modem read. A PDU that does not decode
// is kept all the same, with the reason.
func Journal(row gsm.Stored) spool.PDU {
	p := spool.PDU{
		Key:    gsm.Key(row.IMSI, row.PDU),
		Modem:  row.Modem,
		IMSI:   row.IMSI,
		Hex:    row.PDU,
		Store:  row.Store,
		Slot:   row.Slot,
		ReadAt: row.ReadAt,
		Kind:   spool.KindSingle,
	}
	d, err := gsm.Decode(row.PDU)
	p.Sender, p.Text, p.SentAt = d.Sender, d.Text, d.SentAt
	switch {
	case err != nil:
		p.Kind, p.Reason = spool.KindUnreadable, err.Error()
	case d.Kind != gsm.KindDeliver:
		p.Kind = spool.KindReport
	case d.Part != nil:
		p.Kind = spool.KindPart
		p.Part = spool.Part{Ref: d.Part.Ref, Width: d.Part.Width, Total: d.Part.Total, Seq: d.Part.Seq}
	}
	return p
}
