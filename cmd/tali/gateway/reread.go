package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tali/db"
	"tali/db/spool"
	"tali/gsm"
	"tali/parser"
	"tali/verify"
)

// rereadPage is how many unreadable messages are looked at at once.
const rereadPage = 200

// Reread counts what reading unreadable messages again has found.
type Reread struct {
	Looked   int `json:"looked"`   // unreadable messages there are
	Readable int `json:"readable"` // that read now, and were not read again before
	Parts    int `json:"parts"`    // of Readable: parts of a long SMS, joined with the others where they lie
	Before   int `json:"before"`   // that had been read again already
	Still    int `json:"still"`    // that do not decode now either
}

// SpoolRereader reads a gateway's unreadable messages again. With Apply, those
// that read now are added to the spool as if they had just come; the gateway
// hands them to the centre.
type SpoolRereader struct {
	Spool *spool.Spool
	Apply bool
}

// Run looks at every unreadable message once.
func (r SpoolRereader) Run(ctx context.Context) (Reread, error) {
	var n Reread
	for after := int64(0); ; {
		page, err := r.Spool.Unreadable(ctx, after, rereadPage)
		if err != nil || len(page) == 0 {
			return n, err
		}
		for _, m := range page {
			if err := r.one(ctx, m, &n); err != nil {
				return n, err
			}
			after = m.Seq
		}
	}
}

func (r SpoolRereader) one(ctx context.Context, m spool.Message, n *Reread) error {
	n.Looked++
	again, err := r.Spool.Reread(ctx, m.Key)
	if err != nil {
		return err
	}
	if again {
		n.Before++
		return nil
	}
	p, ok := readAgain(m.PDUs, gsm.Stored{Modem: m.Modem, IMSI: m.IMSI, ReadAt: m.ReceivedAt})
	if !ok {
		n.Still++
		return nil
	}
	n.count(p)
	if !r.Apply {
		return nil
	}
	return r.Spool.AddReread(ctx, m, p)
}

func (n *Reread) count(p spool.PDU) {
	n.Readable++
	if p.Kind == spool.KindPart {
		n.Parts++
	}
}

// readAgain decodes the PDUs of a message with this program; false when it still
// cannot be read.
func readAgain(pdus []string, row gsm.Stored) (spool.PDU, bool) {
	if len(pdus) == 0 {
		return spool.PDU{}, false
	}
	row.PDU = pdus[0]
	p := Journal(row)
	if len(pdus) == 1 {
		return p, p.Kind != spool.KindUnreadable
	}
	d, err := gsm.Join(pdus)
	p.Kind, p.Sender, p.Text, p.SentAt = spool.KindSingle, d.Sender, d.Text, d.SentAt
	return p, err == nil
}

// CentreRereader reads the centre's unreadable messages again, those of every
// gateway. With Apply, those that read now are decided as of the time when they
// were received, and their officers are answered. A part of a long SMS is left to
// the spool that has the others.
type CentreRereader struct {
	Desk    *db.DB // reads
	Gateway *db.DB // decides
	Profile *parser.Profile
	Own     []string // numbers of our own modems: they are not answered
	Version string
	Apply   bool
}

// Run looks at every unreadable message once.
func (r CentreRereader) Run(ctx context.Context) (Reread, error) {
	var n Reread
	for after := (verify.Key{}); ; {
		page, err := r.Desk.Unreadable(ctx, after, rereadPage)
		if err != nil || len(page) == 0 {
			return n, err
		}
		if err := r.page(ctx, page, &n); err != nil {
			return n, err
		}
		after = page[len(page)-1].Key
	}
}

func (r CentreRereader) page(ctx context.Context, page []db.Unreadable, n *Reread) error {
	keys := make([]verify.Key, len(page))
	for i, m := range page {
		keys[i] = rereadKey(m.Key)
	}
	known, err := r.Desk.Known(ctx, keys)
	if err != nil {
		return err
	}
	for i, m := range page {
		n.Looked++
		p, ok := readAgain(m.PDUs, gsm.Stored{Modem: m.Modem, IMSI: m.IMSI, ReadAt: m.ReceivedAt})
		switch {
		case known[keys[i]]:
			n.Before++
			continue
		case !ok:
			n.Still++
			continue
		}
		n.count(p)
		if !r.Apply || p.Kind == spool.KindPart {
			continue
		}
		if err := r.decide(ctx, m, p); err != nil {
			return err
		}
	}
	return nil
}

func rereadKey(key verify.Key) verify.Key {
	again := spool.RereadKey(key)
	return verify.Key(again[:16])
}

// decide offers one message to the centre, in the name of the gateway that
// received it. An outcome that is unknown is offered again: its key makes it one.
func (r CentreRereader) decide(ctx context.Context, m db.Unreadable, p spool.PDU) error {
	g := &Gateway{Settings: Settings{Name: m.Gateway, Version: r.Version}}
	in := g.inbound(spool.Message{
		Key: rereadKey(m.Key), Kind: messageKind(p.Kind), PDUs: m.PDUs, Modem: m.Modem, IMSI: m.IMSI,
		Sender: p.Sender, Text: p.Text, SentAt: p.SentAt, ReceivedAt: m.ReceivedAt,
	})
	batch := db.Batch{Gateway: m.Gateway, Program: r.Version, Profile: r.Profile, Own: r.Own, Messages: []db.Inbound{in}}
	_, err := r.Gateway.Intake(ctx, batch)
	if errors.Is(err, db.ErrUnknownOutcome) && pause(ctx, nil, time.Second) {
		_, err = r.Gateway.Intake(ctx, batch)
	}
	if err != nil {
		return fmt.Errorf("deciding a message read again: %w", err)
	}
	return nil
}

func messageKind(k spool.Kind) spool.MessageKind {
	if k == spool.KindReport {
		return spool.MessageReport
	}
	return spool.MessageText
}
