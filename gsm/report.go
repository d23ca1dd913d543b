package gsm

import (
	"time"

	"github.com/warthog618/sms/encoding/tpdu"
)

// Report is what an SMS-STATUS-REPORT (3GPP TS 23.040 §9.2.2.3) says of a message that we sent. The recipient is
// Deliver.Sender, the time at which the network took the message Deliver.SentAt.
type Report struct {
	Reference int       // of Sent
	Status    byte      // TP-ST, 3GPP TS 23.040 §9.2.3.15
	At        time.Time // when Status was reached; zero when the report has no time
}

// Delivered says that the recipient's phone has the message.
func (r Report) Delivered() bool { return r.Status < 0x20 }

// Pending says that the network still tries.
func (r Report) Pending() bool { return r.Status >= 0x20 && r.Status < 0x40 }

// report reads a status report as far as it goes; the raw PDU has the rest.
func report(b []byte) Deliver {
	d := Deliver{Kind: KindReport}
	if len(b) < 3 {
		return d
	}
	var ra tpdu.Address
	n, err := ra.UnmarshalBinary(b[2:])
	if err != nil {
		return d
	}
	d.Sender = clean(ra.Number())
	rest := b[2+n:]
	if len(rest) >= 7 {
		d.SentAt = timestamp(rest[:7])
	}
	if len(rest) >= 15 {
		d.Report = &Report{Reference: int(b[1]), Status: rest[14], At: timestamp(rest[7:14])}
	}
	return d
}

// isReport says whether a raw PDU is a status report.
func isReport(pdu string) bool {
	b, err := tpduOf(pdu)
	return err == nil && messageType(b[0]) == KindReport
}
