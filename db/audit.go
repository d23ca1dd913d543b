package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// chainBatch bounds one step of the chain.
const chainBatch = 500

const (
	extendChain = `SELECT audit.extend($1)`

	sealIntake = `SELECT audit.seal_intake()`

	auditHead = `SELECT seq, at, encode(hash, 'hex') AS hash FROM audit.event ORDER BY seq DESC LIMIT 1`
)

// ExtendChain appends a batch of what people did to the audit chain and tells
// how much; 0 says that nothing waits, or that another process is at it.
func (d *DB) ExtendChain(ctx context.Context) (n int, err error) {
	err = d.cold.within(ctx, func(t *transaction) error {
		return t.tx.GetContext(ctx, &n, extendChain, chainBatch)
	})
	if err != nil {
		return 0, fmt.Errorf("extending the audit chain: %w", err)
	}
	return n, nil
}

// SealIntake puts some seconds of what came in under one digest and tells how
// many messages; 0 says that nothing is old enough yet. ExtendChain brings the
// seal into the chain.
func (d *DB) SealIntake(ctx context.Context) (n int, err error) {
	err = d.cold.within(ctx, func(t *transaction) error {
		return t.tx.GetContext(ctx, &n, sealIntake)
	})
	if err != nil {
		return 0, fmt.Errorf("sealing the intake: %w", err)
	}
	return n, nil
}

// AuditHead is the end of the chain: its hash covers everything before it.
type AuditHead struct {
	Seq  int64
	At   time.Time
	Hash string // 64 hex digits
}

// AuditHead is the end of the chain now; zero when the chain is empty.
func (d *DB) AuditHead(ctx context.Context) (AuditHead, error) {
	var h AuditHead
	err := d.get(ctx, &h, auditHead)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return h, fmt.Errorf("reading the head of the audit chain: %w", err)
	}
	return h, nil
}

// auditEvent is one link of the chain, and its row's digest as it is now.
type auditEvent struct {
	Seq     int64
	At      time.Time
	Source  string
	Ref     int64
	Kind    string
	Actor   string
	Subject string
	Secret  int
	Content []byte
	Hash    []byte
	Now     []byte // nil: the row is gone
}

// String names the event as the staff and the printed record do.
func (e auditEvent) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "event %d (%s %d, %s", e.Seq, e.Source, e.Ref, e.Kind)
	if e.Actor != "" {
		fmt.Fprintf(&b, " by %s", e.Actor)
	}
	if e.Subject != "" {
		fmt.Fprintf(&b, " on %s", e.Subject)
	}
	fmt.Fprintf(&b, ", %s)", e.At.UTC().Format("2006-01-02 15:04:05Z"))
	return b.String()
}

// auditTime is how a moment stands in what is hashed.
const auditTime = "2006-01-02T15:04:05.000000Z"

// link is the hash of the event as it must be behind another: what the centre's
// function audit.extend computes, written a second time so that a change of
// either shows.
func (e auditEvent) link(before []byte) []byte {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		"tali-audit-1", strconv.FormatInt(e.Seq, 10), e.At.UTC().Format(auditTime), e.Source, strconv.FormatInt(e.Ref, 10),
		e.Kind, e.Actor, e.Subject, strconv.Itoa(e.Secret), hex.EncodeToString(e.Content), hex.EncodeToString(before),
	}, "\n")))
	return sum[:]
}
