package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"tali/parser"
)

// Sample is how an empty centre is filled for a measurement.
type Sample struct {
	Entries  int // at most 1,600,000; twice as many messages
	Profile  *parser.Profile
	Progress Progress
}

// SamplePhone is the phone of invented officer i of a sample. No operator has
// assigned 899 with so many zeros behind it.
func SamplePhone(i int) string { return fmt.Sprintf("+62899%09d", i) }

// SampleStation is the code of invented station i: 400 to a village.
func SampleStation(regency string, i int) string {
	village := i / 400
	return fmt.Sprintf("%s%02d%04d%03d", regency, 10+village/5000, 2001+village%5000, 1+i%400)
}

// The sample's statements take the election's id, the regency and numbers from a
// range. Every case has an entry, one in twenty a second one that is held, one
// in ten a flag; half are confirmed.
const (
	sampleVillages = `
INSERT INTO registry.area (code, level, name)
SELECT $1::bigint * 1000000 + (10 + v / 5000) * 10000 + 2001 + v % 5000, 'village', 'Desa Rekaan ' || v FROM generate_series($2::bigint, $3::bigint) AS v
UNION ALL SELECT DISTINCT $1::bigint * 100 + 10 + v / 5000, 'district', 'Kecamatan Rekaan ' || v / 5000 FROM generate_series($2::bigint, $3::bigint) AS v
ON CONFLICT DO NOTHING`

	sampleStations = `
INSERT INTO registry.station (election, code, tps, voters_l, voters_p)
SELECT $4::smallint, $1::bigint * 1000000000 + (10 + i / 2000000) * 10000000 + (2001 + i / 400 % 5000) * 1000 + 1 + i % 400,
       (100001 + i) * 100 + 98 - (100001 + i) * 100 % 97, 250, 250
FROM generate_series($2::bigint, $3::bigint) AS i`

	sampleOfficers = `
WITH o AS (
  INSERT INTO registry.officer (election, name) SELECT $4::smallint, 'Petugas Rekaan ' || i FROM generate_series($2::bigint, $3::bigint) AS i RETURNING id, name
)
INSERT INTO registry.phone (election, phone, station, officer, valid_from)
SELECT $4::smallint, '+62899' || lpad(i::text, 9, '0'),
       $1::bigint * 1000000000 + (10 + i / 2000000) * 10000000 + (2001 + i / 400 % 5000) * 1000 + 1 + i % 400, o.id, '-infinity'
FROM o CROSS JOIN LATERAL (SELECT substr(o.name, 16)::bigint AS i) AS n`

	// $5 the ballots, $6 and $7 figures: what they are, and what rises with the
	// case; $8 the round, $9 the row of those who voted.
	sampleEntries = `
WITH c AS (
  SELECT i, $1::bigint * 1000000000 + (10 + i / 2 / 2000000) * 10000000 + (2001 + i / 2 / 400 % 5000) * 1000 + 1 + i / 2 % 400 AS station,
         ($5::smallint[])[1 + i % cardinality($5::smallint[])] AS ballot,
         now() - interval '8 hours' + (i % 28000) * interval '1 second' AS at
  FROM generate_series($2::bigint, $3::bigint) AS i
), e AS (
  INSERT INTO tally.entry (station, election, province, ballot, round, revision, message, received_at, state, assurance, proof, phone, figures, flags)
  SELECT c.station, $4::smallint, c.station / 100000000000, c.ballot, $8::smallint, r, md5('e' || c.i || '/' || r)::uuid, c.at + r * interval '1 minute',
         CASE WHEN r = 1 THEN 'masuk' ELSE 'ditahan' END, 'A0', CASE WHEN r = 1 THEN upper(substr(md5('p' || c.i), 1, 5)) ELSE '' END,
         '+62899' || lpad((c.i / 2)::text, 9, '0'),
         (SELECT array_agg((f + m * (c.i % 90 + r))::smallint ORDER BY o) FROM unnest($6::int[], $7::int[]) WITH ORDINALITY AS x(f, m, o)),
         CASE WHEN c.i % 10 = 0 THEN ARRAY['late'] ELSE '{}' END
  FROM c CROSS JOIN generate_series(1, 2) AS r WHERE r = 1 OR c.i % 20 = 7
), d AS (
  INSERT INTO tally.decision (election, station, ballot, round, revision, act, kind, was, state, version, seen, staff)
  SELECT $4::smallint, station, ballot, $8::smallint, 1, nextval('tally.act'), 'confirm', 'masuk', 'terverifikasi', 1, 1, 'rekaan' FROM c WHERE i % 2 = 1 AND i % 20 <> 7
)
INSERT INTO tally.standing (station, election, ballot, round, entry, revision, held, risk, version, state, voted, since)
SELECT station, $4::smallint, ballot, $8::smallint, 1, CASE WHEN i % 20 = 7 THEN 2 ELSE 1 END, CASE WHEN i % 20 = 7 THEN 1 ELSE 0 END,
       CASE WHEN i % 20 = 7 THEN 10 ELSE 0 END + CASE WHEN i % 10 = 0 THEN 1 ELSE 0 END, 2,
       CASE WHEN i % 2 = 1 AND i % 20 <> 7 THEN 'terverifikasi' ELSE 'masuk' END,
       ($6::int[])[$9::int] + ($7::int[])[$9::int] * (i % 90 + 1), at
FROM c`

	// The messages of the entries, and as many beside: thanks, slips, strangers.
	sampleMessages = `
WITH n AS (
  SELECT i, $1::bigint * 1000000000 + (10 + i / 2 / 2000000) * 10000000 + (2001 + i / 2 / 400 % 5000) * 1000 + 1 + i / 2 % 400 AS station,
         ($5::smallint[])[1 + i % cardinality($5::smallint[])] AS ballot, '+62899' || lpad((i / 2)::text, 9, '0') AS phone,
         now() - interval '8 hours' + (i % 28000) * interval '1 second' AS at
  FROM generate_series($2::bigint, $3::bigint) AS i
), m AS (
  SELECT md5('e' || i || '/1')::uuid AS key, at, phone, station, ballot, 1 AS revision, 'accepted' AS outcome, ($6::text[])[1 + i % cardinality($6::text[])] || ' ' || 100001 + i / 2 || '05 145 98 67 310 12 322 322 330 322 2 6 ' || 70000 + i % 9999 AS text FROM n
  UNION ALL SELECT md5('e' || i || '/2')::uuid, at + interval '1 minute', phone, station, ballot, 2, 'conflict', ($6::text[])[1 + i % cardinality($6::text[])] || ' ' || 100001 + i / 2 || '05 146 98 67 311 12 323 323 331 323 2 6 ' || 71000 + i % 999 FROM n WHERE i % 20 = 7
  UNION ALL SELECT md5('x' || i)::uuid, at + interval '2 minutes', CASE WHEN i % 200 = 3 THEN '+62898' || lpad(i::text, 9, '0') ELSE phone END,
         CASE WHEN i % 200 <> 3 THEN station END, NULL, NULL, CASE WHEN i % 200 = 3 THEN 'unknown' WHEN i % 3 = 0 THEN 'courtesy' ELSE 'service' END,
         CASE WHEN i % 200 = 3 THEN 'halo apa kabar ' || i WHEN i % 3 = 0 THEN 'terima kasih' ELSE 'UJI' END FROM n WHERE i % 20 <> 7
), stored AS (
  INSERT INTO intake.message (key, received_at, sent_at, stored_at, kind, sender, text, gateway, modem, imsi, interim, pdus)
  SELECT key, at, at, at, 'text', phone, text, 'gw-rekaan', 'm1', '510990000000001', '', '{00}' FROM m
), verdict AS (
  INSERT INTO intake.verdict (message, station, profile, election, ballot, revision, quarantine, outcome, reason, phone, program)
  SELECT key, station, 1, $4::smallint, ballot, revision, outcome = 'unknown', outcome, outcome, phone, 'rekaan' FROM m
), reply AS (
  INSERT INTO outbox.reply (message, queued_at, asked_at, closed_at, priority, neutral, state, gateway, modem, recipient, kind, text)
  SELECT key, at, at, at + interval '20 seconds', 2, false, 'sent', 'gw-rekaan', 'm1', phone, outcome, 'DITERIMA ' || text FROM m WHERE outcome IN ('accepted', 'conflict')
  RETURNING id, message
)
INSERT INTO desk.lookup (message, stored_at, election, phone, station, ballot, revision, outcome, reply, words)
SELECT m.key, m.at, $4::smallint, m.phone, m.station, m.ballot, m.revision, m.outcome, r.id, to_tsvector('simple', m.text)
FROM m LEFT JOIN reply r ON r.message = m.key`
)

