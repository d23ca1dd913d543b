package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/verify"
)

// A station of another district than the others of the tests.
const (
	hereArea     = 710801
	thereStation = "7108022001001"
	therePlace   = "Desa Seberang"
	thereText    = "halo dari seberang"
)

// twoAreas is a desk with a tally and an SMS in quarantine in each of two
// districts, and one SMS of a stranger.
func twoAreas(t *testing.T) *site {
	t.Helper()
	c := newCentre(t, dbtest.New(t), 1)
	desk, ctx := open(t, c.pg.DSN(cluster.Desk)), t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(desk.ImportAreas(ctx, []db.AreaRow{{
		Line: 2, Code: thereStation[:10], Name: therePlace, District: "Bintauna", Regency: "Bolaang Mongondow Utara", Province: "Sulawesi Utara",
	}}))
	must(desk.ImportStations(ctx, c.profile, []db.StationRow{{Line: 2, Code: thereStation, VotersL: 400, VotersP: 400}}, nil))
	must(desk.ImportOfficers(ctx, c.profile, []db.OfficerRow{{Line: 2, Name: "Petugas Seberang", Phone: phone(1), Station: thereStation}}, nil))
	registry, err := c.gateway.Registry(ctx, c.profile)
	must(nil, err)
	c.codes = nil
	for _, s := range registry.Stations {
		c.codes = append(c.codes, s.TPS)
	}
	c.take(phone(0), c.tally(0, 100, 50, 3), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 111, 51, 4), verify.OutcomeAccepted)
	c.take(phone(0), "halo dari sini", verify.OutcomeUnreadable)
	c.take(phone(1), thereText, verify.OutcomeUnreadable)
	c.take("+62800099999999", "siapa ini", verify.OutcomeUnknown)
	c.person("atasan", db.RoleAdmin) // without whom no account is changed
	return serve(c)
}

// limited is a browser of somebody of that role who works on the first district.
func (s *site) limited(login string, role db.Role) *site {
	s.t.Helper()
	p := s.centre.person(login, role)
	s.setArea(p, role, hereArea)
	return s.with(p)
}

func (s *site) setArea(p person, role db.Role, area int64) {
	s.t.Helper()
	desk := open(s.t, s.centre.pg.DSN(cluster.Desk))
	err := desk.ChangeStaff(s.t.Context(), db.Actor{}, db.Staff{ID: p.id, Name: p.login, Role: role, Area: area}, true)
	if err != nil {
		s.t.Fatal(err)
	}
}

