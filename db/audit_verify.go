package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// AuditReport is what a verification of the audit chain has found.
type AuditReport struct {
	Head     AuditHead
	Events   int
	Messages int      // sealed
	Archived int      // of these: only their keys are still here
	Schema   int64    // of the centre
	Pending  int      // done, and not in the chain yet
	Faults   []string // what was changed, removed, added or reordered, by name
	Recount  bool     // totals were counted again; false: decisions wait for the projector
}

// mostFaults are named; a chain that is wrong from its beginning is wrong once.
const mostFaults = 200

const (
	readOneMoment = `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`

	auditSize = `
SELECT (SELECT count(*) FROM audit.event) AS events, (SELECT coalesce(sum(messages), 0) FROM audit.seal) AS messages,
  (SELECT count(*) FROM audit.pending) AS pending, (SELECT max(version_id) FROM public.goose_db_version WHERE is_applied) AS schema,
  NOT EXISTS (SELECT FROM tally.unprojected) AND NOT EXISTS (SELECT FROM tally.stale_village) AND NOT EXISTS (SELECT FROM tally.newly_reported) AS recount`

	auditEvents = `
SELECT seq, at, source, ref, kind, actor, subject, secret, content, hash, audit.content(source, ref, secret) AS now
FROM audit.event WHERE seq > $1 ORDER BY seq LIMIT 500`

	unchained = `
SELECT source, ref FROM (
  SELECT 'staff.event' AS source, id AS ref FROM staff.event
  UNION ALL SELECT 'tally.decision', id FROM tally.decision
  UNION ALL SELECT 'tally.remark', id FROM tally.remark
  UNION ALL SELECT 'tally.typing', id FROM tally.typing
  UNION ALL SELECT 'tally.typed_entry', first FROM tally.typed_entry
  UNION ALL SELECT 'tally.handling', id FROM tally.handling
  UNION ALL SELECT 'audit.seal', id FROM audit.seal) AS r
WHERE NOT EXISTS (SELECT FROM audit.event e WHERE e.source = r.source AND e.ref = r.ref)
  AND NOT EXISTS (SELECT FROM audit.pending p WHERE p.source = r.source AND p.ref = r.ref)
ORDER BY source, ref LIMIT $1`

	// Of tables that came later.
	unchainedLater = `
SELECT source, ref FROM (
  SELECT 'audit.code_seal' AS source, seal AS ref FROM audit.code_seal
  UNION ALL SELECT 'audit.retirement', id FROM audit.retirement
  UNION ALL SELECT 'registry.card', id FROM registry.card) AS r
WHERE NOT EXISTS (SELECT FROM audit.event e WHERE e.source = r.source AND e.ref = r.ref)
  AND NOT EXISTS (SELECT FROM audit.pending p WHERE p.source = r.source AND p.ref = r.ref)
ORDER BY source, ref LIMIT $1`
)

// VerifyAudit looks at one moment of the centre: that the chain is whole and
// ends, or passes, where a printed head says (zero: none); that every row in it
// is as it was; that nothing was done beside it; that what came in is as it was
// sealed; that the published totals are what their rows give.
func (d *DB) VerifyAudit(ctx context.Context, printed AuditHead, progress Progress) (AuditReport, error) {
	v := verification{printed: printed, progress: progress}
	err := d.cold.within(ctx, func(t *transaction) error {
		v.t = t
		return v.run(ctx)
	})
	if err != nil {
		return AuditReport{}, fmt.Errorf("verifying the audit chain: %w", err)
	}
	return v.report, nil
}

// verification is one run of VerifyAudit.
type verification struct {
	t        *transaction
	printed  AuditHead
	progress Progress
	report   AuditReport
	done     int
	last     []byte // hash of the link before; nil: unknown
	retired  []retiredElection
}

func (v *verification) run(ctx context.Context) error {
	if _, err := v.t.tx.ExecContext(ctx, readOneMoment); err != nil {
		return err
	}
	if err := v.t.tx.GetContext(ctx, &v.report, auditSize); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{v.retirements, v.chain, v.beside, v.seals, v.codes, v.totals} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) fault(format string, args ...any) {
	switch n := len(v.report.Faults); {
	case n < mostFaults:
		v.report.Faults = append(v.report.Faults, fmt.Sprintf(format, args...))
	case n == mostFaults:
		v.report.Faults = append(v.report.Faults, "and more")
	}
}

func (v *verification) step(n int) {
	v.done += n
	v.progress.report(v.done, v.report.Events+v.report.Messages)
}

func (v *verification) chain(ctx context.Context) error {
	v.last = make([]byte, sha256.Size)
	for at := int64(0); ; {
		var page []auditEvent
		if err := v.t.tx.SelectContext(ctx, &page, auditEvents, at); err != nil {
			return err
		}
		for _, e := range page {
			v.event(e, at+1)
			at = e.Seq
		}
		v.step(len(page))
		if len(page) == 0 {
			break
		}
	}
	if v.printed.Seq > v.report.Head.Seq {
		v.fault("the chain ends with event %d; the printed record has event %d", v.report.Head.Seq, v.printed.Seq)
	}
	return nil
}

// event checks one link and the row that it is about.
func (v *verification) event(e auditEvent, due int64) {
	switch {
	case e.Seq > due+1:
		v.fault("events %d to %d were removed", due, e.Seq-1)
		v.last = nil
	case e.Seq > due:
		v.fault("event %d was removed", due)
		v.last = nil
	}
	if v.last != nil && !bytes.Equal(e.Hash, e.link(v.last)) {
		v.fault("%s was changed, or moved to another place: its hash does not follow from the event before it", e)
	}
	switch {
	case e.Now == nil:
		v.fault("%s: its row was removed", e)
	case !bytes.Equal(e.Now, e.Content) && !v.inArchive(e):
		v.fault("%s: its row was changed afterwards", e)
	}
	v.last = e.Hash
	v.report.Head = AuditHead{Seq: e.Seq, At: e.At, Hash: hex.EncodeToString(e.Hash)}
	if e.Seq == v.printed.Seq && v.report.Head.Hash != v.printed.Hash {
		v.fault("%s has the hash %s; the printed record has %s: the chain was written anew", e, v.report.Head.Hash, v.printed.Hash)
	}
}

// beside looks for rows that no trigger has told of.
func (v *verification) beside(ctx context.Context) error {
	queries := []string{unchained}
	if v.report.Schema >= retirementSchema {
		queries = append(queries, unchainedLater)
	}
	for _, query := range queries {
		var rows []struct {
			Source string
			Ref    int64
		}
		if err := v.t.tx.SelectContext(ctx, &rows, query, mostFaults); err != nil {
			return err
		}
		for _, r := range rows {
			v.fault("%s %d stands beside the chain: it was added, or its event was removed", r.Source, r.Ref)
		}
	}
	return nil
}

func (v *verification) totals(ctx context.Context) error {
	if !v.report.Recount {
		return nil
	}
	var differ []TotalDifference
	if err := v.t.tx.SelectContext(ctx, &differ, recount, false, pq.Array(retiredCodes(v.retired))); err != nil {
		return err
	}
	for _, d := range differ {
		v.fault("results.area_total %s %s round %d: published %q, its rows give %q", d.Area, d.Contest, d.Round, d.Published, d.Counted)
	}
	return nil
}

// auditSeal is one seal over what came in.
type auditSeal struct {
	ID       int64
	Lo, Hi   time.Time
	Messages int
	Secret   int
	Digest   []byte
	Leaves   []byte
}