// sampleStep is how many rows a statement makes, for the progress bar.
const sampleStep = 50_000

// FillSample fills a centre that holds an opened election and nothing else with
// invented cases, set-based, as the owner of its database: it goes around what
// guards the facts, and has no place in a real election.
func FillSample(ctx context.Context, ownerDSN string, s Sample) (err error) {
	links, err := newConnector(ownerDSN, nil)
	if err != nil {
		return err
	}
	pool := sqlx.NewDb(openPool(links), "postgres")
	defer func() { err = errors.Join(err, pool.Close()) }()
	f := filling{pool: pool, Sample: s}
	if f.regency, err = strconv.ParseInt(s.Profile.Regency, 10, 64); err != nil {
		return err
	}
	if err := pool.GetContext(ctx, &f.election, electionID, s.Profile.ID); err != nil {
		return fmt.Errorf("sample of %s: %w", s.Profile.ID, classify(err))
	}
	if err := f.run(ctx); err != nil {
		return fmt.Errorf("sample of %s: %w", s.Profile.ID, classify(err))
	}
	return nil
}

type filling struct {
	Sample
	pool     *sqlx.DB
	regency  int64
	election int16
	done     int
}

func (f *filling) run(ctx context.Context) error {
	cases := f.Entries * 20 / 21
	stations := cases/2 + 1
	var digits []int16
	var words []string
	for _, b := range f.Profile.Ballots[:min(2, len(f.Profile.Ballots))] {
		digits, words = append(digits, int16(b.Digit-'0')), append(words, b.Keyword)
	}
	figures, rises := sampleFigures(f.Profile.Ballots[0])
	if err := f.exec(ctx, `ALTER TABLE tally.decision DISABLE TRIGGER USER`, `DROP INDEX desk.lookup_words`); err != nil {
		return err
	}
	for _, part := range []struct {
		query string
		count int
		args  []any
	}{
		{sampleVillages, stations/400 + 1, nil},
		{sampleStations, stations, []any{f.election}},
		{sampleOfficers, stations, []any{f.election}},
		{sampleEntries, cases, []any{f.election, pq.Array(digits), pq.Array(figures), pq.Array(rises), f.Profile.Round, votedRow(f.Profile.Ballots[0])}},
		{sampleMessages, cases, []any{f.election, pq.Array(digits), pq.Array(words)}},
	} {
		if err := f.fill(ctx, part.query, part.count, part.args, 3*stations+2*cases); err != nil {
			return err
		}
	}
	for counted := countBatch; counted == countBatch; {
		if err := f.pool.GetContext(ctx, &counted, countUp, countBatch); err != nil {
			return err
		}
	}
	return f.exec(ctx, `ALTER TABLE tally.decision ENABLE TRIGGER USER`,
		`CREATE INDEX lookup_words ON desk.lookup USING gin (words)`,
		`UPDATE desk.lookup_mark SET until = now() - interval '1 minute'`, `VACUUM ANALYZE`)
}

