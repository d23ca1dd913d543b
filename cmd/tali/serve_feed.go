package main

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"tali/configs"
	"tali/db"
	"tali/db/cluster"
	"tali/feed"
)

// listenFeed opens the feed's port; nil where none is configured.
func listenFeed(f configs.Feed, only string) (net.Listener, error) {
	switch {
	case f.Listen == "" && only == onlyFeed:
		return nil, errors.New("feed.listen is empty: write an address, such as 127.0.0.1:8090")
	case f.Listen == "":
		return nil, nil
	}
	return listenAt("feed", f.Listen, f.TLSCert, f.TLSKey)
}

// openFeed makes the feed, which connects as the reader of the results.
func openFeed(cfg configs.Config, c *centreSite, log *slog.Logger) (*feed.Feed, error) {
	dsn := cfg.Feed.DSN
	if dsn == "" {
		dsn = c.server.DSN(cluster.ResultsReader, cluster.Database)
	}
	results, err := db.OpenResults(dsn, log)
	if err != nil {
		return nil, err
	}
	return feed.New(feed.Parts{Results: results, Log: log, PerMinute: cfg.Feed.PerMinute, Secure: cfg.Feed.TLSCert != ""}), nil
}

// greetFeed tells the operator at once why the feed will answer nothing. A role
// that could read more is refused at each request too.
func (d daemon) greetFeed(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	switch err := d.feed.Results.Fit(asking); {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, db.ErrTooMuch):
		d.log.Error("the feed answers nothing", "err", err)
	default:
		d.log.Warn("the feed has no results to read yet", "err", err)
	}
}
