package db

import (
	"context"
	"fmt"

	"tali/verify"
)

// rows holds the columns of everything that a batch writes.
type rows struct {
	messages int

	// message and verdict
	key, received, sent, interimAt                                array
	kind, sender, text, modem, imsi, interim, pdus                array
	station, ballot, revision, quarantine, outcome, reason, phone array

	// entry
	eKey, eStation, eBallot, eRevision, eReceived, eState array
	eAssurance, eProof, ePhone, eFigures, eFlags          array

	// reply
	rKey, rAsked, rPriority, rNeutral, rModem, rRecipient, rKind, rText array
}

// newRows has buffers of about the size that a batch of n tallies needs.
func (in *intake) newRows(n int) *rows {
	w := &rows{}
	for size, columns := range map[int][]*array{
		8:   {&w.kind, &w.imsi, &w.interim, &w.interimAt, &w.modem, &w.station, &w.ballot, &w.revision, &w.quarantine, &w.reason, &w.outcome},
		17:  {&w.received, &w.sent, &w.sender, &w.phone, &w.eStation, &w.eReceived, &w.ePhone, &w.rAsked, &w.rRecipient},
		33:  {&w.key, &w.eKey, &w.rKey},
		80:  {&w.text, &w.eFigures},
		200: {&w.pdus, &w.rText},
	} {
		for _, a := range columns {
			a.b = make([]byte, 0, size*n+2)
		}
	}
	return w
}

// add puts message i with its verdict into the columns.
func (w *rows) add(in *intake, k *known, i int, station int64) error {
	m, v := &in.batch.Messages[i], &in.verdicts[i]
	w.messages++
	w.key.key(m.Key)
	w.received.time(m.ReceivedAt)
	w.sent.time(m.SentAt)
	w.interimAt.time(m.InterimAt)
	w.kind.text(string(m.Kind))
	w.sender.text(m.Sender)
	w.text.text(m.Text)
	w.modem.text(m.Modem)
	w.imsi.text(m.IMSI)
	w.interim.text(m.Interim)
	w.pdus.lines(m.PDUs)

	ballot, revision := int16(0), 0
	if v.Entry != nil {
		ballot, revision = in.ballots[v.Entry.Case.Ballot], v.Entry.Revision
	} else if v.Report != nil && v.Report.Ballot != nil {
		ballot = in.ballots[v.Report.Ballot.Keyword]
	}
	w.station.intOrNull(station)
	w.ballot.intOrNull(int64(ballot))
	w.revision.intOrNull(int64(revision))
	w.quarantine.bool(v.Quarantine)
	w.outcome.text(string(v.Outcome))
	w.reason.text(v.Reason)
	w.phone.text(v.Phone)
	if v.Entry != nil {
		if v.Station == nil || v.Entry.Case.Station != v.Station.Code || ballot == 0 {
			return fmt.Errorf("message %x: an entry for station %s without its verdict", m.Key, v.Entry.Case.Station)
		}
		w.addEntry(m, v, station, ballot)
		k.stand(v.Entry, int(verify.Voted(in.batch.Profile.Ballot(v.Entry.Case.Ballot), v.Entry.Figures)))
	}
	if v.Reply != nil {
		w.addReply(m, v)
	}
	return nil
}

func (w *rows) addEntry(m *Inbound, v *verify.Verdict, station int64, ballot int16) {
	e := v.Entry
	w.eKey.key(m.Key)
	w.eStation.int(station)
	w.eBallot.int(int64(ballot))
	w.eRevision.int(int64(e.Revision))
	w.eReceived.time(m.ReceivedAt)
	w.eState.text(string(e.State))
	w.eAssurance.text(string(e.Assurance))
	w.eProof.text(e.Proof)
	w.ePhone.text(v.Phone)
	w.eFigures.figures(e.Figures)
	w.eFlags.next()
	w.eFlags.b = append(w.eFlags.b, `"{`...)
	for i, f := range e.Flags {
		if i > 0 {
			w.eFlags.b = append(w.eFlags.b, ',')
		}
		w.eFlags.quoted(string(f))
	}
	w.eFlags.b = append(w.eFlags.b, `}"`...)
}

func (w *rows) addReply(m *Inbound, v *verify.Verdict) {
	w.rKey.key(m.Key)
	w.rAsked.time(m.ReceivedAt)
	w.rPriority.int(int64(v.Reply.Priority))
	w.rNeutral.bool(v.Outcome == verify.OutcomeUnknown)
	w.rModem.text(m.Modem)
	w.rRecipient.text(v.Phone)
	w.rKind.text(v.Reply.Kind)
	w.rText.text(v.Reply.Text)
}

