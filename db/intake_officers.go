package db

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"tali/verify"
)

// binding is a phone's right to report for a station, for a time.
type binding struct {
	officer     string
	code        int64 // of the station
	station     verify.Station
	from, until time.Time
	always      bool
}

func (b *binding) village() int64  { return b.code / 1e3 }
func (b *binding) district() int64 { return b.code / 1e7 }

// Every binding that ever was: a message counts by the time of its receipt.
// OFFSET as in knownKeys.
const officersOf = `
SELECT p.phone, o.name, s.code, s.tps::text, coalesce(s.voters_l, 0) + coalesce(s.voters_p, 0),
       CASE WHEN isfinite(p.valid_from) THEN (extract(epoch FROM p.valid_from) * 1000000)::bigint ELSE 0 END,
       CASE WHEN isfinite(p.valid_until) THEN (extract(epoch FROM p.valid_until) * 1000000)::bigint ELSE 9223372036854775807 END
FROM registry.phone p
CROSS JOIN LATERAL (SELECT name FROM registry.officer WHERE id = p.officer OFFSET 0) AS o
CROSS JOIN LATERAL (SELECT code, tps, voters_l, voters_p FROM registry.station WHERE election = p.election AND code = p.station OFFSET 0) AS s
WHERE p.phone = ANY ($2::text[]) AND p.election = $1
ORDER BY p.phone, s.code, p.valid_from`

// loadOfficers reads who the senders of messages lo to hi are. It comes before
// the locks, because it says which they are: imports take none of them, so
// nothing is gained by reading it later.
func (in *intake) loadOfficers(ctx context.Context, t *transaction, k *known, lo, hi int) error {
	var phones array
	for _, phone := range distinct(in.phones[lo:hi]) {
		phones.text(phone)
	}
	err := each(ctx, t.on(ctx, in.stmts.officers), func(r *sqlx.Rows) error {
		phone, b, err := scanBinding(r)
		k.bindings[phone] = append(k.bindings[phone], b)
		return err
	}, in.row.Election, phones.arg())
	if err != nil {
		return fmt.Errorf("loading officers: %w", err)
	}
	if err := in.nameAreas(ctx, t, k); err != nil {
		return fmt.Errorf("loading names of areas: %w", err)
	}
	return nil
}

func scanBinding(r *sqlx.Rows) (phone string, b binding, err error) {
	var from, until int64
	if err = r.Scan(&phone, &b.officer, &b.code, &b.station.TPS, &b.station.Voters, &from, &until); err != nil {
		return phone, b, err
	}
	b.station.Code = strconv.FormatInt(b.code, 10)
	b.station.Number = int(b.code % 1000)
	b.from, b.until = time.UnixMicro(from), time.UnixMicro(until)
	b.always = from == 0 && until == math.MaxInt64
	return phone, b, nil
}

// officerAt puts the officer whom phone belonged to at that time into the facts.
func (k *known) officerAt(phone string, at time.Time) {
	all := k.bindings[phone]
	if len(all) == 0 {
		return
	}
	present := k.facts.Officers[phone]
	timeless := true
	for i := range all {
		timeless = timeless && all[i].always
	}
	if timeless && present != nil {
		return
	}
	delete(k.facts.Officers, phone)
	for i := range all {
		b := &all[i]
		if !b.always && (at.Before(b.from) || !at.Before(b.until)) {
			continue
		}
		o := k.facts.Officers[phone]
		if o == nil {
			o = &verify.Officer{Phone: phone, Name: b.officer}
			k.facts.Officers[phone] = o
		}
		o.Stations = append(o.Stations, b.station)
	}
}
