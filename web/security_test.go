package web_test

import (
	"bytes"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/web"
)

// TestEveryRouteByEveryRole asks for each page of the desk as nobody and as each
// role: what is not for a role is refused whatever else the request says.
func TestEveryRouteByEveryRole(t *testing.T) {
	t.Parallel()
	s := serve(newCentre(t, dbtest.New(t), 1))
	people := map[db.Role]*site{"": s.stranger(), db.RoleSupervisor: s}
	for _, role := range []db.Role{db.RoleAdmin, db.RoleVerifier, db.RoleViewer} {
		people[role] = s.as(role)
	}
	routes := web.RoutesOf()
	if len(routes) < 20 {
		t.Fatalf("%d routes: where are the others?", len(routes))
	}
	for _, route := range routes {
		path := filled(route.Pattern)
		for role, browser := range people {
			if route.Pattern == "/logout" || route.Stream && slices.Contains(route.Roles, role) {
				continue // would sign the others' browser out; goes on for ever
			}
			got := browser.do(route.Method, path, nil, "Sec-Fetch-Site", "same-origin")
			switch {
			case len(route.Roles) == 0:
				if got.status == http.StatusForbidden {
					t.Errorf("%s %s as %q = 403, it is for everybody", route.Method, path, role)
				}
			case role == "":
				to := got.header.Get("Location")
				if !(got.status == http.StatusSeeOther && strings.HasPrefix(to, "/login?")) && got.status != http.StatusUnauthorized {
					t.Errorf("%s %s as nobody = %d to %q, want the way to sign in", route.Method, path, got.status, to)
				}
			case !slices.Contains(route.Roles, role):
				if got.status != http.StatusForbidden {
					t.Errorf("%s %s as %s = %d, want 403", route.Method, path, role, got.status)
				}
			case got.status == http.StatusForbidden || got.status == http.StatusUnauthorized:
				t.Errorf("%s %s as %s = %d, it is for %v", route.Method, path, role, got.status, route.Roles)
			}
		}
	}
}

// filled puts something in the place of what a pattern leaves open.
func filled(pattern string) string {
	pattern = strings.TrimSuffix(pattern, "{$}")
	for strings.Contains(pattern, "{") {
		before, rest, _ := strings.Cut(pattern, "{")
		_, after, _ := strings.Cut(rest, "}")
		pattern = before + "999999999" + after
	}
	return pattern
}

func TestForeignOrigin(t *testing.T) {
	t.Parallel()
	s := serve(newCentre(t, dbtest.New(t), 1))
	form := url.Values{"language": {"en"}}.Encode()
	for name, header := range map[string][]string{
		"cross-site fetch": {"Sec-Fetch-Site", "cross-site"},
		"same-site fetch":  {"Sec-Fetch-Site", "same-site"},
		"foreign origin":   {"Origin", "https://tali.example"},
		"null origin":      {"Origin", "null"},
	} {
		header = append(header, "Content-Type", "application/x-www-form-urlencoded")
		got := s.do(http.MethodPost, "/account/language", strings.NewReader(form), header...)
		if got.status != http.StatusForbidden || !strings.Contains(got.body, "tidak berasal dari halaman tali") {
			t.Errorf("%s: POST = %d, want 403", name, got.status)
		}
	}
	if got := s.ask(http.MethodGet, "/account"); !strings.Contains(got.body, `value="id" selected`) {
		t.Error("a foreign page changed the language")
	}
	if got := s.post("/account/language", url.Values{"language": {"en"}}); got.status != http.StatusSeeOther {
		t.Errorf("our own page = %d, want 303", got.status)
	}
	if got := s.page(); !strings.Contains(got, `<html lang="en">`) || !strings.Contains(got, "Provisional data") {
		t.Error("the page is not English afterwards")
	}
}

