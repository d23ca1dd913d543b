package spool

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrStale: the group changed since Groups read it; read it again.
var ErrStale = errors.New("group of parts has changed")

// GroupPart is one kept part of a long SMS.
type GroupPart struct {
	Key            [32]byte
	Seq            int
	Hex, Text      string
	ReadAt, SentAt time.Time
}

// Group is the set of kept parts of one long SMS: of one sender to one SIM,
// with the same reference, width and total, read within the window.
type Group struct {
	Modem, IMSI, Sender string
	Ref, Width, Total   int
	Parts               []GroupPart // in order of Seq, each Seq at most once
	Complete            bool
	Reported            bool      // some of the parts went out in an incomplete message already
	First, Last         time.Time // when the first and the last part were read
	fresh               bool      // a part is in no message yet
}

// bucket is what parts of one long SMS have in common.
type bucket struct {
	imsi, sender       string
	ref, width, number int
}

// Only buckets with a part that is in no message are looked at: what was
// reported as incomplete waits, at no cost, for a late part to open it again.
const selectParts = `WITH fresh AS (
		SELECT DISTINCT imsi, sender, ref, width, total FROM part INDEXED BY part_open WHERE use = 'open')
	SELECT p.key, p.modem, p.imsi, p.hex, p.read_at, p.sender, p.text, p.sent_at, p.ref, p.width, p.total, p.seq, p.use
	FROM fresh f CROSS JOIN part p INDEXED BY part_bucket
		ON p.imsi = f.imsi AND p.sender = f.sender AND p.ref = f.ref AND p.width = f.width AND p.total = f.total
	WHERE p.use IN ('open', 'reported') ORDER BY p.id`

