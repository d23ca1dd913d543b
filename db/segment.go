package db

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// Segment is a part of a long SMS whose other parts its gateway has not got.
type Segment struct {
	Hash       [32]byte // of the raw PDU
	Modem      string
	Sender     string
	Ref, Total int // of the concatenation
	Seq        int // from 1
	ReceivedAt time.Time
	PDU        string // raw, hex
}

const (
	addSegments = `
INSERT INTO intake.segment (key, hash, gateway, modem, sender, reference, parts, part, received_at, pdu)
SELECT encode(substr(hash, 1, 16), 'hex')::uuid, hash, $1, modem, sender, reference, parts, part, received_at, pdu
FROM unnest($2::bytea[], $3::text[], $4::text[], $5::integer[], $6::smallint[], $7::smallint[], $8::timestamptz[], $9::text[])
  AS s(hash, modem, sender, reference, parts, part, received_at, pdu)
ON CONFLICT (key) DO NOTHING`

	otherSegments = `
SELECT hash, modem, sender, reference AS ref, parts AS total, part AS seq, received_at, pdu
FROM intake.segment
WHERE sender = $2 AND reference = $3 AND parts = $4 AND gateway <> $1 AND received_at BETWEEN $5 AND $6
ORDER BY part, received_at`
)

// ShareSegments hands over the parts that a gateway has of one long SMS and
// returns those that others have of it, read no further away than apart. What is
// there already stays as it is.
func (d *DB) ShareSegments(ctx context.Context, gateway string, mine []Segment, apart time.Duration) ([]Segment, error) {
	if len(mine) == 0 {
		return nil, nil
	}
	var others []Segment
	err := d.cold.within(ctx, func(t *transaction) error {
		if _, err := t.tx.ExecContext(ctx, addSegments, segmentColumns(gateway, mine)...); err != nil {
			return err
		}
		first := mine[0]
		rows, err := t.tx.QueryxContext(ctx, otherSegments, gateway, first.Sender, first.Ref, first.Total,
			first.ReceivedAt.Add(-apart), first.ReceivedAt.Add(apart))
		if err != nil {
			return err
		}
		return scanAll(rows, func() error {
			var s Segment
			var hash []byte
			if err := rows.Scan(&hash, &s.Modem, &s.Sender, &s.Ref, &s.Total, &s.Seq, &s.ReceivedAt, &s.PDU); err != nil {
				return err
			}
			copy(s.Hash[:], hash)
			others = append(others, s)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("sharing %d parts of a long SMS: %w", len(mine), err)
	}
	return others, nil
}

func segmentColumns(gateway string, all []Segment) []any {
	var hashes [][]byte
	var modems, senders, pdus, at []string
	var refs, totals, seqs []int64
	for i := range all {
		s := &all[i]
		hashes, modems, senders, pdus = append(hashes, s.Hash[:]), append(modems, s.Modem), append(senders, s.Sender), append(pdus, s.PDU)
		refs, totals, seqs = append(refs, int64(s.Ref)), append(totals, int64(s.Total)), append(seqs, int64(s.Seq))
		at = append(at, s.ReceivedAt.UTC().Format(time.RFC3339Nano))
	}
	return []any{gateway, pq.ByteaArray(hashes), pq.Array(modems), pq.Array(senders), pq.Array(refs), pq.Array(totals), pq.Array(seqs), pq.Array(at), pq.Array(pdus)}
}
