// Package configs is what an operator sets and what an election is: the one
// Config of tali, read from defaults, file and environment in that order of
// strength, the election profiles and the tables that are shipped inside the
// binary.
//
// It owns the names of all keys, their checks and the line that tells an
// operator what to mend. It opens nothing but the files that it reads: whoever
// holds a Config from Load may open ports and databases. It knows nothing of
// what the values are used for; cmd passes plain values on.
package configs

import (
	_ "embed"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Config is everything an operator sets. The tag key is the name in the file;
// TALI_ and the dotted path in capitals with underscores is the name in the
// environment, e.g. TALI_DATABASE_DSN.
type Config struct {
	DataDir  string   `key:"data_dir"`
	Election string   `key:"election"` // name of an embedded profile or a file
	Database Database `key:"database"`
	Gateway  Gateway  `key:"gateway"`
	Reply    Reply    `key:"reply"`
	Alarm    Alarm    `key:"alarm"`
	Desk     Desk     `key:"desk"`
	Feed     Feed     `key:"feed"`
	Metrics  Metrics  `key:"metrics"`
	Auth     Auth     `key:"auth"`
	Log      Log      `key:"log"`
}

// Database says where the centre is.
type Database struct {
	DSN string `key:"dsn"` // empty: a private server in the data directory
}

// Gateway is the side with the modems.
type Gateway struct {
	Name          string        `key:"name"`
	Modems        []Modem       `key:"modems"`
	SweepInterval time.Duration `key:"sweep_interval"` // between two listings of a SIM
	InterimAfter  time.Duration `key:"interim_after"`  // of silence of the centre, before an interim answer
	PartsWait     time.Duration `key:"parts_wait"`     // for the missing parts of a long SMS
	PartsApart    time.Duration `key:"parts_apart"`    // furthest that parts of one SMS may be read apart
	KeepDelivered time.Duration `key:"keep_delivered"` // in the spool, what the centre has
	Heartbeat     time.Duration `key:"heartbeat"`      // between two SMS that a modem sends to the next; 0: none
}

// Modem is one device with its SIM.
type Modem struct {
	Name        string `key:"name"`
	Device      string `key:"device"`
	Baud        int    `key:"baud"`
	PIN         string `key:"pin"`
	Store       string `key:"store"`    // SM, ME or MT
	Number      string `key:"number"`   // of the SIM, E.164
	IMEI        string `key:"imei"`     // of the modem that is expected; like the next two, empty expects nothing
	IMSI        string `key:"imsi"`     // of the SIM
	ICCID       string `key:"iccid"`    // printed on the SIM
	Operator    string `key:"operator"` // as staff call it
	USSDBalance string `key:"ussd_balance"`

	BalancePattern string `key:"balance_pattern"` // with a group amount
}

// Reply limits what we send.
type Reply struct {
	Pace          time.Duration `key:"pace"`            // least time between two SMS of one modem
	PerNumberHour int           `key:"per_number_hour"` // SMS to one recipient in an hour
	PerHour       int           `key:"per_hour"`        // SMS in an hour; 0: no limit
	Budget        int           `key:"budget"`          // SMS in a day, before an alarm; 0: none
	Lease         time.Duration `key:"lease"`           // of a claimed reply; longer than a modem takes to send
	Reports       string        `key:"reports"`         // on or off: the network tells whether a reply arrived
}

// Alarm says whom to tell of trouble.
type Alarm struct {
	Phones  string        `key:"phones"`  // E.164, separated by commas
	After   time.Duration `key:"after"`   // of trouble, before it is told
	Clear   time.Duration `key:"clear"`   // without it, before its end is told
	Balance int           `key:"balance"` // rupiah of credit below which it is trouble; 0: never
}

// Desk is the web side.
type Desk struct {
	Listen    string `key:"listen"`
	TLSCert   string `key:"tls_cert"`
	TLSKey    string `key:"tls_key"`
	PlainHTTP string `key:"plain_http"` // beyond this machine without TLS: refuse or allow
	Language  string `key:"language"`   // id or en
	Proxies   string `key:"proxies"`    // reverse proxies whose X-Forwarded-For is believed, apart by a comma
}

// Feed is the results over HTTP for other systems.
type Feed struct {
	Listen    string `key:"listen"` // empty: none
	DSN       string `key:"dsn"`    // as tali_results_reader; empty only with the private server
	TLSCert   string `key:"tls_cert"`
	TLSKey    string `key:"tls_key"`
	PlainHTTP string `key:"plain_http"` // beyond this machine without TLS: refuse or allow
	PerMinute int    `key:"per_minute"` // requests of one token
}

// Metrics is the Prometheus endpoint.
type Metrics struct {
	Listen string `key:"listen"` // empty: none
}

// Auth is about the authenticity code A.
type Auth struct {
	MasterKeyFile string `key:"master_key_file"`
	Mode          string `key:"mode"` // off, accepted, required; of this and the profile's the stricter one counts
}

// Log is about the daemon's own log.
type Log struct {
	Level  string `key:"level"`
	Format string `key:"format"`
}

//go:embed tali.example.yaml
var example string

// Example is a configuration file with every key, its default and what it is
// for. It loads as it stands.
func Example() string { return example }

// Default is the configuration of an empty file in an empty environment.
func Default() Config {
	return Config{
		DataDir:  defaultDataDir(),
		Election: "pilkada-2024-bolmut",
		Gateway: Gateway{
			Name:          defaultName(),
			SweepInterval: 30 * time.Second,
			InterimAfter:  30 * time.Second,
			PartsWait:     10 * time.Minute,
			PartsApart:    6 * time.Hour,
			KeepDelivered: 30 * 24 * time.Hour,
			Heartbeat:     time.Hour,
		},
		Reply: Reply{Pace: 6 * time.Second, PerNumberHour: 20, Lease: 2 * time.Minute, Reports: "off"},
		Alarm: Alarm{After: 2 * time.Minute, Clear: 10 * time.Minute, Balance: 10_000},
		Desk:  Desk{Listen: "127.0.0.1:8080", PlainHTTP: "refuse", Language: "id"},
		Feed:  Feed{PlainHTTP: "refuse", PerMinute: 60},
		Auth:  Auth{Mode: "off"},
		Log:   Log{Level: "info", Format: "text"},
	}
}

// defaultModem is what a modem is where its entry is silent.
func defaultModem() Modem { return Modem{Baud: 115200, Store: "SM"} }

// defaultDataDir is the one that systemd has made for us, or a place that the
// private PostgreSQL can reach: as root it runs as user postgres, who cannot
// enter /root.
func defaultDataDir() string {
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); filepath.IsAbs(dir) {
		return dir
	}
	if os.Geteuid() == 0 {
		return "/var/lib/tali"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tali")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "/var/lib/tali"
	}
	return filepath.Join(home, ".local", "state", "tali")
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// defaultName is the host's: two gateways that share a name would share a row
// at the centre.
func defaultName() string {
	host, err := os.Hostname()
	if err != nil {
		return "gateway"
	}
	name, _, _ := strings.Cut(strings.ToLower(host), ".")
	if !namePattern.MatchString(name) {
		return "gateway"
	}
	return name
}
