package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tali/cmd/tali/officers"
	"tali/configs"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/parser"
	"tali/verify"
)

// demoProfile is the shipped Pilkada as a rehearsal that is always open, under an
// election id of its own.
func demoProfile() (*parser.Profile, error) {
	p, err := configs.LoadProfile("pilkada-2024-bolmut")
	if err != nil {
		return nil, err
	}
	q := *p
	q.ID, q.Digest, q.Phase = demoPrefix+p.ID, demoPrefix+p.Digest, parser.PhaseRehearsal
	q.Opens = time.Date(2024, 1, 1, 0, 0, 0, 0, p.Zone)
	q.Closes = time.Date(2100, 1, 1, 0, 0, 0, 0, p.Zone)
	return parser.NewProfile(q)
}

// fillDemo imports the shipped tables; on a second start nothing changes.
func fillDemo(ctx context.Context, c *centreSite, p *parser.Profile) (*verify.Registry, error) {
	stations, people, err := demoTables()
	if err != nil {
		return nil, err
	}
	to := importTarget{desk: c.desk, profile: p}
	if _, err := importStations(ctx, to, stations); err != nil {
		return nil, err
	}
	if _, err := importOfficers(ctx, to, people); err != nil {
		return nil, err
	}
	r, err := c.desk.Registry(ctx, p)
	if err != nil {
		return nil, err
	}
	return r, checkTexts(p, r)
}

func demoModems(dir string) (*modemsim.Network, []gsm.Settings, error) {
	devices := filepath.Join(dir, "devices")
	if err := os.MkdirAll(devices, 0o700); err != nil {
		return nil, nil, fmt.Errorf("demo devices: %w", err)
	}
	network := modemsim.NewNetwork(demoSeed)
	var settings []gsm.Settings
	for i, number := range demoNumbers() {
		m, err := network.AddModem(modemsim.Options{Number: number, Dir: devices, Slots: 30})
		if err != nil {
			return nil, nil, errors.Join(err, network.Close())
		}
		settings = append(settings, gsm.Settings{
			Name: fmt.Sprintf("modem%d", i+1), Device: m.Device(), Number: number,
			SweepInterval: 30 * time.Second, StateDir: filepath.Join(dir, "modems"),
		})
	}
	return network, settings, nil
}

// demoPlay gives every ballot that has no report yet to an officer.
func demoPlay(ctx context.Context, c *centreSite, p *parser.Profile, r *verify.Registry, n *modemsim.Network) (*officers.Play, error) {
	reported, err := c.desk.Reported(ctx, p)
	if err != nil {
		return nil, err
	}
	play := &officers.Play{Network: n, Numbers: demoNumbers(), Seed: demoSeed}
	taken := make(map[verify.CaseKey]bool)
	for _, officer := range r.Officers {
		for _, s := range officer.Stations {
			for _, b := range p.Ballots {
				key := verify.CaseKey{Station: s.Code, Ballot: b.Keyword}
				if reported[key] || taken[key] {
					continue
				}
				taken[key] = true
				play.Assignments = append(play.Assignments, officers.Assignment{
					Station: s.Code, TPS: parser.TPSCode(s.TPS), Voters: s.Voters, Phone: officer.Phone, Ballot: b,
				})
			}
		}
	}
	return play, nil
}
