package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"tali/verify"
)

const (
	auditSeals = `
SELECT id, lo, hi, messages, secret, digest, leaves FROM audit.seal WHERE id > $1 ORDER BY id LIMIT 10`

	auditLeaves = `SELECT message, digest FROM audit.leaves($1, $2, $3) ORDER BY message`

	// Before the mark everything is sealed; the windows are without overlap.
	unsealed = `
SELECT m.key::text FROM intake.message m, audit.mark k
WHERE m.stored_at < k.until AND NOT EXISTS (SELECT FROM (
    SELECT hi FROM audit.seal s WHERE s.lo <= m.stored_at ORDER BY s.lo DESC LIMIT 1) AS s WHERE m.stored_at < s.hi)
LIMIT $1`
)

// hint is the part of a message's digest that a seal keeps beside its key.
const hint = 8

// leaf is a message under a seal.
type leaf struct {
	Message []byte
	Digest  []byte
}

// seals computes every seal again from what is there now.
func (v *verification) seals(ctx context.Context) error {
	for at := int64(0); ; {
		var page []auditSeal
		if err := v.t.tx.SelectContext(ctx, &page, auditSeals, at); err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, s := range page {
			if err := v.seal(ctx, s); err != nil {
				return err
			}
			at = s.ID
			v.step(s.Messages)
		}
	}
	var keys []string
	if err := v.t.tx.SelectContext(ctx, &keys, unsealed, mostFaults); err != nil {
		return err
	}
	for _, k := range keys {
		v.fault("message %s was added after its time was sealed, or its time was changed", k)
	}
	return nil
}

func (v *verification) seal(ctx context.Context, s auditSeal) error {
	var now []leaf
	rows, err := v.t.tx.QueryxContext(ctx, auditLeaves, s.Lo, s.Hi, s.Secret)
	if err != nil {
		return err
	}
	digest := sha256.New()
	err = scanAll(rows, func() error {
		var key string
		var l leaf
		if err := rows.Scan(&key, &l.Digest); err != nil {
			return err
		}
		k, err := parseKey(key)
		l.Message = k[:]
		digest.Write(l.Digest)
		now = append(now, l)
		return err
	})
	if err != nil {
		return err
	}
	if len(now) == s.Messages && bytes.Equal(digest.Sum(nil), s.Digest) {
		return nil
	}
	gone, err := v.retiredKeys(ctx, s.ID)
	if err != nil {
		return err
	}
	if len(gone) > 0 {
		return v.partlyRetired(ctx, s, now, gone)
	}
	v.touched(s, now)
	return nil
}

// touched names what a seal and its messages disagree about.
func (v *verification) touched(s auditSeal, now []leaf) {
	found := len(v.report.Faults)
	v.nameTouched(s, touchedLeaves(s.Leaves, now))
	if len(v.report.Faults) == found {
		v.fault("%s was changed itself", s)
	}
}

func (v *verification) nameTouched(s auditSeal, all []touch) {
	for _, t := range all {
		switch t.how {
		case "added":
			v.fault("message %s was added to %s", keyText(t.key), s)
		case "removed":
			v.fault("message %s of %s was removed", keyText(t.key), s)
		default:
			v.fault("message %s of %s was changed: it, its verdict or its entry", keyText(t.key), s)
		}
	}
}

func (s auditSeal) String() string {
	return fmt.Sprintf("seal %d (%s to %s)", s.ID, s.Lo.UTC().Format("2006-01-02 15:04:05Z"), s.Hi.UTC().Format("15:04:05Z"))
}

// keyText is a key as the tables show it.
func keyText(k verify.Key) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", k[:4], k[4:6], k[6:8], k[8:10], k[10:])
}
