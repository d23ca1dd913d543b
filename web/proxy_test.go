package web_test

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/web"
)

// Who is asked for is the last address that no trusted proxy has: what a client
// writes before it changes nothing.
func TestClientBehindProxies(t *testing.T) {
	t.Parallel()
	const proxy, inner, client = "10.0.0.2:4711", "10.0.0.3", "203.0.113.7"
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.2/31"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		peer    string
		header  []string
		proxies []netip.Prefix
		want    string
	}{
		"no proxy, no header":          {client + ":9", nil, trusted, client},
		"no proxy, forged header":      {client + ":9", []string{"198.51.100.1"}, trusted, client},
		"nobody is trusted":            {proxy, []string{client}, nil, "10.0.0.2"},
		"loopback is not by itself":    {"127.0.0.1:9", []string{client}, trusted, "127.0.0.1"},
		"one proxy":                    {proxy, []string{client}, trusted, client},
		"one proxy, forged before":     {proxy, []string{"198.51.100.1, " + client}, trusted, client},
		"forged with a proxy's own":    {proxy, []string{inner + ", " + client}, trusted, client},
		"two proxies":                  {proxy, []string{client + ", " + inner}, trusted, client},
		"two lines":                    {proxy, []string{"198.51.100.1", client}, trusted, client},
		"with a port":                  {proxy, []string{client + ":33445"}, trusted, client},
		"IPv6":                         {"[fd00::1]:1", []string{"[2001:db8::5]:80"}, trusted, "2001:db8::5"},
		"mapped":                       {"[::ffff:10.0.0.2]:1", []string{"::ffff:" + client}, trusted, client},
		"no address":                   {proxy, []string{"unknown"}, trusted, "10.0.0.2"},
		"no address behind an address": {proxy, []string{"198.51.100.1, <b>, " + inner}, trusted, inner},
		"trusted ones alone":           {proxy, []string{inner}, trusted, inner},
		"empty":                        {proxy, []string{""}, trusted, "10.0.0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.header}}
			if got := web.AddressBehind(c.proxies, r); got != c.want {
				t.Errorf("client of %s with %q = %s, want %s", c.peer, c.header, got, c.want)
			}
		})
	}
}

// Behind a proxy one client that guesses passwords leaves the others theirs, and
// the record names it; a client cannot pass for many.
func TestGuessesBehindAProxy(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	p := c.person("siti", db.RoleVerifier)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := startParts(c, web.Parts{
		Centre: open(t, c.pg.DSN(cluster.Desk)), Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}, l)
	const guesser, other = "203.0.113.7", "203.0.113.8"
	guess := url.Values{"login": {"nobody"}, "password": {"bukan ini"}}
	last := 0
	for i := range 40 {
		last = s.postFrom("198.51.100."+string(rune('0'+i%10))+", "+guesser, guess).status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 40th guess = %d, want 429, whatever it says before its address", last)
	}
	if got := s.postFrom(other, p.form(t)); got.status != http.StatusSeeOther {
		t.Errorf("somebody else behind the same proxy = %d, want 303", got.status)
	}
	var seen int
	err = c.pg.Open(cluster.Owner).GetContext(t.Context(), &seen, `SELECT count(DISTINCT address) FROM staff.event WHERE address IN ($1, $2)`, guesser, other)
	if err != nil || seen != 2 {
		t.Errorf("the record names %d of the two addresses, %v", seen, err)
	}
}
