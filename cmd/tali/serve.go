package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tali/cmd/tali/gateway"
	"tali/configs"
	"tali/db"
	"tali/db/spool"
	"tali/feed"
	"tali/parser"
	"tali/web"
)

// The parts of the daemon that --only names.
const (
	onlyGateway = "gateway"
	onlyDesk    = "desk"
	onlyFeed    = "feed"
)

// wanted reports whether a part of the daemon is to run.
func wanted(only, part string) bool { return only == "" || only == part }

func newServe() *cobra.Command {
	var config, only string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon: modems, checks, answers, and the page for the staff",
		Long: `serve reads the configured modems, keeps every SMS in a durable spool, checks it,
writes it to the central database and answers the officer. It stays up when a
modem or the database is away, and catches up when they are back.

Before the first start:

  tali config example > /etc/tali/tali.yaml     then name the modems in it
  tali import stations tps.csv --config ...     who may report for what
  tali import officers petugas.csv --config ...

SIGTERM or Ctrl-C stops it in order. Log lines go to standard error.`,
		Example: `  tali config check /etc/tali/tali.yaml
  tali serve --config /etc/tali/tali.yaml
  tali serve --config /etc/tali/tali.yaml --only gateway
  tali serve --config /etc/tali/tali.yaml --only feed`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if only != "" && only != onlyGateway && only != onlyDesk && only != onlyFeed {
				return fmt.Errorf("--only %q: write gateway, desk or feed", only)
			}
			cfg, profile, err := loadConfig(config)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, profile, only)
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file (default: built-in values and TALI_... variables)")
	c.Flags().StringVar(&only, "only", "", "run one part alone: gateway, desk or feed")
	return c
}

// loadConfig reads everything an operator wrote before anything is opened.
func loadConfig(path string) (configs.Config, *parser.Profile, error) {
	cfg, err := configs.Load(path)
	if err != nil {
		return cfg, nil, err
	}
	profile, err := cfg.Profile()
	if err == nil {
		err = checkTexts(profile, nil)
	}
	return cfg, profile, err
}

// serve opens what can be refused first: nothing reaches a modem or a database
// while the page's address or certificate is wrong.
func serve(ctx context.Context, cfg configs.Config, p *parser.Profile, only string) (err error) {
	log := newLog(cfg.Log)
	if wanted(only, onlyGateway) && len(cfg.Gateway.Modems) == 0 {
		return errors.New("gateway.modems is empty: name at least one modem, or run with --only desk; \"tali demo\" needs none")
	}
	if err := refuseDemo(cfg.DataDir); err != nil {
		return err
	}
	d := daemon{cfg: cfg, profile: p, log: log}
	var key []byte
	if wanted(only, onlyGateway) {
		if key, err = gatewayKey(cfg.Auth, p); err != nil {
			return err
		}
	}
	defer d.closePorts() // what serves closes them too
	if err = d.openPorts(only); err != nil {
		return err
	}
	if only == onlyFeed && cfg.Feed.DSN != "" {
		cfg.Database.DSN = cfg.Feed.DSN // no private server for a feed of another one
	}
	if d.centre, err = openCentre(ctx, cfg, p, log); err != nil {
		if ctx.Err() != nil {
			log.Info("ended before it was up")
			return nil
		}
		return err
	}
	defer func() { err = errors.Join(err, d.centre.Close()) }()
	if d.feedPort != nil {
		if d.feed, err = openFeed(cfg, d.centre, log); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.feed.Results.Close()) }()
	}
	if wanted(only, onlyGateway) {
		settings := gatewaySettings(cfg)
		settings.RegencyKey = key
		d.gateway, err = openGateway(ctx, cfg.DataDir, settings, d.centre.gateway, p, log)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			log.Info("ended before it was up")
			return nil
		case only == "" && (errors.Is(err, spool.ErrVersion) || errors.Is(err, spool.ErrForeign)):
			d.idle = err
			log.Error("the gateway does not run: no SMS is received here; everything else does", "err", err)
		default:
			return err
		}
	}
	return d.run(ctx)
}

// daemon is what serve has opened; what is not to run is nil.
type daemon struct {
	cfg     configs.Config
	profile *parser.Profile
	log     *slog.Logger
	centre  *centreSite
	gateway *gatewaySite
	idle    error // why there is no gateway, although it is wanted
	feed    *feed.Feed

	page, feedPort, metrics net.Listener
}

// openPorts opens the ports of what is to run.
func (d *daemon) openPorts(only string) (err error) {
	if wanted(only, onlyDesk) {
		if d.page, err = listenDesk(d.cfg.Desk); err != nil {
			return err
		}
	}
	if wanted(only, onlyFeed) {
		if d.feedPort, err = listenFeed(d.cfg.Feed, only); err != nil {
			return err
		}
	}
	d.metrics, err = listenMetrics(d.cfg.Metrics)
	return err
}

