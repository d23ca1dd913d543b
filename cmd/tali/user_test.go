package main

import (
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

// A verifier is made on the command line, comes in by the link, and is let in
// again by another after a reset.
func TestUser(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	link := func(args ...string) string {
		t.Helper()
		out := mustTali(t, append(append([]string{"user"}, args...), "--config", c.config)...)
		_, path, found := strings.Cut(strings.TrimSpace(out), "/welcome/")
		if !found {
			t.Fatalf("tali user %s printed %q", strings.Join(args, " "), out)
		}
		return "/welcome/" + path
	}
	first := link("add", "siti", "--name", "Siti Rekaan")
	p := start(t, []string{"TALI_DESK_LISTEN=127.0.0.1:0"}, "serve", "--only", "desk", "--config", c.config)
	page := p.await("url=")
	accept := func(path, password string) int {
		t.Helper()
		response, err := http.PostForm(page+path, url.Values{"password": {password}, "again": {password}})
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	const old, fresh = "perahu hijau di teluk", "jagung manis dua belas"
	if got := accept(first, old); got != http.StatusOK {
		t.Fatalf("accepting the invitation = %d, want 200", got)
	}
	get(t, signIn(t, page, url.Values{"login": {"siti"}, "password": {old}}), page)
	second := link("reset", "siti")
	if got := accept(first, fresh); got != http.StatusNotFound {
		t.Errorf("using the first link again = %d, want 404", got)
	}
	if got := accept(second, fresh); got != http.StatusOK {
		t.Errorf("accepting the second link = %d, want 200", got)
	}
	get(t, signIn(t, page, url.Values{"login": {"siti"}, "password": {fresh}}), page)
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.output())
	}
	_, err := tali(t, "user", "add", "siti", "--config", c.config)
	wantError(t, err, "siti has an account already")
	_, err = tali(t, "user", "reset", "nobody", "--config", c.config)
	wantError(t, err, `"nobody" has no account`)
}

func TestUserRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"login": {[]string{"add", "Siti Contoh"}, `LOGIN "Siti Contoh"`},
		"role":  {[]string{"add", "siti", "--role", "boss"}, `--role "boss"`},
		"area":  {[]string{"add", "siti", "--area", "71"}, `--area "71"`},
		"admin": {[]string{"add", "siti", "--role", "admin", "--area", "710801"}, "admins manage all accounts"},
		"none":  {[]string{"add"}, "needs one LOGIN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tali(t, append([]string{"user"}, c.args...)...)
			wantError(t, err, c.want)
		})
	}
}
