package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tali/cmd/tali/gateway"
	"tali/cmd/tali/officers"
	"tali/configs"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/parser"
	"tali/verify"
	"tali/web"
)

// Demo numbers are invented: 899 with so many zeros is not assigned.
var demoNumbers = []string{"+6289900009001", "+6289900009002", "+6289900009003", "+6289900009004"}

const (
	demoSeed   = 7108
	demoMarker = "DEMO" // file that keeps serve away from invented data
	demoPrefix = "demo-"
)

func newDemo() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Play an election night on this machine, without a modem",
		Long: `demo starts everything here and nowhere else: a private PostgreSQL, the villages
of Bolaang Mongondow Utara with 159 invented stations, four virtual modems on
pseudo-terminals, officers who text real SMS and make mistakes, the gateway that
reads and answers them, and a live page. It ignores database.dsn, runs in the
rehearsal phase, and keeps its data in a directory of its own: a second start
goes on where the first ended. Ctrl-C ends it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.out = cmd.OutOrStdout()
			return demo(cmd.Context(), o)
		},
	}
	c.Flags().StringVar(&o.dir, "dir", filepath.Join(configs.Default().DataDir, "demo"), "directory of the demo's data")
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8080", "address of the page; another port is taken when it is in use")
	c.Flags().DurationVar(&o.every, "every", time.Second, "time between two officers who begin to report")
	c.Flags().StringVar(&o.log, "log", "warn", "level of the daemon's log: debug, info, warn, error")
	return c
}

type demoOptions struct {
	dir, listen, log string
	every            time.Duration
	out              io.Writer
}

func demo(ctx context.Context, o demoOptions) (err error) {
	cfg := configs.Default()
	cfg.DataDir, cfg.Database.DSN, cfg.Log.Level = o.dir, "", o.log
	log := newLog(cfg.Log)
	profile, err := demoProfile()
	if err != nil {
		return err
	}
	if err := markDemo(o.dir); err != nil {
		return err
	}
	fmt.Fprintln(o.out, "tali demo: starting PostgreSQL in", o.dir)
	centre, err := openCentre(ctx, cfg, profile, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, centre.Close()) }()
	registry, err := fillDemo(ctx, centre, profile)
	if err != nil {
		return err
	}
	network, modems, err := demoModems(o.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, network.Close()) }()
	play, err := demoPlay(ctx, centre, profile, registry, network)
	if err != nil {
		return err
	}
	play.Every, play.Patience = o.every, 3*o.every
	return runDemo(ctx, o, cfg, demoParts{centre, profile, modems, play, log})
}

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

func markDemo(dir string) error {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return fmt.Errorf("demo directory: %w", err)
	}
	text := "Everything in this directory is invented. tali serve refuses it.\n"
	if err := os.WriteFile(filepath.Join(dir, demoMarker), []byte(text), 0o644); err != nil {
		return fmt.Errorf("marking %s as a demo: %w", dir, err)
	}
	return nil
}

// refuseDemo keeps real elections and invented data apart.
func refuseDemo(dataDir string) error {
	_, err := os.Stat(filepath.Join(dataDir, demoMarker))
	switch {
	case err == nil:
		return fmt.Errorf("data_dir %s holds the data of a demo: choose another directory", dataDir)
	case errors.Is(err, os.ErrNotExist):
		return nil
	}
	return fmt.Errorf("data_dir: %w", err)
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
	return c.desk.Registry(ctx, p)
}

func demoModems(dir string) (*modemsim.Network, []gsm.Settings, error) {
	devices := filepath.Join(dir, "devices")
	if err := os.MkdirAll(devices, 0o700); err != nil {
		return nil, nil, fmt.Errorf("demo devices: %w", err)
	}
	network := modemsim.NewNetwork(demoSeed)
	var settings []gsm.Settings
	for i, number := range demoNumbers {
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
	play := &officers.Play{Network: n, Numbers: demoNumbers, Seed: demoSeed}
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

type demoParts struct {
	centre  *centreSite
	profile *parser.Profile
	modems  []gsm.Settings
	play    *officers.Play
	log     *slog.Logger
}

func runDemo(ctx context.Context, o demoOptions, cfg configs.Config, d demoParts) error {
	settings := gatewaySettings(cfg)
	settings.Name, settings.Modems = "demo", d.modems
	settings.Reply = gateway.ReplySettings{Pace: o.every / 2, PerNumberHour: 100, Lease: time.Minute}
	site, err := openGatewayWith(ctx, cfg.DataDir, settings, d.centre.gateway, d.profile, d.log)
	if err != nil {
		return err
	}
	listener, err := listenNear(o.listen)
	if err != nil {
		return errors.Join(err, site.Close())
	}
	fmt.Fprintf(o.out, `tali demo: an invented election night in Bolaang Mongondow Utara
  page     http://%s
  data     %s (delete it to begin anew)
  modems   4 virtual ones, numbers %s ...
  reports  %d to come, one about every %s; one in three has a mistake
Ctrl-C ends it.
`, listener.Addr(), o.dir, demoNumbers[0], len(d.play.Assignments), o.every)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return errors.Join(site.Run(ctx), site.Close()) })
	group.Go(func() error {
		return serveHTTP(ctx, listener, web.New(web.Parts{Centre: d.centre.desk, Profile: d.profile, Log: d.log}), configs.Desk{})
	})
	group.Go(func() error {
		if err := d.play.Run(ctx); err != nil {
			return err
		}
		fmt.Fprintln(o.out, "tali demo: every officer has reported; the page stays up until Ctrl-C")
		return nil
	})
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	fmt.Fprintln(o.out, "tali demo: ended; start it again to go on with this data")
	return nil
}

// listenNear listens at the address, or at a free port of the same host.
func listenNear(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err == nil {
		return listener, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, fmt.Errorf("--listen %s: write host:port: %w", address, splitErr)
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}
