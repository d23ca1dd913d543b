package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"tali/db/cluster"
)

// The feed alone, as its own role, over TLS; tokens given and taken meanwhile.
func TestServeFeed(t *testing.T) {
	t.Parallel()
	config, pg := published(t)
	token := strings.TrimSpace(mustTali(t, "feed", "token", "add", "posko", "--config", config))
	if !regexp.MustCompile(`^tali_[A-Za-z0-9_-]{43}$`).MatchString(token) {
		t.Errorf("token = %q", token)
	}
	_, err := tali(t, "feed", "token", "add", "posko", "--config", config)
	wantError(t, err, "posko has a token already", "revoke")
	cert, key := certificate(t)
	p := start(t, []string{"TALI_FEED_LISTEN=127.0.0.1:0", "TALI_FEED_DSN=" + pg.DSN(cluster.ResultsReader), "TALI_FEED_TLS_CERT=" + cert, "TALI_FEED_TLS_KEY=" + key, "TALI_METRICS_LISTEN=127.0.0.1:0"},
		"serve", "--only", "feed", "--config", config)
	url := p.await("url=")
	metrics := p.await("msg=metrics url=")
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	ask := func() (status int, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"stations", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	if status, body := ask(); status != http.StatusOK || !strings.Contains(body, `"kode_tps":"7108052002001"`) {
		t.Errorf("%d %s", status, body)
	}
	mustTali(t, "feed", "token", "revoke", "posko", "--config", config)
	if status, body := ask(); status != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d %s", status, body)
	}
	scraped, _ := get(t, client, metrics)
	wantPart(t, scraped, `tali_feed_requests_total{code="200",path="/v1/stations"} 1`)
	wantPart(t, scraped, `tali_feed_requests_total{code="401",path="/v1/stations"} 1`)
	_, err = tali(t, "feed", "token", "revoke", "posko", "--config", config)
	wantError(t, err, `"posko" has no token in force`)
	mustTali(t, "feed", "token", "add", "posko", "--config", config)
	list := mustTali(t, "feed", "token", "list", "--config", config)
	if strings.Count(list, "posko") != 2 || strings.Count(list, "revoked") != 1 || strings.Contains(list, "tali_") {
		t.Errorf("list:\n%s", list)
	}
	var events string
	if err := pg.Open(cluster.Desk).Get(&events, `SELECT string_agg(kind || ' ' || subject, ', ' ORDER BY id) FROM staff.event WHERE kind LIKE 'token%'`); err != nil ||
		events != "token_added feed posko, token_revoked feed posko, token_added feed posko" {
		t.Errorf("events = %q, %v", events, err)
	}
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 || strings.Contains(p.output(), "level=WARN") {
		t.Errorf("exit code %d:\n%s", code, p.output())
	}
}

func TestServeFeedRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"no address":    {"", "feed.listen is empty"},
		"beyond here":   {"feed: {listen: \"0.0.0.0:8090\"}\n", "feed.listen: \"0.0.0.0:8090\": is reachable"},
		"no role":       {"feed: {listen: \"127.0.0.1:0\"}\ndatabase: {dsn: \"host=/nonexistent dbname=tali user=a sslmode=disable\"}\n", "feed.dsn: is missing"},
		"a wrong limit": {"feed: {listen: \"127.0.0.1:0\", per_minute: 0}\n", "feed.per_minute"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantPart(t, refused(t, c.text+"data_dir: DIR\n", "--only", "feed"), c.want)
		})
	}
	_, err := tali(t, "feed", "token", "add", "Posko Satu")
	wantError(t, err, fmt.Sprintf("NAME %q", "Posko Satu"))
}