func (f *filling) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := f.pool.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func (f *filling) fill(ctx context.Context, query string, count int, args []any, total int) error {
	for lo := 0; lo < count; lo += sampleStep {
		hi := min(lo+sampleStep, count)
		if _, err := f.pool.ExecContext(ctx, query, append([]any{f.regency, lo, hi - 1}, args...)...); err != nil {
			return err
		}
		f.done += hi - lo
		f.Progress.report(min(f.done, total), total)
	}
	return nil
}

// votedRow is the row, counted from 1, that verify.Voted reads.
func votedRow(b *parser.Ballot) int {
	if p := b.Index(parser.LabelP); p >= 0 {
		return p + 1
	}
	return b.Index(parser.LabelJ) + 1
}

// sampleFigures is a form that holds, and which of its rows rise together.
func sampleFigures(b *parser.Ballot) (figures, rises []int32) {
	figures, rises = make([]int32, b.Rows()), make([]int32, b.Rows())
	for i := range b.N() {
		figures[i] = int32(40 + i)
		figures[b.N()] += figures[i]
	}
	s := figures[b.N()]
	rises[0] = 1
	for label, value := range map[parser.Label]int32{
		parser.LabelS: s, parser.LabelT: 7, parser.LabelJ: s + 7, parser.LabelP: s + 7, parser.LabelD: s + 20, parser.LabelU: s + 7,
		parser.LabelR: 3, parser.LabelZ: 10,
	} {
		i := b.Index(label)
		if i < 0 {
			continue
		}
		figures[i] = value
		if label != parser.LabelT && label != parser.LabelR && label != parser.LabelZ {
			rises[i] = 1
		}
	}
	return figures, rises
}