// stand carries the standing row of a case forward by one entry, by which so many
// voted.
func (k *known) stand(e *verify.Entry, voted int) {
	s := k.stood[e.Case]
	if s == nil {
		s = &standing{voted: unknownVoted}
		k.stood[e.Case] = s
	}
	s.touched = true
	s.revision = e.Revision
	if e.State == verify.StateIn {
		s.entry, s.state, s.flags, s.voted = e.Revision, e.State, len(e.Flags), voted
		return
	}
	s.held++
}

// writeBatch writes everything in one statement. Rows go in in the order of
// their keys, so that two batches never wait for each other crosswise; replies
// in the order of arrival, which their ids keep. A standing row whose version
// is not the one that was read is left alone, and the count shows it.
const writeBatch = `
WITH message AS (
  INSERT INTO intake.message (key, received_at, sent_at, interim_at, kind, sender, text, gateway, modem, imsi, interim, pdus)
  SELECT key, timestamptz 'epoch' + received * interval '1 microsecond', timestamptz 'epoch' + sent * interval '1 microsecond',
         timestamptz 'epoch' + interim_at * interval '1 microsecond', kind, sender, text, $1, modem, imsi, interim, string_to_array(pdus, E'\n')
  FROM unnest($6::uuid[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])
    AS m(key, received, sent, interim_at, kind, sender, text, modem, imsi, interim, pdus)
  ORDER BY key
), verdict AS (
  INSERT INTO intake.verdict (message, station, profile, election, ballot, revision, quarantine, outcome, reason, phone, program)
  SELECT key, station, $3, $4, ballot, revision, quarantine, outcome, reason, phone, $5
  FROM unnest($6::uuid[], $17::bigint[], $18::smallint[], $19::smallint[], $20::boolean[], $21::text[], $22::text[], $23::text[])
    AS v(key, station, ballot, revision, quarantine, outcome, reason, phone)
  ORDER BY key
), entry AS (
  INSERT INTO tally.entry (station, election, province, ballot, round, revision, message, received_at, state, assurance, proof, phone, figures, flags)
  SELECT station, $4, (station / 100000000000)::smallint, ballot, $24, revision, key, timestamptz 'epoch' + received * interval '1 microsecond',
         state, assurance, proof, phone, figures::smallint[], flags::text[]
  FROM unnest($25::uuid[], $26::bigint[], $27::smallint[], $28::smallint[], $29::bigint[], $30::text[], $31::text[], $32::text[], $33::text[], $34::text[], $35::text[])
    AS e(key, station, ballot, revision, received, state, assurance, proof, phone, figures, flags)
  ORDER BY station, ballot, revision
), reply AS (
  INSERT INTO outbox.reply (message, asked_at, priority, neutral, gateway, modem, recipient, kind, text)
  SELECT key, timestamptz 'epoch' + asked * interval '1 microsecond', priority, neutral, $1, modem, recipient, kind, text
  FROM unnest($36::uuid[], $37::bigint[], $38::smallint[], $39::boolean[], $40::text[], $41::text[], $42::text[], $43::text[])
    AS r(key, asked, priority, neutral, modem, recipient, kind, text)
), lane AS (
  INSERT INTO registry.gateway_intake AS g (gateway, lane, profile, batches, messages, last_at)
  VALUES ($1, $2, $3, 1, $44, now())
  ON CONFLICT (gateway, lane, profile) DO UPDATE
  SET batches = g.batches + 1, messages = g.messages + excluded.messages, last_at = excluded.last_at
), standing AS (
  INSERT INTO tally.standing AS s (station, election, ballot, round, entry, revision, held, risk, version, state, voted)
  SELECT station, $4, ballot, $24, entry, revision, held, risk, loaded + 1, state, voted
  FROM unnest($45::bigint[], $46::smallint[], $47::smallint[], $48::smallint[], $49::smallint[], $50::smallint[], $51::integer[], $52::text[], $67::smallint[])
    AS n(station, ballot, entry, revision, held, risk, loaded, state, voted)
  ORDER BY station, ballot
  ON CONFLICT (station, ballot, round, election) DO UPDATE
  SET entry = excluded.entry, revision = excluded.revision, held = excluded.held, risk = excluded.risk,
      version = excluded.version, state = excluded.state, voted = excluded.voted
  WHERE s.version = excluded.version - 1
  RETURNING 1
), settled AS (
  DELETE FROM intake.question AS q USING unnest($53::text[], $54::smallint[]) AS g(phone, ballot)
  WHERE q.phone = ANY ($53::text[]) AND q.phone = g.phone AND q.ballot = g.ballot AND q.round = $24 AND q.election = $4
), question AS (
  INSERT INTO intake.question AS q (phone, ballot, round, election, kind, message, station, draft, offer, asked, asked_at, k, k_at, k_sent)
  SELECT phone, ballot, $24, $4, kind, message, station, draft, offer, asked, timestamptz 'epoch' + at * interval '1 microsecond',
         k, timestamptz 'epoch' + k_at * interval '1 microsecond', timestamptz 'epoch' + k_sent * interval '1 microsecond'
  FROM unnest($55::text[], $56::smallint[], $57::text[], $58::uuid[], $59::bigint[], $60::text[], $61::text[], $62::text[], $63::bigint[], $64::text[], $65::bigint[], $66::bigint[])
    AS n(phone, ballot, kind, message, station, draft, offer, asked, at, k, k_at, k_sent)
  ORDER BY phone, ballot
  ON CONFLICT (phone, ballot, round, election) DO UPDATE
  SET kind = excluded.kind, message = excluded.message, station = excluded.station, draft = excluded.draft, offer = excluded.offer,
      asked = excluded.asked, asked_at = excluded.asked_at, k = excluded.k, k_at = excluded.k_at, k_sent = excluded.k_sent
)
SELECT count(*) FROM standing`

