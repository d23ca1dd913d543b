package web_test

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/web"
)

func sealOf(t *testing.T, b byte) *web.Seal {
	t.Helper()
	s, err := web.NewSeal(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sealed is the desk with a key for second factors.
func (c *centre) sealed(s *web.Seal) *site {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	return startParts(c, web.Parts{Centre: open(c.t, c.pg.DSN(cluster.Desk)), Seal: s}, l)
}

func (c *centre) stored(login string) (secret string) {
	c.t.Helper()
	if err := c.pg.Open(cluster.Owner).Get(&secret, `SELECT totp || totp_pending FROM staff.account WHERE login = $1`, login); err != nil {
		c.t.Fatal(err)
	}
	return secret
}

// A secret from before there was a key is sealed when its person signs in, and
// goes on to work; with another key, or none, it does not.
func TestSecondFactorIsSealedAtSignIn(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	p := c.person("lama", db.RoleSupervisor)
	if got := c.stored("lama"); got != p.secret {
		t.Fatalf("before there is a key %q is stored, want the secret", got)
	}
	s := c.sealed(sealOf(t, 7)).with(p)
	if got := c.stored("lama"); got == "" || strings.Contains(got, p.secret) {
		t.Fatalf("after a sign-in %q is stored", got)
	}
	owner := c.pg.Open(cluster.Owner)
	again := func() {
		t.Helper()
		if _, err := owner.Exec(`UPDATE staff.account SET totp_step = 0`); err != nil {
			t.Fatal(err)
		}
	}
	again()
	s.stranger().with(p)
	for name, other := range map[string]*site{"another key": c.sealed(sealOf(t, 8)), "no key": c.sealed(nil)} {
		again()
		if got := other.stranger().post("/login", p.form(t)); got.status != http.StatusInternalServerError {
			t.Errorf("%s: signing in = %d, want 500", name, got.status)
		}
	}
	// In the row of somebody else it is worth nothing.
	q := c.person("lain", db.RoleSupervisor)
	if _, err := owner.Exec(`UPDATE staff.account SET totp = (SELECT totp FROM staff.account WHERE login = 'lama') WHERE login = 'lain'`); err != nil {
		t.Fatal(err)
	}
	q.secret = p.secret
	if got := s.stranger().post("/login", q.form(t)); got.status != http.StatusInternalServerError {
		t.Errorf("with another's factor: %d, want 500", got.status)
	}
}

// What the desk itself offers never lies open.
func TestInvitationIsSealed(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	s := c.sealed(sealOf(t, 7))
	admin := s.as(db.RoleAdmin)
	got := admin.post("/staff", url.Values{"login": {"baru"}, "name": {"Orang Baru"}, "role": {"supervisor"}})
	link := find(t, got.body, `(/welcome/[A-Z0-9]+)`)
	secret := find(t, s.stranger().ask(http.MethodGet, link).body, `<code>([A-Z2-7]+)</code>`)
	if stored := c.stored("baru"); stored == "" || strings.Contains(stored, secret) {
		t.Errorf("the offered secret is stored as %q", stored)
	}
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"password": {"kapal kayu tanpa layar"}, "again": {"kapal kayu tanpa layar"}, "code": {code}}
	if got := s.stranger().post(link, form); got.status != http.StatusSeeOther {
		t.Fatalf("accepting = %d:\n%s", got.status, got.body)
	}
	if stored := c.stored("baru"); stored == "" || strings.Contains(stored, secret) {
		t.Errorf("the secret in force is stored as %q", stored)
	}
	verifier := s.as(db.RoleVerifier)
	verifier.post("/account/totp/offer", nil)
	secret = find(t, verifier.ask(http.MethodGet, "/account").body, `<code>([A-Z2-7]+)</code>`)
	if stored := c.stored(verifier.person.login); stored == "" || strings.Contains(stored, secret) {
		t.Errorf("a verifier's offered secret is stored as %q", stored)
	}
}

// What the command line invites to holds no secret until the link is opened, and
// a sealed one then; whoever opens it twice sees the same. One that an earlier
// version stored in the clear is sealed, and stays.
func TestLinkHoldsNoOpenSecret(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	s, desk := c.sealed(sealOf(t, 7)), open(t, c.pg.DSN(cluster.Desk))
	path, invite := web.NewInvite()
	if _, err := desk.AddStaff(t.Context(), db.Actor{}, db.NewStaff{Staff: db.Staff{Login: "baru", Name: "Baru", Role: db.RoleAdmin}, Invite: invite}); err != nil {
		t.Fatal(err)
	}
	if got := c.stored("baru"); got != "" {
		t.Fatalf("before the link is opened %q is stored, want nothing", got)
	}
	shown := func() string {
		t.Helper()
		return find(t, s.stranger().ask(http.MethodGet, path).body, `<code>([A-Z2-7]+)</code>`)
	}
	first := shown()
	if got := c.stored("baru"); got == "" || strings.Contains(got, first) {
		t.Errorf("behind the open link %q is stored", got)
	}
	if again := shown(); again != first {
		t.Error("the second opening shows another secret")
	}
	const old = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	if _, err := c.pg.Open(cluster.Owner).Exec(`UPDATE staff.account SET totp_pending = $1 WHERE login = 'baru'`, old); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != old {
		t.Errorf("a link of an earlier version shows %q, want its own", got)
	}
	if got := c.stored("baru"); strings.Contains(got, old) {
		t.Errorf("it still lies open: %q", got)
	}
}
