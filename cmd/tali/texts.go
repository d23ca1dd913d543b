package main

import (
	"context"
	"encoding/json"
	"fmt"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// checkTexts refuses a profile with a reply that can be longer than one SMS, once
// the names of the registry (nil: none yet) stand in it.
func checkTexts(p *parser.Profile, r *verify.Registry) error {
	if err := verify.CheckTexts(p, r); err != nil {
		return fmt.Errorf("election profile %s: %w", p.ID, err)
	}
	return nil
}

// checkStations is checkTexts with stations that are not in the registry yet.
func checkStations(p *parser.Profile, table db.StationTable) error {
	names := make(map[string]string, len(table.Areas))
	for _, a := range table.Areas {
		names[a.Code] = a.Name
	}
	var r verify.Registry
	for _, s := range table.Stations {
		if village := names[s.Code[:10]]; village != "" {
			r.Stations = append(r.Stations, verify.Station{Code: s.Code, TPS: "00000000", Village: village, Number: stationNumber(s.Code)})
		}
	}
	return checkTexts(p, &r)
}

// checkOfficers is checkTexts with officers who are not in the registry yet: who
// has several stations is told all of their codes.
func checkOfficers(ctx context.Context, desk *db.DB, p *parser.Profile, rows []db.OfficerRow) error {
	r, err := desk.Registry(ctx, p)
	if err != nil {
		return err
	}
	known := make(map[string]verify.Station, 2*len(r.Stations))
	for _, s := range r.Stations {
		known[s.Code], known[s.TPS] = s, s
	}
	b := newRegistryBuilder()
	for _, row := range rows {
		if s, ok := known[row.Station]; ok { // the others are refused by name
			b.bind(row.Phone, row.Name, s)
		}
	}
	for _, o := range b.officers {
		r.Officers = append(r.Officers, *o)
	}
	return checkTexts(p, r)
}

// checkRegistry is checkTexts with what the gateway knows of the registry: that
// of the centre or, where err says that the centre is away, of the last snapshot.
func (d daemon) checkRegistry(ctx context.Context, r *verify.Registry, err error) error {
	if err == nil {
		return checkTexts(d.profile, r)
	}
	if d.gateway == nil {
		return nil
	}
	var last verify.Registry
	data, _, err := d.gateway.spool.Snapshot(ctx)
	if err != nil || json.Unmarshal(data, &last) != nil {
		return nil // none yet, or a damaged one: the gateway speaks of that itself
	}
	return checkTexts(d.profile, &last)
}
