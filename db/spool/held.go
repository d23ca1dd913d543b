package spool

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// Held is an SMS that was kept while it lay in a modem's own memory, and that
// no later listing of that memory has missed. When the SIM is changed it is read
// again, as if the new SIM had received it.
type Held struct {
	IMSI  string // of the SIM under which it was kept
	Store string // "ME", or "MT": the modem's memory and the SIM's together
	Slot  int
	Hex   string
}

const (
	holdPDU = `INSERT INTO held (modem, hex, imsi, store, slot, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (modem, hex) DO UPDATE SET imsi = excluded.imsi, store = excluded.store, slot = excluded.slot, at = excluded.at`
	selectHeld = `SELECT imsi, store, slot, hex FROM held WHERE modem = ?1 AND imsi <> ?2`
	anyGone    = `SELECT 1 FROM held WHERE modem = ?1 AND store = ?2 AND hex NOT IN (SELECT value FROM json_each(?3)) LIMIT 1`
	forgetGone = `DELETE FROM held WHERE modem = ?1 AND store = ?2 AND hex NOT IN (SELECT value FROM json_each(?3))`
	pruneHeld  = `DELETE FROM held WHERE at < ?1`
)

// HeldOfOthers returns what a modem's own memory holds that was kept under
// another SIM than the one that is in now.
func (s *Spool) HeldOfOthers(ctx context.Context, modem, imsi string) ([]Held, error) {
	var out []Held
	err := s.reader.each(ctx, selectHeld, []any{modem, imsi}, func(rows *sql.Rows) error {
		var h Held
		err := rows.Scan(&h.IMSI, &h.Store, &h.Slot, &h.Hex)
		out = append(out, h)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what modem %s holds: %w", modem, err)
	}
	return out, nil
}

// Listed learns the whole content of a modem's own memory: what was kept from
// there and is not in it any more is gone, and the same octets would be another
// SMS from now on.
func (s *Spool) Listed(ctx context.Context, modem, store string, hexes []string) error {
	present, err := json.Marshal(append([]string{}, hexes...))
	if err != nil {
		return fmt.Errorf("noting what modem %s holds: %w", modem, err)
	}
	var found int
	gone, err := s.reader.one(ctx, anyGone, []any{modem, store, string(present)}, []any{&found})
	if err == nil && gone {
		err = s.writer.commit(ctx, func(tx *txn) error {
			_, err := tx.exec(forgetGone, modem, store, string(present))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("noting what modem %s holds: %w", modem, err)
	}
	return nil
}

// hold remembers where a PDU lies that a change of the SIM leaves where it is.
func (p *PDU) hold(tx *txn) error {
	if p.Store != "ME" && p.Store != "MT" {
		return nil
	}
	_, err := tx.exec(holdPDU, p.Modem, p.Hex, p.IMSI, p.Store, p.Slot, nanos(p.ReadAt))
	return err
}