func (d *daemon) closePorts() {
	for _, l := range []net.Listener{d.page, d.feedPort, d.metrics} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// run works until ctx ends; it closes page and gateway.
func (d daemon) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if d.page != nil {
		seal, err := deskSeal(d.cfg.DataDir)
		if err != nil {
			return err
		}
		proxies, _ := d.cfg.Desk.Trusted() // validated
		desk := web.New(web.Parts{
			Proxies: proxies, Centre: d.centre.desk, Profile: d.profile, Log: d.log, Language: d.cfg.Desk.Language, Secure: d.cfg.Desk.TLSCert != "",
			Seal: seal, Tables: deskTables(d.centre.desk, d.profile),
		})
		url := pageURL(d.cfg.Desk, d.page.Addr())
		group.Go(func() error { return serveHTTP(ctx, d.page, desk) })
		group.Go(func() error { return desk.Run(ctx) })
		group.Go(func() error { d.inviteFirst(ctx, url); return nil })
		d.log.Info("page", "url", url)
		group.Go(func() error { return projector{d.centre.desk, d.log}.run(ctx) })
	}
	asked := newFeedMetrics()
	if d.feed != nil {
		group.Go(func() error { return serveHTTP(ctx, d.feedPort, asked.around(d.feed)) })
		group.Go(func() error { d.greetFeed(ctx); return d.feed.Run(ctx) })
		d.log.Info("feed", "url", addressURL(d.feed.Secure, d.feedPort.Addr())+"/v1/")
	}
	if d.gateway != nil {
		group.Go(func() error { return errors.Join(d.gateway.Run(ctx), d.gateway.Close()) })
		d.log.Info("gateway runs", "modems", len(d.cfg.Gateway.Modems), "election", d.profile.ID, "phase", d.profile.Phase, "auth", d.profile.Auth)
	}
	var g *gateway.Gateway
	if d.gateway != nil {
		g = d.gateway.Gateway
	}
	if d.metrics != nil {
		group.Go(func() error { return serveHTTP(ctx, d.metrics, metricsHandler(g, asked, d.idle)) })
		d.log.Info("metrics", "url", "http://"+d.metrics.Addr().String()+"/metrics")
	}
	group.Go(func() error {
		findSupervisor().run(ctx, func(now time.Time) bool { return len(stalled(g, now)) == 0 }, d.log)
		return nil
	})
	if d.centre.server != nil {
		group.Go(func() error { return d.centre.keepUp(ctx, d.log) })
	}
	if d.page != nil || d.gateway != nil {
		group.Go(func() error { return d.greet(ctx) })
	}
	err := group.Wait()
	d.log.Info("stopped")
	return err
}

// greet tells the operator at once when the centre is away or was never told of
// this election: the daemon runs all the same, because SMS wait on the SIM for
// nobody. It ends the daemon when officers would get half a reply.
func (d daemon) greet(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	registry, err := d.centre.gateway.Registry(asking, d.profile)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, db.ErrNotOpened), errors.Is(err, db.ErrSchema):
		d.log.Error("centre takes nothing yet: run tali migrate with this configuration; SMS are kept until then", "err", err)
	default:
		d.log.Warn("centre is away: SMS are kept until it answers", "err", err)
	}
	return d.checkRegistry(ctx, registry, err)
}

// greetTimeout is for a centre behind a line that swallows everything.
const greetTimeout = 10 * time.Second

// listenDesk opens the page's port, with TLS where there is a certificate.
func listenDesk(desk configs.Desk) (net.Listener, error) {
	return listenAt("desk", desk.Listen, desk.TLSCert, desk.TLSKey)
}

// listenAt opens the port of a section of the configuration.
func listenAt(section, listen, cert, key string) (net.Listener, error) {
	var certificate tls.Certificate
	var err error
	if cert != "" {
		if certificate, err = tls.LoadX509KeyPair(cert, key); err != nil {
			return nil, fmt.Errorf("%[1]s.tls_cert %[2]s with %[1]s.tls_key %[3]s: %[4]w: give a certificate chain and its own key, both PEM",
				section, cert, key, err)
		}
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("%s.listen %s: %w: stop what uses the port or choose another", section, listen, err)
	}
	if cert != "" {
		listener = tls.NewListener(listener, &tls.Config{
			Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		})
	}
	return listener, nil
}

func pageURL(desk configs.Desk, addr net.Addr) string { return addressURL(desk.TLSCert != "", addr) }

func addressURL(secure bool, addr net.Addr) string {
	if secure {
		return "https://" + addr.String()
	}
	return "http://" + addr.String()
}