// TestCookie: scripts cannot read it, no other site sends it, and over TLS it
// belongs to this host alone.
func TestCookie(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	plain := serve(c).stranger()
	got := plain.post("/login", c.person("satu", db.RoleViewer).form(t)).header.Get("Set-Cookie")
	for _, want := range []string{"tali=", "Path=/", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(got, want) {
			t.Errorf("cookie %q lacks %s", got, want)
		}
	}
	if strings.Contains(got, "Secure") || strings.Contains(got, "Max-Age") {
		t.Errorf("cookie without TLS = %q", got)
	}
	secure := startSecure(c)
	answer := secure.post("/login", c.person("dua", db.RoleViewer).form(t))
	got = answer.header.Get("Set-Cookie")
	if !strings.HasPrefix(got, "__Host-tali=") || !strings.Contains(got, "Secure") {
		t.Errorf("cookie over TLS = %q", got)
	}
	if answer.header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS over TLS")
	}
}

// TestSessionFixation: a token that somebody planted is worth nothing after the
// sign-in, and one is never taken from the address.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	s := serve(c).stranger()
	const planted = "tali=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	form := c.person("satu", db.RoleVerifier).form(t)
	got := s.do(http.MethodPost, "/login", strings.NewReader(form.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Cookie", planted)
	if got.status != http.StatusSeeOther || strings.Contains(got.header.Get("Set-Cookie"), planted) {
		t.Fatalf("sign-in = %d with %q", got.status, got.header.Get("Set-Cookie"))
	}
	other := s.stranger()
	if got := other.do(http.MethodGet, "/", nil, "Cookie", planted); got.status != http.StatusSeeOther {
		t.Errorf("with the planted token GET / = %d, want the way to sign in", got.status)
	}
	// Signing in again in the same browser gives another token and ends the first.
	first := s.cookie()
	if got := s.post("/login", c.person("dua", db.RoleVerifier).form(t)); got.status != http.StatusSeeOther {
		t.Fatalf("second sign-in = %d", got.status)
	}
	if s.cookie() == first {
		t.Error("the token is the same after another sign-in")
	}
	if got := other.do(http.MethodGet, "/", nil, "Cookie", first); got.status != http.StatusSeeOther {
		t.Errorf("with the token of before GET / = %d, want the way to sign in", got.status)
	}
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	s := serve(c)
	p := c.person("penyelia", db.RoleSupervisor)
	good := p.form(t)
	for name, change := range map[string]func(url.Values){
		"no code":    func(v url.Values) { v.Del("code") },
		"wrong code": func(v url.Values) { v.Set("code", "000000") },
	} {
		form := url.Values{"login": good["login"], "password": good["password"], "code": good["code"]}
		change(form)
		if form.Get("code") == good.Get("code") {
			t.Skip("the right code is 000000")
		}
		if got := s.stranger().post("/login", form); got.status != http.StatusUnauthorized {
			t.Errorf("%s = %d, want 401", name, got.status)
		}
	}
	if got := s.stranger().post("/login", good); got.status != http.StatusSeeOther {
		t.Fatalf("the right code = %d, want 303:\n%s", got.status, got.body)
	}
	if got := s.stranger().post("/login", good); got.status != http.StatusUnauthorized {
		t.Errorf("the same code again = %d, want 401", got.status)
	}
	old, err := totp.GenerateCode(p.secret, time.Now().Add(-5*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	good.Set("code", old)
	if got := s.stranger().post("/login", good); got.status != http.StatusUnauthorized {
		t.Errorf("a code of five minutes ago = %d, want 401", got.status)
	}
}

// TestLockOut: after five wrong passwords the right one does not help either,
// until the wait is over; nobody is told which accounts exist.
func TestLockOut(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	s := serve(c).stranger()
	p := c.person("satu", db.RoleVerifier)
	wrong := url.Values{"login": {p.login}, "password": {"bukan ini"}}
	var known reply
	for range 5 {
		if known = s.post("/login", wrong); known.status != http.StatusUnauthorized {
			t.Fatalf("wrong password = %d, want 401", known.status)
		}
	}
	unknown := s.post("/login", url.Values{"login": {"tiada"}, "password": {"bukan ini"}})
	if unknown.status != known.status || strings.ReplaceAll(unknown.body, "tiada", p.login) != known.body {
		t.Error("an account that exists answers unlike one that does not")
	}
	if got := s.post("/login", p.form(t)); got.status != http.StatusUnauthorized {
		t.Errorf("the right password on a locked account = %d, want 401", got.status)
	}
	owner := c.pg.Open(cluster.Owner)
	var wait float64
	if err := owner.Get(&wait, `SELECT extract(epoch FROM locked_until - now()) FROM staff.account WHERE login = 'satu'`); err != nil || wait < 5 || wait > 35 {
		t.Errorf("the lock is for %.0f s, %v, want about 30", wait, err)
	}
	unlock := func() {
		t.Helper()
		if _, err := owner.Exec(`UPDATE staff.account SET locked_until = now() WHERE login = 'satu'`); err != nil {
			t.Fatal(err)
		}
	}
	unlock()
	s.post("/login", wrong)
	if err := owner.Get(&wait, `SELECT extract(epoch FROM locked_until - now()) FROM staff.account WHERE login = 'satu'`); err != nil || wait < 40 || wait > 65 {
		t.Errorf("the next lock is for %.0f s, %v, want about 60", wait, err)
	}
	unlock()
	if got := s.post("/login", p.form(t)); got.status != http.StatusSeeOther {
		t.Errorf("the right password after the wait = %d, want 303", got.status)
	}
	var failed int
	if err := owner.Get(&failed, `SELECT count(*) FROM staff.event WHERE kind = 'login_failed'`); err != nil || failed != 8 {
		t.Errorf("%d failed sign-ins are on record, %v, want 8", failed, err)
	}
}

// TestGuessingAtOnce: a hundred guesses at the same moment are no more than a
// few in a row.
func TestGuessingAtOnce(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	c.person("satu", db.RoleVerifier)
	desk := open(t, c.pg.DSN(cluster.Desk))
	answers := make(chan error, 30)
	for range cap(answers) {
		go func() {
			_, err := desk.BeginLogin(t.Context(), "satu")
			answers <- err
		}()
	}
	admitted := 0
	for range cap(answers) {
		if err := <-answers; err == nil {
			admitted++
		}
	}
	if admitted != 5 {
		t.Errorf("%d of %d guesses were admitted, want 5", admitted, cap(answers))
	}
}

func TestSessionLimits(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"idle":       `UPDATE staff.session SET seen_at = now() - interval '31 minutes'`,
		"absolute":   `UPDATE staff.session SET expires_at = now() - interval '1 second'`,
		"deleted":    `DELETE FROM staff.session`,
		"not active": `UPDATE staff.account SET active = false`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCentre(t, dbtest.New(t), 1)
			s := serve(c)
			s.page()
			if _, err := c.pg.Open(cluster.Owner).Exec(change); err != nil {
				t.Fatal(err)
			}
			if got := s.ask(http.MethodGet, "/"); got.status != http.StatusSeeOther {
				t.Errorf("GET / = %d, want the way to sign in", got.status)
			}
			if got := s.post("/account/language", url.Values{"language": {"en"}}); got.status != http.StatusUnauthorized || !strings.Contains(got.body, "Sesi Anda berakhir") {
				t.Errorf("a form = %d, want 401 and how to keep it", got.status)
			}
		})
	}
}

