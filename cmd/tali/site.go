package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"

	"tali/cmd/tali/gateway"
	"tali/configs"
	"tali/db"
	"tali/db/cluster"
	"tali/db/spool"
	"tali/gsm"
	"tali/parser"
)

// centreSite is the centre as one process sees it: the database and, when the
// operator named none, the private server under it.
type centreSite struct {
	server  *cluster.Server // nil with a DSN of the operator's
	gateway *db.DB          // as the role of gateways
	desk    *db.DB          // as the role of the desk
}

// openCentre reaches the database of the configuration. With a private server
// it also brings the schema up to date and opens the election; a DSN of the
// operator's may be out of reach for now: gateways spool until it answers.
func openCentre(ctx context.Context, cfg configs.Config, p *parser.Profile, log *slog.Logger) (*centreSite, error) {
	if dsn := cfg.Database.DSN; dsn != "" {
		return dialCentre(ctx, &centreSite{}, dsn, dsn, log)
	}
	server, err := cluster.Start(ctx, cluster.Options{Dir: filepath.Join(cfg.DataDir, "postgres"), Log: log})
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	c := &centreSite{server: server}
	if err := db.Migrate(ctx, server.DSN(cluster.Owner, cluster.Database)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c, err = dialCentre(ctx, c, server.DSN(cluster.Gateway, cluster.Database), server.DSN(cluster.Desk, cluster.Database), log)
	if err != nil {
		return nil, err
	}
	if _, err := c.desk.OpenElection(ctx, p); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func dialCentre(ctx context.Context, c *centreSite, gatewayDSN, deskDSN string, log *slog.Logger) (*centreSite, error) {
	var err error
	if c.gateway, err = db.Open(ctx, gatewayDSN, log); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if c.desk, err = db.Open(ctx, deskDSN, log); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close closes connections, then gives up the private server.
func (c *centreSite) Close() error {
	var errs []error
	if c.gateway != nil {
		errs = append(errs, c.gateway.Close())
	}
	if c.desk != nil {
		errs = append(errs, c.desk.Close())
	}
	if c.server != nil {
		errs = append(errs, c.server.Close())
	}
	return errors.Join(errs...)
}

// gatewaySite is a gateway with its spool.
type gatewaySite struct {
	*gateway.Gateway
	spool *spool.Spool
}

func openGateway(ctx context.Context, dataDir string, s gateway.Settings, c *db.DB, p *parser.Profile, log *slog.Logger) (*gatewaySite, error) {
	if err := os.MkdirAll(dataDir, 0o711); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	journal, err := openSpool(ctx, filepath.Join(dataDir, "spool", "spool.db"), s.PartsApart, log)
	if err != nil {
		return nil, err
	}
	g := gateway.New(s, gateway.Parts{Spool: journal, Centre: c, Profile: p, Log: log})
	return &gatewaySite{Gateway: g, spool: journal}, nil
}

// Close closes the spool, once Run has ended.
func (g *gatewaySite) Close() error { return g.spool.Close() }

// gatewaySettings passes the plain values on: no other package sees configs.
func gatewaySettings(cfg configs.Config) gateway.Settings {
	s := gateway.Settings{
		Name:         cfg.Gateway.Name,
		Version:      version,
		InterimAfter: cfg.Gateway.InterimAfter,
		PartsWindow:  cfg.Gateway.PartsWait,
		PartsApart:   cfg.Gateway.PartsApart,
		Retention:    cfg.Gateway.KeepDelivered,
		Pulse:        cfg.Gateway.Heartbeat,
		Balances:     make(map[string]gateway.BalanceQuery),
		Operators:    make(map[string]string),
		Reply: gateway.ReplySettings{
			Pace: cfg.Reply.Pace, PerNumberHour: cfg.Reply.PerNumberHour, Lease: cfg.Reply.Lease,
			PerHour: cfg.Reply.PerHour, Budget: cfg.Reply.Budget,
		},
		Alarm: gateway.AlarmSettings{
			Phones: cfg.Alarm.Numbers(), After: cfg.Alarm.After, Clear: cfg.Alarm.Clear, Balance: cfg.Alarm.Balance,
		},
	}
	sims := gsm.NewSIMs()
	for _, m := range cfg.Gateway.Modems {
		s.Operators[m.Name] = m.Operator
		s.Balances[m.Name] = balanceQuery(m)
		s.Modems = append(s.Modems, gsm.Settings{
			Name: m.Name, Device: m.Device, Baud: m.Baud, PIN: m.PIN, Store: m.Store, Number: m.Number,
			Reports: cfg.Reply.Reports == "on",
			IMEI:    m.IMEI, IMSI: m.IMSI, ICCID: m.ICCID, SIMs: sims, ResetPort: gsm.ResetUSB,
			SweepInterval: cfg.Gateway.SweepInterval,
			StateDir:      filepath.Join(cfg.DataDir, "modems"),
		})
	}
	return s
}

// balanceQuery is how the credit of a modem's SIM is asked for. Its pattern has
// been validated.
func balanceQuery(m configs.Modem) gateway.BalanceQuery {
	q := gateway.BalanceQuery{Code: m.USSDBalance}
	if m.BalancePattern != "" {
		q.Pattern = regexp.MustCompile(m.BalancePattern)
	}
	return q
}

// newLog is the daemon's log on standard error.
func newLog(cfg configs.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
