package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"tali/verify"
)

// ReplyState is where a reply stands.
type ReplyState string

// The states of a reply.
const (
	ReplyQueued  ReplyState = "queued"
	ReplyLeased  ReplyState = "leased"  // somebody is sending it
	ReplySent    ReplyState = "sent"    // the network took it
	ReplyFailed  ReplyState = "failed"  // it will not be tried again
	ReplyUnknown ReplyState = "unknown" // sent or not, nobody can tell, twice
)

// SendOutcome is what became of one attempt.
type SendOutcome string

// The outcomes of an attempt.
const (
	SendSent    SendOutcome = "sent"
	SendFailed  SendOutcome = "failed"  // for good
	SendRetry   SendOutcome = "retry"   // certainly not sent: queued again
	SendUnknown SendOutcome = "unknown" // queued once more, marked as a repeat
)

// goneAfter is how long a gateway is silent before others send its replies.
const goneAfter = 3 * time.Minute

// Claim says who asks for a reply to send.
type Claim struct {
	Gateway, Modem string
	Alive          []string      // modems of this gateway that can send
	Lease          time.Duration // until then nobody else gets the reply
	PerNumberHour  int           // SMS to one number in an hour; 0: no limit
}

// Reply is a claimed reply.
type Reply struct {
	ID        int64
	Attempt   int // names this claim when it is closed
	Message   verify.Key
	Recipient string
	Kind      string
	Text      string
	Repeat    bool // it may have been sent before
}

// Its own replies first, then those of silent modems beside it, then those of
// gateways not heard of for a while; each by priority, then age. A lease that
// ended is claimed like a queued reply, as the one repeat; after the second the
// sweep has closed it. CTEs are read only as far as the LIMIT needs.
const claimReply = `
WITH own AS (
  SELECT id FROM outbox.reply r
  WHERE state IN ('queued', 'leased') AND gateway = $1 AND modem = $2
    AND (state = 'queued' OR lease_until < now()) AND (not_before IS NULL OR not_before <= now())
    AND ($6 = 0 OR $6 > (SELECT count(*) FROM outbox.reply s
      WHERE s.recipient = r.recipient AND s.state IN ('sent', 'unknown') AND s.closed_at > now() - interval '1 hour'))
  ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED
), orphan AS (
  SELECT id FROM outbox.reply r
  WHERE state IN ('queued', 'leased') AND gateway = $1 AND modem <> $2 AND modem <> ALL ($3::text[])
    AND (state = 'queued' OR lease_until < now()) AND (not_before IS NULL OR not_before <= now())
    AND ($6 = 0 OR $6 > (SELECT count(*) FROM outbox.reply s
      WHERE s.recipient = r.recipient AND s.state IN ('sent', 'unknown') AND s.closed_at > now() - interval '1 hour'))
  ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED
), gone AS (
  SELECT id FROM outbox.reply r
  WHERE state IN ('queued', 'leased')
    AND gateway = ANY (ARRAY(SELECT name FROM registry.gateway WHERE name <> $1 AND last_seen < now() - $5 * interval '1 second'))
    AND (state = 'queued' OR lease_until < now()) AND (not_before IS NULL OR not_before <= now())
    AND ($6 = 0 OR $6 > (SELECT count(*) FROM outbox.reply s
      WHERE s.recipient = r.recipient AND s.state IN ('sent', 'unknown') AND s.closed_at > now() - interval '1 hour'))
  ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED
), pick AS (
  SELECT id FROM own UNION ALL SELECT id FROM orphan UNION ALL SELECT id FROM gone LIMIT 1
)
UPDATE outbox.reply r
SET repeats = CASE WHEN r.state = 'leased' THEN 1 ELSE r.repeats END,
    state = 'leased', lease_gateway = $1, lease_modem = $2, lease_until = now() + $4 * interval '1 second',
    attempts = r.attempts + 1
WHERE r.id = (SELECT id FROM pick)
RETURNING r.id, r.attempts AS attempt, coalesce(r.message::text, '') AS message, r.recipient, r.kind, r.text, r.repeats > 0 AS repeat`