// TestSignOutEverywhere ends the session of another browser, and the page that
// goes on there.
func TestSignOutEverywhere(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	s := serve(c)
	p := c.person("satu", db.RoleVerifier)
	here, there := s.with(p), s.with(p)
	w := there.watch()
	w.until(patience, "time", named("at"))
	if got := here.ask(http.MethodGet, "/account"); strings.Count(got.body, `name="session" value="`) != 2 {
		t.Errorf("the account page does not list both sessions:\n%s", got.body)
	}
	if got := here.post("/account/sessions", url.Values{"session": {"others"}}); got.status != http.StatusSeeOther {
		t.Fatalf("signing out elsewhere = %d", got.status)
	}
	if got := there.ask(http.MethodGet, "/"); got.status != http.StatusSeeOther {
		t.Errorf("the other browser still gets %d", got.status)
	}
	here.page()
	w.until(2*patience, "end of the session", named("out"))
	if got := here.post("/logout", nil); got.status != http.StatusSeeOther {
		t.Errorf("signing out = %d", got.status)
	}
	if got := here.ask(http.MethodGet, "/"); got.status != http.StatusSeeOther {
		t.Errorf("after signing out GET / = %d", got.status)
	}
}

// TestWhereNextLeads: only to a page of ours.
func TestWhereNextLeads(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	s := serve(c)
	for i, next := range []string{"https://tali.example/", "//tali.example", `/\tali.example`, "javascript:alert(1)", "/login", "relative"} {
		form := c.person(fmt.Sprintf("orang%d", i), db.RoleViewer).form(t)
		form.Set("next", next)
		if got := s.stranger().post("/login", form); got.header.Get("Location") != "/" {
			t.Errorf("next=%q leads to %q", next, got.header.Get("Location"))
		}
	}
	form := c.person("lain", db.RoleViewer).form(t)
	form.Set("next", "/account?x=1")
	if got := s.stranger().post("/login", form); got.header.Get("Location") != "/account?x=1" {
		t.Errorf("a page of ours: next leads to %q", got.header.Get("Location"))
	}
}