// write stores the batch. It runs for batches that bring nothing new too: their
// answer must wait for the standby like the one that stored them.
func (in *intake) write(ctx context.Context, t *transaction, k *known, w *rows) error {
	var sStation, sBallot, sEntry, sRevision, sHeld, sRisk, sLoaded, sState, sVoted array
	cases := 0
	for key, s := range k.stood {
		if !s.touched {
			continue
		}
		cases++
		sStation.next()
		sStation.b = append(sStation.b, key.Station...)
		sBallot.int(int64(in.ballots[key.Ballot]))
		sEntry.intOrNull(int64(s.entry))
		sRevision.int(int64(s.revision))
		sHeld.int(int64(s.held))
		sRisk.int(int64(10*s.held + s.flags))
		sLoaded.int(int64(s.loaded))
		if s.voted == unknownVoted {
			sVoted.null()
		} else {
			sVoted.int(int64(s.voted))
		}
		if s.state == "" {
			sState.null()
		} else {
			sState.text(string(s.state))
		}
	}
	q := in.questionRows(k)
	var written int
	err := t.on(ctx, in.stmts.write).QueryRowContext(ctx,
		in.batch.Gateway, in.lane, in.row.ID, in.row.Election, in.batch.Program,
		w.key.arg(), w.received.arg(), w.sent.arg(), w.interimAt.arg(), w.kind.arg(), w.sender.arg(),
		w.text.arg(), w.modem.arg(), w.imsi.arg(), w.interim.arg(), w.pdus.arg(),
		w.station.arg(), w.ballot.arg(), w.revision.arg(), w.quarantine.arg(), w.outcome.arg(),
		w.reason.arg(), w.phone.arg(),
		in.batch.Profile.Round,
		w.eKey.arg(), w.eStation.arg(), w.eBallot.arg(), w.eRevision.arg(), w.eReceived.arg(),
		w.eState.arg(), w.eAssurance.arg(), w.eProof.arg(), w.ePhone.arg(), w.eFigures.arg(), w.eFlags.arg(),
		w.rKey.arg(), w.rAsked.arg(), w.rPriority.arg(), w.rNeutral.arg(), w.rModem.arg(),
		w.rRecipient.arg(), w.rKind.arg(), w.rText.arg(),
		w.messages,
		sStation.arg(), sBallot.arg(), sEntry.arg(), sRevision.arg(), sHeld.arg(), sRisk.arg(),
		sLoaded.arg(), sState.arg(),
		q.gonePhone.arg(), q.goneBallot.arg(),
		q.phone.arg(), q.ballot.arg(), q.kind.arg(), q.message.arg(), q.station.arg(), q.draft.arg(),
		q.offer.arg(), q.asked.arg(), q.at.arg(), q.k.arg(), q.kAt.arg(), q.kSent.arg(),
		sVoted.arg(),
	).Scan(&written)
	if err != nil {
		return err
	}
	if written != cases {
		return errStale
	}
	return nil
}
