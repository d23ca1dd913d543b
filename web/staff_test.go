package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/argon2"

	"tali/db"
	"tali/db/cluster"
	"tali/web"
)

// password is that of every account of the tests.
const password = "kuda laut enam biji"

// passwordHash is cheaper than any that the desk makes itself: under the race
// detector one of those takes seconds.
func passwordHash() string {
	salt := []byte("garam dari uji ini")
	key := argon2.IDKey([]byte(password), salt, 1, 64, 1, 32)
	encode := base64.RawStdEncoding.EncodeToString
	return "$argon2id$v=19$m=64,t=1,p=1$" + encode(salt) + "$" + encode(key)
}

// person is an account that may sign in.
type person struct {
	id     int64
	login  string
	secret string // of the second factor; empty: none
}

// person makes an account of a role; supervisors and admins get a second factor.
func (c *centre) person(login string, role db.Role) person {
	c.t.Helper()
	desk := open(c.t, c.pg.DSN(cluster.Desk))
	token := sha256.Sum256([]byte(login))
	id, err := desk.AddStaff(c.t.Context(), db.Actor{}, db.NewStaff{
		Staff:  db.Staff{Login: login, Name: "Staf <Rekaan> " + login, Role: role},
		Invite: db.Invite{Hash: token[:], For: time.Hour},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	p := person{id: id, login: login}
	if role.NeedsTOTP() {
		if p.secret, err = web.NewTOTP(login); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := desk.AcceptInvite(c.t.Context(), token[:], db.Credentials{Password: passwordHash(), TOTP: p.secret}, ""); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// form is what somebody types to sign in.
func (p person) form(t testing.TB) url.Values {
	t.Helper()
	v := url.Values{"login": {p.login}, "password": {password}}
	if p.secret != "" {
		code, err := totp.GenerateCode(p.secret, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		v.Set("code", code)
	}
	return v
}

// newClient is a browser that nobody is signed in with; it follows no redirect.
func newClient(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// as is the same desk in another browser, where a new account of that role is
// signed in.
func (s *site) as(role db.Role) *site {
	s.t.Helper()
	return s.with(s.centre.person(fmt.Sprintf("%s%d", role, s.people.Add(1)), role))
}

// with is the desk in another browser, where p is signed in.
func (s *site) with(p person) *site {
	s.t.Helper()
	other := s.stranger()
	other.person = p
	got := other.post("/login", p.form(s.t))
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/" {
		s.t.Fatalf("signing %s in = %d to %q:\n%s", p.login, got.status, got.header.Get("Location"), got.body)
	}
	return other
}

// stranger is the desk in a browser where nobody is signed in.
func (s *site) stranger() *site {
	s.t.Helper()
	other := *s
	other.client, other.person = newClient(s.t), person{}
	return &other
}

// post sends a form as the desk's own page would.
func (s *site) post(path string, form url.Values) reply {
	s.t.Helper()
	return s.do(http.MethodPost, path, strings.NewReader(form.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
}

// cookie is what the browser sends, as a header.
func (s *site) cookie() string {
	s.t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	cookies := s.client.Jar.Cookies(u)
	if len(cookies) != 1 {
		s.t.Fatalf("the browser has %d cookies, want 1", len(cookies))
	}
	return cookies[0].String()
}