// TestInvitation: a link works once, needs a good password and, for some roles,
// the first code.
func TestInvitation(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	admin := serve(c).as(db.RoleAdmin)
	got := admin.post("/staff", url.Values{"login": {"baru"}, "name": {`<script>alert(1)</script>`}, "role": {"supervisor"}})
	if got.status != http.StatusOK || strings.Contains(got.body, "<script>alert") {
		t.Fatalf("adding an account = %d:\n%s", got.status, got.body)
	}
	link := find(t, got.body, `/welcome/([A-Z0-9]+)`)
	guest := admin.stranger()
	page := guest.ask(http.MethodGet, "/welcome/"+link)
	if strings.Contains(page.body, "<script>alert") {
		t.Error("a script in a name is not tamed")
	}
	secret := find(t, page.body, `<code>([A-Z2-7]+)</code>`)
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	const long = "kapal kayu tanpa layar"
	for name, form := range map[string]url.Values{
		"short":     {"password": {"pendek"}, "again": {"pendek"}, "code": {code}},
		"its login": {"password": {"sandi-baru-sekali"}, "again": {"sandi-baru-sekali"}, "code": {code}},
		"differs":   {"password": {long}, "again": {long + "!"}, "code": {code}},
		"no code":   {"password": {long}, "again": {long}},
	} {
		if got := guest.post("/welcome/"+link, form); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d, want 422", name, got.status)
		}
	}
	good := url.Values{"password": {long}, "again": {long}, "code": {code}}
	if got := guest.post("/welcome/"+link, good); got.status != http.StatusSeeOther {
		t.Fatalf("accepting = %d:\n%s", got.status, got.body)
	}
	if got := guest.post("/welcome/"+link, good); got.status != http.StatusNotFound {
		t.Errorf("the link again = %d, want 404", got.status)
	}
	if got := guest.post("/login", url.Values{"login": {"baru"}, "password": {long}, "code": {code}}); got.status != http.StatusUnauthorized {
		t.Errorf("signing in with the code that confirmed the factor = %d, want 401", got.status)
	}
	if got := admin.post("/staff", url.Values{"login": {"baru"}, "name": {"Lain"}, "role": {"viewer"}}); got.status != http.StatusConflict {
		t.Errorf("the same login again = %d, want 409", got.status)
	}
}

// TestOwnAccount: a password is changed with the old one only and signs other
// browsers out; a verifier may set up a second factor, which is asked for then.
func TestOwnAccount(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	s := serve(c)
	p := c.person("satu", db.RoleVerifier)
	here, there := s.with(p), s.with(p)
	const fresh = "jagung manis dua belas"
	if got := here.post("/account/password", url.Values{"old": {"bukan ini"}, "password": {fresh}, "again": {fresh}}); got.status != http.StatusUnprocessableEntity {
		t.Errorf("without the old password = %d, want 422", got.status)
	}
	token := here.cookie()
	if got := here.post("/account/password", url.Values{"old": {password}, "password": {fresh}, "again": {fresh}}); got.status != http.StatusSeeOther {
		t.Fatalf("changing the password = %d:\n%s", got.status, got.body)
	}
	if here.cookie() == token {
		t.Error("the session has its old token")
	}
	here.page()
	if got := there.ask(http.MethodGet, "/"); got.status != http.StatusSeeOther {
		t.Errorf("the other browser gets %d, want the way to sign in", got.status)
	}
	here.post("/account/totp/offer", nil)
	secret := find(t, here.ask(http.MethodGet, "/account").body, `<code>([A-Z2-7]+)</code>`)
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got := here.post("/account/totp/confirm", url.Values{"code": {"123"}}); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong first code = %d, want 422", got.status)
	}
	if got := here.post("/account/totp/confirm", url.Values{"code": {code}}); got.status != http.StatusSeeOther {
		t.Fatalf("the first code = %d", got.status)
	}
	if got := here.post("/account/totp/offer", nil); got.status != http.StatusSeeOther || strings.Contains(here.ask(http.MethodGet, "/account").body, "<code>") {
		t.Error("a factor in force is offered anew")
	}
	if got := s.stranger().post("/login", url.Values{"login": {"satu"}, "password": {fresh}}); got.status != http.StatusUnauthorized {
		t.Errorf("signing in without the code = %d, want 401", got.status)
	}
}

