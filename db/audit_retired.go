package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"

	"tali/verify"
)

const (
	auditRetirements = `
SELECT r.id, r.election::text AS election, e.code, r.archive, r.seals FROM audit.retirement r JOIN registry.election e ON e.id = r.election ORDER BY r.id`

	auditRetiredSeals = `SELECT seal, keys FROM audit.retired_seal WHERE retirement = $1 ORDER BY seal`

	auditRetiredKeys = `SELECT keys FROM audit.retired_seal WHERE seal = $1 ORDER BY retirement`

	// What is left of a message that was archived.
	auditStubs = `SELECT key::text FROM intake.message WHERE kind = 'retired' AND stored_at >= $1 AND stored_at < $2`

	// Nothing of these can be retired before there is a seal over codes.
	retirementSchema = 41
)

// retiredElection is one retirement while a chain is verified.
type retiredElection struct {
	ID       int
	Election string // its number
	Code     string
	Archive  string
	Seals    []byte
}

// retirements reads what was archived and taken away, and whether its lists of
// messages are those that the chain knows.
func (v *verification) retirements(ctx context.Context) error {
	if v.report.Schema < retirementSchema {
		return nil
	}
	if err := v.t.tx.SelectContext(ctx, &v.retired, auditRetirements); err != nil {
		return err
	}
	for _, r := range v.retired {
		digest := sha256.New()
		rows, err := v.t.tx.QueryxContext(ctx, auditRetiredSeals, r.ID)
		if err != nil {
			return err
		}
		err = scanAll(rows, func() error {
			var seal int64
			var keys []byte
			err := rows.Scan(&seal, &keys)
			_ = binary.Write(digest, binary.BigEndian, seal) // a hash takes everything
			digest.Write(keys)
			v.report.Archived += len(keys) / len(verify.Key{})
			return err
		})
		if err != nil {
			return err
		}
		if !bytes.Equal(digest.Sum(nil), r.Seals) {
			v.fault("retirement %d of %s: its list of messages was changed", r.ID, r.Code)
		}
	}
	return nil
}

// inArchive tells an event whose row can be computed no more because the entry
// it speaks of was archived.
func (v *verification) inArchive(e auditEvent) bool {
	election, _, _ := strings.Cut(e.Subject, "/")
	return e.Source == "tally.typed_entry" && slices.ContainsFunc(v.retired, func(r retiredElection) bool { return r.Election == election })
}

// retiredKeys are the messages of a seal that were archived.
func (v *verification) retiredKeys(ctx context.Context, seal int64) (map[verify.Key]bool, error) {
	if len(v.retired) == 0 {
		return nil, nil
	}
	var lists [][]byte
	if err := v.t.tx.SelectContext(ctx, &lists, auditRetiredKeys, seal); err != nil {
		return nil, err
	}
	out := make(map[verify.Key]bool)
	for _, keys := range lists {
		for chunk := range slices.Chunk(keys, len(verify.Key{})) {
			out[verify.Key(chunk)] = true
		}
	}
	return out, nil
}

// partlyRetired checks a seal of which some messages, or all, were archived: the
// others one by one, and of those that their key is still there.
func (v *verification) partlyRetired(ctx context.Context, s auditSeal, now []leaf, gone map[verify.Key]bool) error {
	var texts []string
	if err := v.t.tx.SelectContext(ctx, &texts, auditStubs, s.Lo, s.Hi); err != nil {
		return err
	}
	stubs := make(map[verify.Key]bool, len(texts))
	for _, text := range texts {
		k, err := parseKey(text)
		if err != nil {
			return err
		}
		stubs[k] = true
	}
	const size = len(verify.Key{}) + hint
	var kept []byte
	for chunk := range slices.Chunk(s.Leaves, size) {
		key := verify.Key(chunk[:len(verify.Key{})])
		if !gone[key] {
			kept = append(kept, chunk...)
			continue
		}
		if !stubs[key] {
			v.fault("message %s of %s was archived, and its key was taken away or the message brought back", keyText(key), s)
		}
	}
	left := slices.DeleteFunc(now, func(l leaf) bool { return gone[verify.Key(l.Message)] })
	v.nameTouched(s, touchedLeaves(kept, left))
	return nil
}
