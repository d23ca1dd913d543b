package gateway

import (
	"context"
	"strconv"

	"tali/db"
	"tali/db/spool"
	"tali/gsm"
	"tali/parser"
)

// TP-ST of a status report (3GPP TS 23.040 §9.2.3.15): below tryingStatus the SMS
// has arrived, from there up to failedStatus the network keeps trying.
const (
	tryingStatus = 0x20
	failedStatus = 0x40
)

// reports tells the centre what the network says of replies that have left. It
// runs before their messages are marked: what a crash cuts off is told again.
func (g *Gateway) reports(ctx context.Context, batch []spool.Message) error {
	for _, m := range batch {
		if m.Kind != spool.MessageReport || len(m.PDUs) == 0 {
			continue
		}
		d, err := gsm.Decode(m.PDUs[0])
		if err != nil || d.Report == nil {
			continue // half a report says nothing
		}
		fate, known := fateOf(d.Report.Status)
		if !known {
			continue
		}
		phone, _ := parser.ParsePhone(d.Sender)
		err = g.Centre.ReportReply(ctx, db.StatusReport{
			Gateway: g.Name, Modem: m.Modem, Reference: strconv.Itoa(d.Report.Reference), Recipient: phone, Fate: fate,
		})
		if err != nil {
			return err
		}
		g.counts.fate(fate)
	}
	return nil
}

// fateOf reads TP-ST; false while the network keeps trying.
func fateOf(status byte) (db.Fate, bool) {
	switch {
	case status < tryingStatus:
		return db.FateDelivered, true
	case status < failedStatus:
		return "", false
	}
	return db.FateFailed, true
}
