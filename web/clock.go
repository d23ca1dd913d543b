package web

import (
	"time"

	"tali/parser"
)

// stamp is a time for people and for programs.
type stamp struct{ Text, ISO string }

// clock writes times as people at the stations read them.
type clock struct {
	zone  *time.Location
	tag   string
	today string
}

// clockOf is the clock of the stations on the day of now.
func clockOf(p *parser.Profile, now time.Time) clock {
	return clock{zone: p.Zone, tag: p.ZoneTag, today: now.In(p.Zone).Format(time.DateOnly)}
}

// brief names the day only when it is another one.
func (c clock) brief(t time.Time) stamp {
	t = t.In(c.zone)
	layout := "15:04:05"
	if t.Format(time.DateOnly) != c.today {
		layout = "2/1/2006 15:04"
	}
	return stamp{t.Format(layout), t.Format(time.RFC3339)}
}

// full names the zone too.
func (c clock) full(t time.Time) stamp {
	s := c.brief(t)
	s.Text += " " + c.tag
	return s
}