// Groups returns the parts that are not yet in a message, grouped, the oldest
// group first; a group that was reported as incomplete comes again only when a
// part has joined it since.
//
// Two long SMS of one sender that share a reference are kept apart: a part
// joins no group whose first part was read further away than the window, and
// none that has its Seq already. Where it could join several, the nearest in
// the SMSC's time takes it, then the oldest. The same part sent again (equal
// text, another time stamp) is a copy and opens nothing.
func (s *Spool) Groups(ctx context.Context) ([]Group, error) {
	var all []*Group
	open := map[bucket][]*Group{}
	err := s.reader.each(ctx, selectParts, nil, func(rows *sql.Rows) error {
		g, fresh, err := scanPart(rows)
		if err != nil {
			return err
		}
		b := bucket{g.IMSI, g.Sender, g.Ref, g.Width, g.Total}
		home := nearest(open[b], g.Parts[0], s.window)
		if home == nil {
			home = g
			open[b] = append(open[b], home)
			all = append(all, home)
		} else {
			home.add(g.Parts[0])
		}
		home.fresh = home.fresh || fresh
		home.Reported = home.Reported || !fresh
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("grouping parts: %w", err)
	}
	var out []Group
	for _, g := range all {
		if g.fresh {
			g.Complete = len(g.Parts) == g.Total
			out = append(out, *g)
		}
	}
	return out, nil
}

// scanPart reads one row as a group of one part.
func scanPart(rows *sql.Rows) (*Group, bool, error) {
	var (
		g              Group
		p              GroupPart
		key            sql.RawBytes
		readAt, sentAt int64
		use            string
	)
	if err := rows.Scan(&key, &g.Modem, &g.IMSI, &p.Hex, &readAt, &g.Sender, &p.Text, &sentAt,
		&g.Ref, &g.Width, &g.Total, &p.Seq, &use); err != nil {
		return nil, false, err
	}
	copy(p.Key[:], key)
	p.ReadAt, p.SentAt = moment(readAt), moment(sentAt)
	g.First, g.Last = p.ReadAt, p.ReadAt
	g.Parts = []GroupPart{p}
	return &g, use == "open", nil
}

// nearest picks the group that p belongs to, nil for none.
func nearest(groups []*Group, p GroupPart, window time.Duration) *Group {
	var best *Group
	var gap time.Duration
	for _, g := range groups {
		if !g.takes(p, window) {
			continue
		}
		// Distance in SMSC time only breaks a tie: a stamp may be missing or wrong.
		d := g.Parts[0].SentAt.Sub(p.SentAt).Abs()
		if p.SentAt.IsZero() || g.Parts[0].SentAt.IsZero() {
			d = 1<<63 - 1
		}
		if best == nil || d < gap {
			best, gap = g, d
		}
	}
	return best
}

func (g *Group) takes(p GroupPart, window time.Duration) bool {
	if p.ReadAt.Sub(g.First).Abs() > window {
		return false
	}
	return !slices.ContainsFunc(g.Parts, func(q GroupPart) bool { return q.Seq == p.Seq })
}

func (g *Group) add(p GroupPart) {
	i, _ := slices.BinarySearchFunc(g.Parts, p.Seq, func(q GroupPart, seq int) int { return q.Seq - seq })
	g.Parts = slices.Insert(g.Parts, i, p)
	if p.ReadAt.Before(g.First) {
		g.First = p.ReadAt
	}
	if p.ReadAt.After(g.Last) {
		g.Last = p.ReadAt
	}
}

// Key is the key that a message of these parts has: the first 16 bytes of the
// SHA-256 over the ordered part keys.
func (g *Group) Key() [16]byte {
	h := sha256.New()
	for i := range g.Parts {
		h.Write(g.Parts[i].Key[:])
	}
	return [16]byte(h.Sum(nil)[:16])
}

const (
	usePart      = `UPDATE part SET use = ?2 WHERE key = ?1 AND use IN ('open', 'reported')`
	insertJoined = `INSERT INTO message (key, kind, parts, modem, imsi, hex, sender, text, reason, sent_at, received_at, last_seen)
		VALUES (?1, ?2, ?3, ?4, ?5, '', ?6, ?7, '', ?8, ?9, ?9)`
	addPart = `INSERT INTO joined (message, pos, part) SELECT ?1, ?2, id FROM part WHERE key = ?3`
	hasKey  = `SELECT 1 FROM message WHERE key = ?1`
)

// AddJoined turns a group into a message, in one transaction. With
// MessageIncomplete the parts stay eligible, so that a late one still completes
// the whole, which then gets a key of its own; with any other kind the group
// must be complete and its parts are used up. Adding the same group again
// changes nothing; one whose parts went elsewhere is ErrStale.
func (s *Spool) AddJoined(ctx context.Context, g Group, kind MessageKind, text string) error {
	use := "joined"
	if kind == MessageIncomplete {
		use = "reported"
	}
	if len(g.Parts) == 0 || (use == "joined" && len(g.Parts) != g.Total) {
		return fmt.Errorf("joining %d of %d parts as %s: not complete", len(g.Parts), g.Total, kind)
	}
	err := s.writer.commit(ctx, func(tx *txn) error { return g.join(tx, kind, use, text) })
	if err != nil {
		return fmt.Errorf("joining %d of %d parts: %w", len(g.Parts), g.Total, err)
	}
	return nil
}

func (g *Group) join(tx *txn, kind MessageKind, use, text string) error {
	key := g.Key()
	var found int
	if err := tx.row(hasKey, []any{key[:]}, []any{&found}); !errors.Is(err, sql.ErrNoRows) {
		return err // nil: the same parts are a message already
	}
	for i := range g.Parts {
		switch n, err := tx.changed(usePart, g.Parts[i].Key[:], use); {
		case err != nil:
			return err
		case n == 0:
			return ErrStale
		}
	}
	res, err := tx.exec(insertJoined, key[:], string(kind), len(g.Parts), g.Modem, g.IMSI, g.Sender, text,
		nanos(g.Parts[0].SentAt), nanos(g.Last))
	if err != nil {
		return err
	}
	seq, err := res.LastInsertId()
	for i := 0; i < len(g.Parts) && err == nil; i++ {
		_, err = tx.exec(addPart, seq, i, g.Parts[i].Key[:])
	}
	return err
}
