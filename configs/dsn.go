package configs

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// sslModes are the modes of lib/pq that say clearly what happens: allow and
// prefer fall back to plain text when someone on the way wants them to.
var sslModes = []string{"disable", "require", "verify-ca", "verify-full"}

// dsnProblem says what is wrong with a DSN; an empty one asks for the private
// server. Whether the server answers is for the database to find out.
func dsnProblem(dsn string) string {
	if dsn == "" {
		return ""
	}
	settings, ok := dsnSettings(dsn)
	if !ok {
		return "is no connection string: write postgres://user@host/tali?sslmode=verify-full, or leave it empty for a private server"
	}
	mode, given := settings["sslmode"]
	switch {
	case !given:
		return "does not say sslmode: add sslmode=verify-full, or sslmode=disable for a socket on this machine"
	case !slices.Contains(sslModes, mode):
		return "has a wrong sslmode: write one of " + strings.Join(sslModes, ", ")
	}
	return ""
}

var dsnPair = regexp.MustCompile(`(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)+|)(?:\s+|$)`)

// dsnSettings reads the settings of a DSN in either of its two forms. A URL is
// taken apart by hand: several hosts with ports are no URL to net/url.
func dsnSettings(dsn string) (map[string]string, bool) {
	out := map[string]string{}
	if rest, isURL := cutScheme(dsn); isURL {
		_, query, _ := strings.Cut(rest, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return nil, false
		}
		for k, v := range values {
			out[k] = v[len(v)-1]
		}
		return out, true
	}
	rest := strings.TrimSpace(dsn)
	for rest != "" {
		at := dsnPair.FindStringSubmatchIndex(rest)
		if at == nil || at[0] != 0 {
			return nil, false
		}
		out[rest[at[2]:at[3]]] = strings.Trim(rest[at[4]:at[5]], "'")
		rest = rest[at[1]:]
	}
	return out, true
}

func cutScheme(dsn string) (string, bool) {
	if rest, ok := strings.CutPrefix(dsn, "postgres://"); ok {
		return rest, true
	}
	return strings.CutPrefix(dsn, "postgresql://")
}

var (
	urlPassword  = regexp.MustCompile(`^(\w+://[^:@/]*):.*@`)
	pairPassword = regexp.MustCompile(`(?i)((?:ssl)?password)\s*=\s*('(?:[^'\\]|\\.)*'?|[^\s&]*)`)
)

// maskDSN hides the passwords of a DSN, also of one that does not parse.
func maskDSN(dsn string) string {
	dsn = urlPassword.ReplaceAllString(dsn, "$1:****@")
	return pairPassword.ReplaceAllString(dsn, "$1=****")
}
