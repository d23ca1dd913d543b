package gateway

import (
	"context"
	"time"

	"tali/db"
	"tali/db/spool"
	"tali/gsm"
)

const (
	// shareAfter is how old a long SMS gets before its missing parts are looked
	// for at other gateways: most are on their way to this one.
	shareAfter   = 2 * time.Second
	shareTimeout = 5 * time.Second
)

// share hands over the parts of an incomplete long SMS and keeps those that other
// gateways have of it, as if they had come in here. Whoever is first to hand in
// the whole, its key is the same, and the centre has it once.
func (g *Gateway) share(ctx context.Context, group spool.Group) error {
	if !g.centre.Met() || time.Since(group.Last) < shareAfter {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, shareTimeout)
	defer cancel()
	mine := make([]db.Segment, len(group.Parts))
	for i, p := range group.Parts {
		mine[i] = db.Segment{
			Hash: p.Key, Modem: group.Modem, Sender: group.Sender, Ref: group.Ref, Total: group.Total, Seq: p.Seq, ReceivedAt: p.ReadAt, PDU: p.Hex,
		}
	}
	others, err := g.Centre.ShareSegments(ctx, g.Name, mine, g.PartsApart)
	if err != nil {
		return err
	}
	var rows []spool.PDU
	for _, s := range others {
		row := Journal(gsm.Stored{Modem: group.Modem, IMSI: group.IMSI, PDU: s.PDU, ReadAt: s.ReceivedAt})
		row.Key = s.Hash
		if row.Kind == spool.KindPart && row.Part.Width == group.Width {
			rows = append(rows, row)
		}
	}
	fresh, err := g.Spool.Keep(ctx, rows)
	if fresh > 0 {
		g.Log.Info("parts of a long SMS taken from other gateways", "from", mask(group.Sender), "parts", fresh)
		g.kept.Raise()
	}
	return err
}
