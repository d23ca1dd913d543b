package configs

import (
	"strconv"
	"strings"
)

// validateFeed checks the feed by the rules of the desk: tokens cross the network
// as passwords do.
func (c *Config) validateFeed(report reporter) {
	f := c.Feed
	withTLS := f.TLSCert != "" || f.TLSKey != ""
	report.oneOf("feed.plain_http", f.PlainHTTP, "refuse", "allow")
	if f.PerMinute < 1 || f.PerMinute > 60_000 {
		report("feed.per_minute", strconv.Itoa(f.PerMinute), "is out of range: write a number from 1 to 60000")
	}
	if problem := dsnProblem(f.DSN); problem != "" {
		report("feed.dsn", f.DSN, problem)
	}
	if withTLS {
		report.file("feed.tls_cert", f.TLSCert, 0o022, "chmod go-w")
		report.file("feed.tls_key", f.TLSKey, 0o037, "chmod 0640")
	}
	if f.Listen == "" {
		return
	}
	report.listen("feed.listen", f.Listen, withTLS || f.PlainHTTP == "allow", "set feed.tls_cert and feed.tls_key, or listen on 127.0.0.1 behind a proxy")
	for key, other := range map[string]string{"desk.listen": c.Desk.Listen, "metrics.listen": c.Metrics.Listen} {
		if f.Listen == other && !strings.HasSuffix(other, ":0") {
			report("feed.listen", f.Listen, "is "+key+" too: take another port")
		}
	}
	if f.DSN == "" && c.Database.DSN != "" {
		report("feed.dsn", "", "is missing: the feed reads as tali_results_reader, or as a login in it, and as nobody else")
	}
}
