package db

import (
	"bytes"
	"context"
	"crypto/sha256"

	"tali/verify"
)

const (
	auditCodeSeals = `SELECT seal, messages, digest, leaves FROM audit.code_seal ORDER BY seal`

	auditCodeLeaves = `SELECT coalesce(seal, 0) AS seal, message::text, coalesce(digest, '') AS digest FROM audit.code_leaves()`
)

// codeSeal is what the messages of one seal brought of authenticity codes.
type codeSeal struct {
	Seal     int64
	Messages int
	Digest   []byte
	Leaves   []byte
}

// codes holds the rows of authenticity codes against their seals.
func (v *verification) codes(ctx context.Context) error {
	if v.report.Schema < retirementSchema {
		return nil
	}
	var seals []codeSeal
	if err := v.t.tx.SelectContext(ctx, &seals, auditCodeSeals); err != nil {
		return err
	}
	now := make(map[int64][]leaf)
	rows, err := v.t.tx.QueryxContext(ctx, auditCodeLeaves)
	if err != nil {
		return err
	}
	err = scanAll(rows, func() error {
		var seal int64
		var key string
		var l leaf
		if err := rows.Scan(&seal, &key, &l.Digest); err != nil {
			return err
		}
		k, err := parseKey(key)
		l.Message = k[:]
		now[seal] = append(now[seal], l)
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range seals {
		v.codeSeal(s, now[s.Seal])
		delete(now, s.Seal)
	}
	for _, stray := range now {
		for _, l := range stray {
			v.fault("codes of message %s were added: the seal of its time knows of none", keyText(verify.Key(l.Message)))
		}
	}
	return nil
}

func (v *verification) codeSeal(s codeSeal, now []leaf) {
	digest := sha256.New()
	for _, l := range now {
		digest.Write(l.Digest)
	}
	if len(now) == s.Messages && bytes.Equal(digest.Sum(nil), s.Digest) {
		return
	}
	found := len(v.report.Faults)
	for _, t := range touchedLeaves(s.Leaves, now) {
		v.fault("codes of message %s were %s (seal %d)", keyText(t.key), t.how, s.Seal)
	}
	if len(v.report.Faults) == found {
		v.fault("the seal over the codes of seal %d was changed itself", s.Seal)
	}
}

// touch is one message about which a seal and the rows disagree.
type touch struct {
	key verify.Key
	how string // removed, changed or added
}

// touchedLeaves compares what a seal keeps of its messages with what is there.
func touchedLeaves(kept []byte, now []leaf) (out []touch) {
	present := make(map[verify.Key][]byte, len(now))
	for _, l := range now {
		present[verify.Key(l.Message)] = l.Digest
	}
	for rest := kept; len(rest) >= len(verify.Key{})+hint; rest = rest[len(verify.Key{})+hint:] {
		key := verify.Key(rest[:len(verify.Key{})])
		digest, there := present[key]
		switch {
		case !there:
			out = append(out, touch{key, "removed"})
		case !bytes.Equal(digest[:hint], rest[len(key):len(key)+hint]):
			out = append(out, touch{key, "changed"})
		}
		delete(present, key)
	}
	for _, l := range now { // in their order
		if _, left := present[verify.Key(l.Message)]; left {
			out = append(out, touch{verify.Key(l.Message), "added"})
		}
	}
	return out
}
