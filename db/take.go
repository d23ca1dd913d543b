package db

import (
	"context"
	"errors"
	"fmt"

	"tali/parser"
)

// ImportMode says whether an import from the desk is kept.
type ImportMode int

// The modes of an import.
const (
	ImportPreview ImportMode = iota // counted, every bad row named, nothing kept
	ImportStore
)

// errPreview ends the transaction of a preview.
var errPreview = errors.New("only a preview")

// TakeStations imports a table of stations from the desk, with the villages that
// it brings along.
func (d *DB) TakeStations(ctx context.Context, by Actor, p *parser.Profile, t StationTable, mode ImportMode) (Imported, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return Imported{}, fmt.Errorf("importing stations: %w", err)
	}
	codes, err := stationCodes(p, t.Stations)
	if err != nil {
		return Imported{}, err
	}
	s := stationImport{election: row.Election, regency: p.Regency, rows: t.Stations, codes: codes}
	err = d.take(ctx, row.Election, mode, func(x *transaction) error {
		if _, err := x.upsertAreas(ctx, t.Areas); err != nil {
			return err
		}
		if err := s.run(ctx, x, nil); err != nil {
			return err
		}
		return x.record(ctx, importEvent(by, "stations", s.counts))
	})
	return s.counts, err
}

// StationTable is a table of stations with the areas that it tells of.
type StationTable struct {
	Areas    []AreaRow
	Stations []StationRow
}

// TakeOfficers imports a table of officers from the desk. Unlike ImportOfficers
// it changes no phone of an officer who is known.
func (d *DB) TakeOfficers(ctx context.Context, by Actor, p *parser.Profile, rows []OfficerRow, mode ImportMode) (Imported, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return Imported{}, fmt.Errorf("importing officers: %w", err)
	}
	o := officerImport{election: row.Election, regency: p.Regency, rows: rows, keep: true}
	err = d.take(ctx, row.Election, mode, func(x *transaction) error {
		if err := o.run(ctx, x, nil); err != nil {
			return err
		}
		return x.record(ctx, importEvent(by, "officers", o.counts))
	})
	return o.counts, err
}

func importEvent(by Actor, what string, n Imported) Event {
	return Event{Actor: by, Kind: EventImported, Subject: what, Detail: fmt.Sprintf("%d new, %d changed, %d same", n.New, n.Changed, n.Same)}
}

func (d *DB) take(ctx context.Context, election int16, mode ImportMode, do func(*transaction) error) error {
	err := d.importInto(ctx, election, func(t *transaction) error {
		if err := do(t); err != nil {
			return err
		}
		if mode == ImportPreview {
			return errPreview
		}
		return nil
	})
	if errors.Is(err, errPreview) {
		return nil
	}
	return err
}
