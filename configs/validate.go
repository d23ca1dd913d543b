package configs

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	e164Pattern  = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)
	pinPattern   = regexp.MustCompile(`^[0-9]{4,8}$`)
	imeiPattern  = regexp.MustCompile(`^[0-9]{15}$`)
	iccidPattern = regexp.MustCompile(`^[0-9]{18,20}$`)
	ussdPattern  = regexp.MustCompile(`^[*#][0-9*#]{1,30}#$`)

	baudRates = []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600}
)

// reporter takes one problem: key, value, what to write instead.
type reporter func(key, value, remedy string)

// validate checks every value by itself and against the others.
func (c *Config) validate(report reporter) {
	c.validatePlaces(report)
	c.validateGateway(report)
	c.validateModems(report)
	c.validateAlarm(report)
	c.validateDesk(report)
	c.validateFeed(report)
	c.validateAuth(report)
	report.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	report.oneOf("log.format", c.Log.Format, "text", "json")
}

func (c *Config) validatePlaces(report reporter) {
	report.absolute("data_dir", c.DataDir)
	if info, err := os.Stat(c.DataDir); err == nil && !info.IsDir() {
		report("data_dir", c.DataDir, "is not a directory: give one, it is made when missing")
	}
	if problem := profileProblem(c.Election); problem != "" {
		report("election", c.Election, problem)
	}
	if problem := dsnProblem(c.Database.DSN); problem != "" {
		report("database.dsn", c.Database.DSN, problem)
	}
}

func (c *Config) validateGateway(report reporter) {
	report.name("gateway.name", c.Gateway.Name)
	report.between("gateway.sweep_interval", c.Gateway.SweepInterval, time.Second, 10*time.Minute)
	report.between("gateway.interim_after", c.Gateway.InterimAfter, time.Second, time.Hour)
	report.between("gateway.parts_wait", c.Gateway.PartsWait, time.Minute, 6*time.Hour)
	report.between("gateway.parts_apart", c.Gateway.PartsApart, time.Minute, 48*time.Hour)
	report.between("gateway.keep_delivered", c.Gateway.KeepDelivered, 24*time.Hour, 366*24*time.Hour)
	if c.Gateway.Heartbeat != 0 {
		report.between("gateway.heartbeat", c.Gateway.Heartbeat, 10*time.Minute, 24*time.Hour)
	}
	report.between("reply.pace", c.Reply.Pace, 0, time.Minute)
	// A modem may take 60 s over one SMS: a shorter lease lets a second
	// gateway send the same reply.
	report.between("reply.lease", c.Reply.Lease, 90*time.Second, time.Hour)
	if n := c.Reply.PerNumberHour; n < 1 || n > 1000 {
		report("reply.per_number_hour", strconv.Itoa(n), "is out of range: write a number from 1 to 1000")
	}
	report.oneOf("reply.reports", c.Reply.Reports, "on", "off")
	report.notNegative("reply.per_hour", c.Reply.PerHour)
	report.notNegative("reply.budget", c.Reply.Budget)
}

func (c *Config) validateAlarm(report reporter) {
	for _, phone := range c.Alarm.Numbers() {
		report.match("alarm.phones", phone, e164Pattern, "is not an international number: write it as +6281234567890")
	}
	report.between("alarm.after", c.Alarm.After, 0, 24*time.Hour)
	report.between("alarm.clear", c.Alarm.Clear, 0, 24*time.Hour)
	report.notNegative("alarm.balance", c.Alarm.Balance)
}

// Numbers are the phones of the staff.
func (a Alarm) Numbers() []string {
	return strings.FieldsFunc(a.Phones, func(r rune) bool { return r == ',' || r == ' ' })
}

func (report reporter) notNegative(key string, n int) {
	if n < 0 {
		report(key, strconv.Itoa(n), "is out of range: write 0 or more")
	}
}

// validateModems checks each modem and what two of them must not share.
func (c *Config) validateModems(report reporter) {
	taken := map[string]string{}
	unique := func(key, kind, value, shown string) {
		if value == "" {
			return
		}
		if other, ok := taken[kind+value]; ok {
			report(key, shown, "is the "+kind+" of "+other+" too: each modem needs its own")
			return
		}
		taken[kind+value] = key
	}
	for i, m := range c.Gateway.Modems {
		at := fmt.Sprintf("%s[%d].", modemsKey, i)
		m.validate(at, report)
		unique(at+"name", "name", m.Name, m.Name)
		unique(at+"device", "device", resolve(m.Device), m.Device)
		unique(at+"number", "number", m.Number, m.Number)
		unique(at+"imei", "imei", m.IMEI, m.IMEI)
		unique(at+"imsi", "imsi", m.IMSI, m.IMSI)
		unique(at+"iccid", "iccid", m.ICCID, m.ICCID)
	}
}

