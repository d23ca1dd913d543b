package gateway

import (
	"context"
	"strconv"

	"tali/db"
	"tali/db/spool"
	"tali/gsm"
	"tali/parser"
)

// reports tells the centre what the network says of replies that have left. It
// runs before their messages are marked: what a crash cuts off is told again.
func (g *Gateway) reports(ctx context.Context, batch []spool.Message) error {
	for _, m := range batch {
		if m.Kind != spool.MessageReport || len(m.PDUs) == 0 {
			continue
		}
		d, err := gsm.Decode(m.PDUs[0])
		if err != nil || d.Report == nil || d.Report.Pending() {
			continue // half a report says nothing, one of a try nothing yet
		}
		fate := db.FateFailed
		if d.Report.Delivered() {
			fate = db.FateDelivered
		}
		phone, _ := parser.ParsePhone(d.Sender)
		known, err := g.Centre.ReportReply(ctx, db.StatusReport{
			Gateway: g.Name, Modem: m.Modem, Reference: strconv.Itoa(d.Report.Reference), Recipient: phone, Fate: fate,
		})
		if err != nil {
			return err
		}
		if known { // the centre hears it twice when a crash came between, and others' SMS are none of ours
			g.counts.fate(fate)
		}
	}
	return nil
}
