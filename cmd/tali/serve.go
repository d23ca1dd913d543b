package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tali/configs"
	"tali/parser"
	"tali/web"
)

// The halves of the daemon that --only names.
const (
	onlyGateway = "gateway"
	onlyDesk    = "desk"
)

func newServe() *cobra.Command {
	var config, only string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon: modems, checks, answers, and the page for the staff",
		Long: `serve reads the configured modems, keeps every SMS in a durable spool, checks it,
writes it to the central database and answers the officer. It stays up when a
modem or the database is away, and catches up when they are back.

"tali config example" prints a commented configuration file.`,
		Example: `  tali serve --config /etc/tali/tali.yaml
  tali serve --config /etc/tali/tali.yaml --only gateway`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if only != "" && only != onlyGateway && only != onlyDesk {
				return fmt.Errorf("--only %q: write gateway or desk", only)
			}
			cfg, profile, err := loadConfig(config)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, profile, only)
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file (default: built-in values and TALI_... variables)")
	c.Flags().StringVar(&only, "only", "", "run one half alone: gateway or desk")
	return c
}

// loadConfig reads everything an operator wrote before anything is opened.
func loadConfig(path string) (configs.Config, *parser.Profile, error) {
	cfg, err := configs.Load(path)
	if err != nil {
		return cfg, nil, err
	}
	profile, err := configs.LoadProfile(cfg.Election)
	return cfg, profile, err
}

func serve(ctx context.Context, cfg configs.Config, p *parser.Profile, only string) (err error) {
	log := newLog(cfg.Log)
	if only != onlyDesk && len(cfg.Gateway.Modems) == 0 {
		return errors.New("gateway.modems is empty: name at least one modem, or run with --only desk")
	}
	if err := refuseDemo(cfg.DataDir); err != nil {
		return err
	}
	centre, err := openCentre(ctx, cfg, p, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, centre.Close()) }()
	group, ctx := errgroup.WithContext(ctx)
	if only != onlyGateway {
		handler := web.New(web.Parts{Centre: centre.desk, Profile: p, Log: log})
		group.Go(func() error { return listen(ctx, cfg.Desk, handler, log) })
	}
	if only != onlyDesk {
		site, err := openGateway(ctx, cfg, centre.gateway, p, log)
		if err != nil {
			return err
		}
		group.Go(func() error { return errors.Join(site.Run(ctx), site.Close()) })
		log.Info("gateway runs", "modems", len(cfg.Gateway.Modems), "election", p.ID, "phase", p.Phase)
	}
	return group.Wait()
}

// listen serves the page until ctx ends.
func listen(ctx context.Context, desk configs.Desk, handler http.Handler, log *slog.Logger) error {
	listener, err := net.Listen("tcp", desk.Listen)
	if err != nil {
		return fmt.Errorf("desk.listen %s: %w: stop what uses the port or choose another", desk.Listen, err)
	}
	log.Info("page", "url", pageURL(desk, listener.Addr()))
	return serveHTTP(ctx, listener, handler, desk)
}

// serveHTTP answers until ctx ends, and lets requests finish briefly.
func serveHTTP(ctx context.Context, l net.Listener, handler http.Handler, desk configs.Desk) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	done := make(chan error, 1)
	go func() {
		if desk.TLSCert != "" {
			done <- server.ServeTLS(l, desk.TLSCert, desk.TLSKey)
			return
		}
		done <- server.Serve(l)
	}()
	select {
	case err := <-done:
		return fmt.Errorf("page: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := server.Shutdown(closing)
	if err != nil {
		err = server.Close()
	}
	<-done
	return err
}

func pageURL(desk configs.Desk, addr net.Addr) string {
	if desk.TLSCert != "" {
		return "https://" + addr.String()
	}
	return "http://" + addr.String()
}
