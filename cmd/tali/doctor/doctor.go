// Package doctor looks a site over before its night: disk, spool, database,
// clock, every modem and SIM. Each finding says what is, and where something is
// wrong, what to do about it. It repairs nothing, reads no message, gives no PIN
// and changes no setting.
package doctor

import (
	"context"
	"log/slog"

	"tali/configs"
	"tali/db"
	"tali/gsm"
)

// Level is how grave a finding is.
type Level string

// The levels. Fail keeps the site from its work.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Finding is one thing that was looked at.
type Finding struct {
	Level   Level  `json:"level"`
	Subject string `json:"subject"` // "disk", "database", "modem telkomsel-1"
	What    string `json:"what"`
	Remedy  string `json:"remedy,omitempty"`
}

// Site is what is looked at.
type Site struct {
	Config configs.Config
	Modems []gsm.Settings // those of Config, as serve would run them
	// Centre reaches the database as serve would; nil errors come with a DB that
	// the caller closes afterwards.
	Centre func(ctx context.Context) (*db.DB, error)
	Log    *slog.Logger
	Sees   func(Finding) // called with each finding as soon as there is one
}

// Examine looks at everything, in the order in which one thing needs another.
// It returns how many findings there are of each level.
func (s Site) Examine(ctx context.Context) map[Level]int {
	counts := make(map[Level]int)
	see := func(found ...Finding) {
		for _, f := range found {
			counts[f.Level]++
			s.Sees(f)
		}
	}
	see(s.disk()...)
	see(s.spool(ctx))
	see(s.damaged()...)
	see(s.database(ctx)...)
	see(s.modems(ctx)...)
	return counts
}

func ok(subject, what string) Finding { return Finding{Level: OK, Subject: subject, What: what} }

func warn(subject, what, remedy string) Finding { return Finding{Warn, subject, what, remedy} }

func fail(subject, what, remedy string) Finding { return Finding{Fail, subject, what, remedy} }