// A repeat whose lease ended too may have reached the officer twice. It is not
// sent a third time.
const sweepReplies = `
UPDATE outbox.reply
SET state = 'unknown', closed_at = now(), lease_until = NULL, error = 'the lease ended twice'
WHERE state = 'leased' AND lease_until < now() AND repeats > 0`

// ClaimReply leases the next reply that this modem should send; false when
// there is none. The lease is committed before it returns.
func (d *DB) ClaimReply(ctx context.Context, c Claim) (Reply, bool, error) {
	claim, err := d.prepare(ctx, claimReply)
	if err != nil {
		return Reply{}, false, fmt.Errorf("claiming a reply: %w", err)
	}
	sweep, err := d.prepare(ctx, sweepReplies)
	if err != nil {
		return Reply{}, false, fmt.Errorf("claiming a reply: %w", err)
	}
	var row struct {
		ID              int64
		Attempt         int
		Message         string
		Recipient, Kind string
		Text            string
		Repeat          bool
	}
	err = d.hot.within(ctx, func(t *transaction) error {
		if _, err := t.on(ctx, sweep).ExecContext(ctx); err != nil {
			return err
		}
		err := t.on(ctx, claim).GetContext(ctx, &row, c.Gateway, c.Modem, pq.Array(append([]string{}, c.Alive...)),
			c.Lease.Seconds(), goneAfter.Seconds(), c.PerNumberHour)
		if errors.Is(err, sql.ErrNoRows) { // nothing to send, but what was swept stays
			return nil
		}
		return err
	})
	if err != nil {
		return Reply{}, false, fmt.Errorf("claiming a reply: %w", err)
	}
	if row.ID == 0 {
		return Reply{}, false, nil
	}
	r := Reply{
		ID: row.ID, Attempt: row.Attempt, Recipient: row.Recipient, Kind: row.Kind, Text: row.Text, Repeat: row.Repeat,
	}
	if row.Message != "" {
		if r.Message, err = parseKey(row.Message); err != nil {
			return Reply{}, false, fmt.Errorf("claiming reply %d: %w", row.ID, err)
		}
	}
	return r, true, nil
}

// Closing tells what became of a claimed reply.
type Closing struct {
	Gateway, Modem string // who claimed it
	Attempt        int    // of the claimed Reply
	Outcome        SendOutcome
	NotBefore      time.Time // of the next attempt, where there is one
	Error          string
	Reference      string // of the network, when sent
}

const closeReply = `
UPDATE outbox.reply
SET state = CASE WHEN $5 = 'retry' OR ($5 = 'unknown' AND repeats = 0) THEN 'queued' ELSE $5 END,
    closed_at = CASE WHEN $5 = 'retry' OR ($5 = 'unknown' AND repeats = 0) THEN NULL ELSE now() END,
    repeats = CASE WHEN $5 = 'unknown' THEN 1 ELSE repeats END,
    lease_until = NULL, not_before = $6, error = nullif($7, ''), reference = nullif($8, '')
WHERE id = $1 AND state = 'leased' AND lease_gateway = $2 AND lease_modem = $3 AND attempts = $4
RETURNING id`

// CloseReply ends a claim. ErrLeaseLost when the lease went to somebody else
// meanwhile: then that one's word counts.
func (d *DB) CloseReply(ctx context.Context, id int64, c Closing) error {
	closing, err := d.prepare(ctx, closeReply)
	if err != nil {
		return fmt.Errorf("closing reply %d: %w", id, err)
	}
	err = d.hot.within(ctx, func(t *transaction) error {
		return t.on(ctx, closing).GetContext(ctx, &id, id, c.Gateway, c.Modem, c.Attempt, string(c.Outcome),
			sql.NullTime{Time: c.NotBefore, Valid: !c.NotBefore.IsZero()}, c.Error, c.Reference)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrLeaseLost
	}
	if err != nil {
		return fmt.Errorf("closing reply %d: %w", id, err)
	}
	return nil
}
