package feed_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"tali/db"
	"tali/db/cluster"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 1})
	for name, value := range map[string]string{
		"none": "", "another": "Bearer tali_lain", "empty": "Bearer ", "another scheme": "Basic " + s.token,
		"a part": "Bearer " + s.token[:len(s.token)-1], "the hash": "Bearer \x00", "more": "Bearer " + s.token + "x",
	} {
		if strings.ContainsRune(value, 0) {
			continue
		}
		_, head := s.get("/v1/stations", http.StatusUnauthorized, "Authorization", value)
		if !strings.HasPrefix(head.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: WWW-Authenticate = %q", name, head.Get("WWW-Authenticate"))
		}
	}
	s.get("/v1/stations", http.StatusOK, "Authorization", "bearer "+s.token)
	if err := s.desk.RevokeFeedToken(t.Context(), db.Actor{}, "uji-satu"); err != nil {
		t.Fatal(err)
	}
	s.get("/v1/stations", http.StatusUnauthorized)
	s.get("/v1/openapi.json", http.StatusOK, "Authorization", "")
}

// Each token has a limit of its own, and is told when to come again.
func TestLimitOfEachToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 1, perMinute: 3})
	s.add("uji-dua", "tali_uji-dua")
	for range 3 {
		s.get("/v1/stations", http.StatusOK)
	}
	_, head := s.get("/v1/stations", http.StatusTooManyRequests)
	if n, err := strconv.Atoi(head.Get("Retry-After")); err != nil || n < 1 || n > 20 {
		t.Errorf("Retry-After = %q, want at most 20 seconds", head.Get("Retry-After"))
	}
	s.get("/v1/stations", http.StatusOK, "Authorization", "Bearer tali_uji-dua")
}

// Who tries tokens out is slowed down; a consumer at the same address is not.
func TestStrangersAreSlowedDown(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 1})
	s.get("/v1/stations", http.StatusOK)
	refused := 0
	for i := range 60 {
		r := s.request("GET", "/v1/stations", "Authorization", "Bearer tali_"+strconv.Itoa(i))
		if r.StatusCode == http.StatusTooManyRequests {
			refused++
		} else if r.StatusCode != http.StatusUnauthorized {
			t.Fatalf("a wrong token is answered with %s", r.Status)
		}
	}
	if refused < 20 {
		t.Errorf("%d of 60 wrong tokens in a row were refused unseen, want at least 20", refused)
	}
	s.get("/v1/stations", http.StatusOK)
}

// The feed does not work as a role that could read more than the results.
func TestRoleOfTheFeed(t *testing.T) {
	t.Parallel()
	for _, role := range []string{cluster.Desk, cluster.Gateway, cluster.Owner} {
		s := newSite(t, options{stations: 1, role: role})
		s.get("/v1/stations", http.StatusServiceUnavailable)
	}
}

// A database that is away is said, and found again.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 1})
	s.get("/v1/stations", http.StatusOK)
	s.run(`ALTER FUNCTION feed.moment() RENAME TO moment_away`)
	body, head := s.get("/v1/stations", http.StatusServiceUnavailable)
	var p struct{ Title, Detail, Remedy string }
	if err := json.Unmarshal(body, &p); err != nil || p.Title == "" || p.Detail == "" || p.Remedy == "" || head.Get("Retry-After") == "" {
		t.Errorf("503 says %s, %v", body, err)
	}
	if strings.Contains(string(body), "moment") {
		t.Errorf("503 tells strangers of the database: %s", body)
	}
	s.run(`ALTER FUNCTION feed.moment_away() RENAME TO moment`)
	s.pg.CutConnections()
	s.get("/v1/stations", http.StatusOK)
}