func (m *Modem) validate(at string, report reporter) {
	report.name(at+"name", m.Name)
	report.absolute(at+"device", m.Device)
	if !slices.Contains(baudRates, m.Baud) {
		report(at+"baud", strconv.Itoa(m.Baud), "is no usual rate: write 115200, or 9600 for an old modem")
	}
	report.match(at+"pin", m.PIN, pinPattern, "is no PIN: write its 4 to 8 digits, or leave it out for a SIM without one")
	report.match(at+"number", m.Number, e164Pattern, "is not an international number: write it as +6281234567890")
	report.match(at+"imei", m.IMEI, imeiPattern, "is no IMEI: write its 15 digits (tali modem list shows it)")
	report.match(at+"imsi", m.IMSI, imeiPattern, "is no IMSI: write its 15 digits (tali modem list shows it)")
	report.match(at+"iccid", m.ICCID, iccidPattern, "is no ICCID: write the 18 to 20 digits printed on the SIM")
	report.match(at+"ussd_balance", m.USSDBalance, ussdPattern, "is no USSD code: write it as *888# in quotes")
	if p := m.BalancePattern; p != "" {
		if pattern, err := regexp.Compile(p); err != nil || pattern.SubexpIndex("amount") < 0 {
			report(at+"balance_pattern", p, "is no pattern: write a regular expression with a group (?P<amount>...), such as Rp(?P<amount>[0-9.]+)")
		}
	}
	report.oneOf(at+"store", m.Store, "SM", "ME", "MT")
}

func (c *Config) validateDesk(report reporter) {
	d := c.Desk
	withTLS := d.TLSCert != "" || d.TLSKey != ""
	report.oneOf("desk.plain_http", d.PlainHTTP, "refuse", "allow")
	if _, bad := d.Trusted(); bad != "" {
		report("desk.proxies", bad, "is no address or range of addresses: write it as 10.0.0.2 or 10.0.0.0/24, several apart by a comma")
	}
	report.listen("desk.listen", d.Listen, withTLS || d.PlainHTTP == "allow", "set desk.tls_cert and desk.tls_key, or listen on 127.0.0.1 behind a proxy")
	if c.Metrics.Listen != "" {
		report.listen("metrics.listen", c.Metrics.Listen, false, "metrics are plain text: listen on 127.0.0.1 and let a proxy serve them")
		if c.Metrics.Listen == d.Listen && !strings.HasSuffix(d.Listen, ":0") {
			report("metrics.listen", c.Metrics.Listen, "is desk.listen too: take another port")
		}
	}
	if withTLS {
		report.file("desk.tls_cert", d.TLSCert, 0o022, "chmod go-w")
		report.file("desk.tls_key", d.TLSKey, 0o037, "chmod 0640")
	}
	report.oneOf("desk.language", d.Language, "id", "en")
}

func (c *Config) validateAuth(report reporter) {
	if c.Auth.MasterKeyFile != "" {
		report.file("auth.master_key_file", c.Auth.MasterKeyFile, 0o077, "chmod 0600")
	}
	report.oneOf("auth.mode", c.Auth.Mode, "off", "accepted", "required")
}

func (report reporter) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		report(key, value, "is not known: write "+strings.Join(allowed, " or "))
	}
}

// match checks a value that may also be left out.
func (report reporter) match(key, value string, pattern *regexp.Regexp, remedy string) {
	if value != "" && !pattern.MatchString(value) {
		report(key, value, remedy)
	}
}

func (report reporter) name(key, value string) {
	switch {
	case value == "":
		report(key, "", "is missing: give a short name, such as bolmut-1")
	case !namePattern.MatchString(value):
		report(key, value, "is no name: write at most 32 of a-z, 0-9, - and _, beginning with a letter or digit")
	}
}

func (report reporter) absolute(key, value string) {
	switch {
	case value == "":
		report(key, "", "is missing: give the full path, beginning with /")
	case !filepath.IsAbs(value):
		report(key, value, "is not a full path: begin it with /")
	}
}

func (report reporter) between(key string, value, least, most time.Duration) {
	if value < least || value > most {
		report(key, short(value), fmt.Sprintf("is out of range: write a duration from %s to %s", short(least), short(most)))
	}
}

// short is a duration as one types it: 10m, not 10m0s.
func short(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "m0s")
	if len(text) < len(d.String()) {
		text += "m"
	}
	if hours := strings.TrimSuffix(text, "h0m"); len(hours) < len(text) {
		return hours + "h"
	}
	return text
}

// listen checks an address. Whatever leaves this machine must be encrypted.
func (report reporter) listen(key, value string, encrypted bool, remedy string) {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		report(key, value, "is no address: write host:port, such as 127.0.0.1:8080")
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		report(key, value, "has no port: write a number from 1 to 65535 behind the colon")
		return
	}
	ip := net.ParseIP(host)
	switch {
	case host == "localhost", ip != nil && ip.IsLoopback(), encrypted && (ip != nil || host == ""):
	case ip == nil && host != "":
		report(key, value, "is a name: write the IP address of this machine, such as 127.0.0.1:"+port)
	default:
		report(key, value, "is reachable from other machines without encryption: "+remedy)
	}
}

// file checks a file that must exist and whose mode must carry none of the
// forbidden bits.
func (report reporter) file(key, path string, forbidden fs.FileMode, chmod string) {
	info, err := os.Stat(path)
	switch {
	case path == "":
		report(key, "", "is missing: certificate and key are given together")
	case err != nil:
		report(key, path, "cannot be read: give an existing file that the user of tali may reach")
	case !info.Mode().IsRegular():
		report(key, path, "is not a file: give the file itself")
	case info.Mode().Perm()&forbidden != 0:
		report(key, path, fmt.Sprintf("has mode %04o, others could use it: run %s %s", info.Mode().Perm(), chmod, path))
	}
}

// resolve follows a device's links as far as they exist: by-id and ttyUSB0 may
// be the same modem, and a device that is unplugged has no link to follow.
func resolve(device string) string {
	if device == "" {
		return ""
	}
	if real, err := filepath.EvalSymlinks(device); err == nil {
		return real
	}
	return filepath.Clean(device)
}