func TestLastAdminStays(t *testing.T) {
	t.Parallel()
	admin := serve(newCentre(t, dbtest.New(t), 1)).as(db.RoleAdmin)
	path := fmt.Sprintf("/staff/%d", admin.person.id)
	if got := admin.post(path, url.Values{"name": {"Admin"}, "role": {"viewer"}, "active": {"yes"}}); got.status != http.StatusConflict {
		t.Errorf("the last admin becomes a viewer: %d, want 409", got.status)
	}
	second := admin.as(db.RoleAdmin)
	if got := second.post(path, url.Values{"name": {"Admin"}, "role": {"viewer"}, "active": {"yes"}}); got.status != http.StatusSeeOther {
		t.Fatalf("one of two admins becomes a viewer: %d, want 303", got.status)
	}
	if got := admin.ask(http.MethodGet, "/staff"); got.status != http.StatusSeeOther {
		t.Errorf("the browser of the former admin gets %d, want the way to sign in", got.status)
	}
}

// TestUnmasking: numbers are masked until somebody asks, and that is on record.
func TestUnmasking(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 3)
	s := serve(c).as(db.RoleVerifier)
	page := s.ask(http.MethodGet, "/chase").body
	if strings.Contains(page, phone(1)) || !strings.Contains(page, "Petugas Rekaan 1") {
		t.Fatal("the chase list does not mask, or lacks the officer")
	}
	owner := c.pg.Open(cluster.Owner)
	var officer int
	if err := owner.Get(&officer, `SELECT officer FROM registry.phone WHERE phone = $1`, phone(1)); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"station": {stationCode(1)}, "officer": {fmt.Sprint(officer)}}
	if got := s.post("/unmask", form); !strings.Contains(html.UnescapeString(got.body), `href="tel:`+phone(1)+`"`) {
		t.Errorf("unmasking = %d %q", got.status, got.body)
	}
	var record string
	if err := owner.Get(&record, `SELECT a.login || ' ' || e.subject || ' ' || e.detail FROM staff.event e JOIN staff.account a ON a.id = e.account WHERE e.kind = 'unmasked'`); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%s officer %d station %s", s.person.login, officer, stationCode(1)); record != want {
		t.Errorf("on record is %q, want %q", record, want)
	}
	viewer := s.as(db.RoleViewer)
	if got := viewer.post("/unmask", form); got.status != http.StatusForbidden {
		t.Errorf("a viewer unmasks: %d, want 403", got.status)
	}
	if strings.Contains(viewer.page(), `data-section="recent"`) {
		t.Error("a viewer reads the officers' SMS")
	}
}

// upload sends a table.
func (s *site) upload(kind, name string, content []byte) reply {
	s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("kind", kind); err != nil {
		s.t.Fatal(err)
	}
	file, err := form.CreateFormFile("table", name)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := file.Write(content); err != nil {
		s.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		s.t.Fatal(err)
	}
	return s.do(http.MethodPost, "/registry/import", &body, "Content-Type", form.FormDataContentType(), "Sec-Fetch-Site", "same-origin")
}

func TestOversizedBodies(t *testing.T) {
	t.Parallel()
	s := serve(newCentre(t, dbtest.New(t), 1))
	if got := s.upload("stations", "besar.csv", bytes.Repeat([]byte("7108012001001,1\n"), 500_000)); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a table of 8 MB = %d, want 413", got.status)
	}
	if got := s.post("/login", url.Values{"login": {strings.Repeat("a", 100_000)}}); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of 100 kB = %d, want 413", got.status)
	}
}