func messagePath(sender, text string) string {
	sum := sha256.Sum256([]byte(sender + "\n" + text))
	h := hex.EncodeToString(sum[:16])
	return "/message/" + strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// A verifier of one area at another one's addresses: nothing is there, and
// nothing happens.
func TestOtherAreasAddresses(t *testing.T) {
	t.Parallel()
	s := twoAreas(t)
	camat := s.limited("camat", db.RoleVerifier)
	officer := strconv.Itoa(s.count(`SELECT officer FROM registry.phone WHERE phone = $1`, phone(1)))
	there, stranger := messagePath(phone(1), thereText), messagePath("+62800099999999", "siapa ini")
	decision := url.Values{"act": {"confirm"}, "revision": {"1"}, "version": {"1"}, "seen": {"1"}, "reason": {"uji"}, "note": {"uji"}, "reached": {"yes"}}
	figures := url.Values{"source": {"paper"}, "f0": {"1"}, "f1": {"2"}, "f2": {"3"}, "f3": {"0"}, "f4": {"3"}}
	before := s.facts()
	for path, form := range map[string]url.Values{
		"/case/" + thereStation + "/PILBUP":                        nil,
		"/case/" + thereStation + "/PILBUP/type":                   nil,
		"/case/" + thereStation + "/PILBUP/watch?version=1&seen=1": nil,
		there:          nil,
		stranger:       nil,
		"/area/710802": nil,
		"/case/" + thereStation + "/PILBUP/decide": decision,
		"/case/" + thereStation + "/PILBUP/call":   decision,
		"/case/" + thereStation + "/PILBUP/phone":  decision,
		"/case/" + thereStation + "/PILBUP/take":   decision,
		"/case/" + thereStation + "/PILBUP/type#":  figures,
		there + "/handle":                          {"kind": {"dismissed"}, "note": {"uji"}},
		there + "/attach":                          {"station": {stationCode(0)}, "note": {"uji"}},
		there + "/phone":                           decision,
		there + "/take":                            decision,
		"/unmask":                                  {"station": {thereStation}, "officer": {officer}},
	} {
		got := camat.askOrPost(strings.TrimSuffix(path, "#"), form)
		if got.status != http.StatusNotFound && got.status != http.StatusForbidden {
			t.Errorf("%s = %d, want 404 or 403", path, got.status)
		}
		if strings.Contains(got.body, thereText) || strings.Contains(got.body, therePlace) || strings.Contains(got.body, phone(1)) {
			t.Errorf("%s shows what is not of this area:\n%s", path, got.body)
		}
	}
	if after := s.facts(); after != before {
		t.Errorf("after all of them there are %s, before there were %s", after, before)
	}
	if got := s.ask(http.MethodGet, "/case/"+thereStation+"/PILBUP"); got.status != http.StatusOK {
		t.Errorf("the supervisor of all at the same case = %d", got.status)
	}
}

func (s *site) askOrPost(path string, form url.Values) reply {
	s.t.Helper()
	if form == nil {
		return s.ask(http.MethodGet, path)
	}
	return s.post(path, form)
}

// facts counts what people do.
func (s *site) facts() string {
	s.t.Helper()
	var out []string
	for _, table := range []string{"tally.decision", "tally.remark", "tally.typing", "tally.handling", "desk.claim", "desk.task"} {
		out = append(out, fmt.Sprint(table, " ", s.count(`SELECT count(*) FROM `+table)))
	}
	out = append(out, fmt.Sprint("unmasked ", s.count(`SELECT count(*) FROM staff.event WHERE kind = 'unmasked'`)))
	return strings.Join(out, ", ")
}

func (s *site) count(query string, args ...any) (n int) {
	s.t.Helper()
	if err := s.centre.pg.Open(cluster.Owner).GetContext(s.t.Context(), &n, query, args...); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// Lists, searches and exports hold rows of the own area; the totals are of all.
func TestOwnAreasRows(t *testing.T) {
	t.Parallel()
	s := twoAreas(t)
	for _, role := range []db.Role{db.RoleVerifier, db.RoleSupervisor} {
		camat := s.limited("camat-"+string(role), role)
		pages := map[string]string{ // and what is there of the own area
			"/queue": "PILBUP", "/queue?view=messages": "", "/queue/export": stationCode(0), "/queue/export?view=messages": "",
			"/log": "halo dari sini", "/log/export": "halo dari sini", "/log?phone=" + url.QueryEscape(phone(1)): "",
			"/search?q=halo": "halo dari sini", "/search?q=7108": stationCode(0), "/search?q=Desa+Seberang": "",
			"/chase": "", "/chase?area=710802": "", "/case/" + stationCode(0) + "/PILBUP": "halo dari sini", "/": "seluruh pemilihan",
		}
		if role == db.RoleSupervisor {
			pages["/registry?area=710801"], pages["/registry?area=710802"] = stationCode(0), ""
		}
		for path, want := range pages {
			got := camat.ask(http.MethodGet, path)
			if got.status != http.StatusOK || !strings.Contains(got.body, want) {
				t.Errorf("%s as %s = %d, want %q on it", path, role, got.status, want)
			}
			for _, no := range []string{thereText, thereStation, "siapa ini"} {
				if strings.Contains(got.body, no) {
					t.Errorf("%s as %s shows %q", path, role, no)
				}
			}
		}
		if got := camat.page(); !strings.Contains(got, therePlace) || strings.Contains(got, `data-section="recent"`) {
			t.Errorf("the overview of %s lacks the other district's figures, or shows everybody's SMS", role)
		}
		for _, path := range []string{"/staff", "/activity", "/registry/station/" + thereStation} {
			if got := camat.ask(http.MethodGet, path); got.status != http.StatusForbidden && got.status != http.StatusNotFound {
				t.Errorf("%s as %s = %d, want 403 or 404", path, role, got.status)
			}
		}
	}
}

// Rows that arrive come to the desks of their area, and of nobody else's.
func TestLiveRowsOfTheArea(t *testing.T) {
	t.Parallel()
	s := twoAreas(t)
	camat := s.limited("camat", db.RoleVerifier)
	rows := camat.follow("/queue/live")
	if first := rows.until(5*time.Second, "first rows", named("rows")); !strings.Contains(first.data, "PILBUP") || strings.Contains(first.data, therePlace) {
		t.Errorf("the first rows are %s", first.data)
	}
	whole := s.follow("/queue/live")
	whole.until(5*time.Second, "first rows", named("rows"))
	s.centre.take(phone(1), s.centre.tally(1, 112, 51, 4), verify.OutcomeConflict)
	whole.until(5*time.Second, "the conflict at the desk of all", func(e event) bool {
		return e.name == "rows" && strings.Contains(e.data, therePlace)
	})
	s.centre.take(phone(0), s.centre.tally(0, 101, 50, 3), verify.OutcomeConflict)
	next := rows.until(5*time.Second, "the conflict of the own area", named("rows"))
	if strings.Contains(next.data, therePlace) || !strings.Contains(next.data, "versi") {
		t.Errorf("the next rows are %s", next.data)
	}
}

// Another area is in force at once: what is open ends, what is asked next is
// asked anew, and the change is on record.
func TestAreaChangesAtOnce(t *testing.T) {
	t.Parallel()
	s := twoAreas(t)
	p := s.centre.person("camat", db.RoleVerifier)
	browser := s.with(p)
	live := browser.follow("/queue/live")
	live.until(5*time.Second, "first rows", named("rows"))
	admin := s.as(db.RoleAdmin)
	form := url.Values{"name": {"Camat Contoh"}, "role": {"verifier"}, "area": {strconv.Itoa(hereArea)}, "active": {"yes"}}
	if got := admin.post("/staff/"+strconv.FormatInt(p.id, 10), form); got.status != http.StatusSeeOther {
		t.Fatalf("changing the area = %d:\n%s", got.status, got.body)
	}
	if got := browser.ask(http.MethodGet, "/case/"+thereStation+"/PILBUP"); got.status != http.StatusSeeOther {
		t.Errorf("the open session = %d, want the way to sign in", got.status)
	}
	deadline := time.After(5 * time.Second)
	for open := true; open; {
		select {
		case _, open = <-live.events:
		case <-deadline:
			t.Fatal("the open queue goes on")
		}
	}
	if n := s.count(`SELECT count(*) FROM staff.event WHERE kind = 'account_changed' AND detail LIKE '%area 710801%'`); n != 1 {
		t.Errorf("%d changes on record, want 1", n)
	}
	if got := admin.ask(http.MethodGet, "/staff"); !strings.Contains(got.body, "Sangkub") {
		t.Error("the staff page does not name the area")
	}
	form.Set("role", "admin")
	if got := admin.post("/staff/"+strconv.FormatInt(p.id, 10), form); got.status != http.StatusUnprocessableEntity {
		t.Errorf("an admin of one area = %d, want 422", got.status)
	}
}
