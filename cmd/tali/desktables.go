package main

import (
	"context"
	"errors"

	"tali/cmd/tali/sheet"
	"tali/db"
	"tali/parser"
	"tali/web"
)

// deskTableSize is what the desk reads of one uploaded table.
const deskTableSize = 6 << 20

// deskTables reads tables that the staff upload as tali import does.
func deskTables(desk *db.DB, p *parser.Profile) web.Tables {
	return func(kind web.TableKind, name string, content []byte) (*web.Table, error) {
		columns := stationColumns()
		if kind == web.TableOfficers {
			columns = officerColumns()
		}
		t := &web.Table{}
		rows, problems, err := sheet.Parse(name, content, columns, sheet.Options{
			MaxBytes: deskTableSize, Ignored: func(headers []string) { t.Ignored = headers },
		})
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 && len(problems) == 0 {
			return nil, errors.New("no row below the header")
		}
		t.Rows = len(rows)
		for _, x := range problems {
			reason := x.Reason
			if x.Value != "" {
				reason = x.Value + " " + reason
			}
			t.Problems = append(t.Problems, db.RowError{Line: x.Line, Column: x.Column, Reason: reason})
		}
		t.Take = func(ctx context.Context, by db.Actor, mode db.ImportMode) (db.Imported, error) {
			if kind == web.TableOfficers {
				officers := officerRows(rows)
				if err := checkOfficers(ctx, desk, p, officers); err != nil {
					return db.Imported{}, err
				}
				return desk.TakeOfficers(ctx, by, p, officers, mode)
			}
			table, err := stationRows(rows)
			if err == nil {
				err = checkStations(p, table)
			}
			if err != nil {
				return db.Imported{}, err
			}
			return desk.TakeStations(ctx, by, p, table, mode)
		}
		return t, nil
	}
}
