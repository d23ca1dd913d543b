package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tali/cmd/tali/gateway"
	"tali/cmd/tali/officers"
	"tali/configs"
	"tali/gsm"
	"tali/parser"
	"tali/web"
)

// demoNumbers are those of the demo's four virtual modems; they are invented.
func demoNumbers() []string {
	numbers := make([]string, 4)
	for i := range numbers {
		numbers[i] = officers.ModemNumber(1 + i)
	}
	return numbers
}

const (
	demoSeed   = 7108
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
reads and answers them, and the desk. It prints the address of the desk and its
accounts: sign in with a browser, watch the reports come in and verify them.

It ignores the configuration, runs in the rehearsal phase and keeps its data in a
directory of its own: a second start goes on where the first ended. To begin
anew, delete that directory. Ctrl-C ends the demo.

It needs an installed PostgreSQL 15 or newer (the server's programs; none needs
to run), and says what to install where there is none.`,
		Example: `  tali demo
  tali demo --every 100ms                   # a busy night: all reports in a minute
  tali demo --dir ~/tali-demo --listen 127.0.0.1:9000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.out = cmd.OutOrStdout()
			return demo(cmd.Context(), o)
		},
	}
	c.Flags().StringVar(&o.dir, "dir", filepath.Join(configs.Default().DataDir, "demo"), "directory of the demo's data")
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8080", "address of the page; another port is taken when this one is in use")
	c.Flags().DurationVar(&o.every, "every", time.Second, "time between two officers who begin to report")
	c.Flags().StringVar(&o.log, "log", "warn", "level of the daemon's log on standard error: debug, info, warn, error")
	return c
}

type demoOptions struct {
	dir, listen, log string
	every            time.Duration
	out              io.Writer
}

// check says what is wrong with the options, before anything is opened.
func (o demoOptions) check() error {
	if o.every <= 0 {
		return fmt.Errorf("--every %s: write a duration above 0, such as 200ms or 2s", o.every)
	}
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return fmt.Errorf("--listen %q: write host:port, such as 127.0.0.1:8080", o.listen)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.log)); err != nil {
		return fmt.Errorf("--log %q: write debug, info, warn or error", o.log)
	}
	return nil
}

func demo(ctx context.Context, o demoOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	marker, err := takeDemoDir(o.dir)
	if err != nil {
		return err
	}
	defer marker.Close() // gives the directory up
	listener, moved, err := listenNear(o.listen)
	if err != nil {
		return err
	}
	defer listener.Close() // the page closes it too
	err = playDemo(ctx, o, demoParts{page: listener, moved: moved})
	if ctx.Err() != nil && errors.Is(err, errNotUp) {
		fmt.Fprintln(o.out, "tali demo: ended before it was up")
		return nil
	}
	return err
}

// errNotUp marks what went wrong before the demo ran: after a Ctrl-C that is
// only its echo.
var errNotUp = errors.New("starting the demo")

func notUp(err error) error { return fmt.Errorf("%w: %w", errNotUp, err) }

func playDemo(ctx context.Context, o demoOptions, d demoParts) (err error) {
	d.cfg = configs.Default()
	d.cfg.DataDir, d.cfg.Database.DSN, d.cfg.Log.Level = o.dir, "", o.log
	d.log = newLog(d.cfg.Log)
	if d.profile, err = demoProfile(); err != nil {
		return err
	}
	fmt.Fprintln(o.out, "tali demo: starting PostgreSQL in", o.dir)
	if d.centre, err = openCentre(ctx, d.cfg, d.profile, d.log); err != nil {
		return notUp(err)
	}
	defer func() { err = errors.Join(err, d.centre.Close()) }()
	registry, err := fillDemo(ctx, d.centre, d.profile)
	if err != nil {
		return notUp(err)
	}
	network, modems, err := demoModems(o.dir)
	if err != nil {
		return notUp(err)
	}
	defer func() { err = errors.Join(err, network.Close()) }()
	d.modems = modems
	if d.staff, err = demoStaff(ctx, d.centre); err != nil {
		return notUp(err)
	}
	if d.play, err = demoPlay(ctx, d.centre, d.profile, registry, network); err != nil {
		return notUp(err)
	}
	d.play.Every, d.play.Patience = o.every, 3*o.every
	return runDemo(ctx, o, d)
}

type demoParts struct {
	cfg     configs.Config
	page    net.Listener
	moved   bool // not at the address that was asked for
	centre  *centreSite
	profile *parser.Profile
	modems  []gsm.Settings
	play    *officers.Play
	staff   string // accounts, a line each
	log     *slog.Logger
}

func runDemo(ctx context.Context, o demoOptions, d demoParts) error {
	settings := gatewaySettings(d.cfg)
	settings.Name, settings.Modems = "demo", d.modems
	settings.Reply = gateway.ReplySettings{Pace: o.every / 2, PerNumberHour: 100, Lease: time.Minute}
	site, err := openGateway(ctx, d.cfg.DataDir, settings, d.centre.gateway, d.profile, d.log)
	if err != nil {
		return notUp(err)
	}
	d.announce(o)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return errors.Join(site.Run(ctx), site.Close()) })
	group.Go(func() error { return d.centre.keepUp(ctx, d.log) })
	desk := web.New(web.Parts{Centre: d.centre.desk, Profile: d.profile, Log: d.log, Tables: deskTables(d.centre.desk, d.profile)})
	group.Go(func() error { return serveHTTP(ctx, d.page, desk) })
	group.Go(func() error { return desk.Run(ctx) })
	group.Go(func() error { return projector{d.centre.desk, d.log}.run(ctx) })
	group.Go(func() error {
		if err := d.play.Run(ctx); err != nil {
			return err
		}
		if len(d.play.Assignments) > 0 {
			fmt.Fprintf(o.out, "tali demo: every officer has an answer, %d gave up and would telephone; the page stays up until Ctrl-C\n", d.play.GaveUp())
		}
		return nil
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	fmt.Fprintln(o.out, "tali demo: ended; start it again to go on with this data")
	return nil
}

func (d demoParts) announce(o demoOptions) {
	page := "http://" + d.page.Addr().String()
	if d.moved {
		page += " (" + o.listen + " is in use)"
	}
	reports := fmt.Sprintf("%d to come, one about every %s; one in three has a mistake", len(d.play.Assignments), o.every)
	if len(d.play.Assignments) == 0 {
		reports = "all are in already; delete the data to see them come"
	}
	fmt.Fprintf(o.out, `tali demo: an invented election night in Bolaang Mongondow Utara
  page     %s
  data     %s (delete it to begin anew)
  modems   %d virtual ones, numbers %s ...
  reports  %s
  accounts of this start, for the page:
%sCtrl-C ends it.
`, page, o.dir, len(d.modems), demoNumbers()[0], reports, d.staff)
}

// listenNear listens at the address or, when it is in use, at a free port of the
// same host.
func listenNear(address string) (l net.Listener, moved bool, err error) {
	l, err = net.Listen("tcp", address)
	if err == nil {
		return l, false, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr == nil && errors.Is(err, syscall.EADDRINUSE) {
		if l, err := net.Listen("tcp", net.JoinHostPort(host, "0")); err == nil {
			return l, true, nil
		}
	}
	return nil, false, fmt.Errorf("--listen %s: %w: write an address of this machine and a free port, such as 127.0.0.1:8080", address, err)
}
