package web_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/web"
)

// tables reads officers from the simplest of CSVs: the reading of real ones is
// tested where it is done.
func (c *centre) tables(desk *db.DB) web.Tables {
	return func(kind web.TableKind, name string, content []byte) (*web.Table, error) {
		rows, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		var officers []db.OfficerRow
		for i, r := range rows {
			officers = append(officers, db.OfficerRow{Line: i + 1, Name: r[0], Phone: r[1], Station: r[2]})
		}
		return &web.Table{Rows: len(rows), Take: func(ctx context.Context, by db.Actor, mode db.ImportMode) (db.Imported, error) {
			return desk.TakeOfficers(ctx, by, c.profile, officers, mode)
		}}, nil
	}
}

func (c *centre) count(query string) int {
	c.t.Helper()
	var n int
	if err := c.pg.Open(cluster.Owner).Get(&n, query); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// TestImport: a preview keeps nothing, one bad row keeps nothing, a yes counts
// once, and hostile names are shown and not obeyed.
func TestImport(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 2)
	s := serve(c)
	const fresh = "+6289900000777"
	table := fmt.Sprintf("<script>alert(1)</script>,%s,%s\n", fresh, stationCode(0))
	preview := s.upload("officers", "<img src=x>../../etc/passwd.csv", []byte(table))
	if preview.status != http.StatusOK || !strings.Contains(preview.body, "1 baris: 1 baru, 0 berubah, 0 sama") {
		t.Fatalf("preview = %d:\n%s", preview.status, preview.body)
	}
	if strings.Contains(preview.body, "<img") {
		t.Error("the name of a file is not tamed")
	}
	if n := c.count(`SELECT count(*) FROM registry.officer`); n != 2 {
		t.Errorf("%d officers after a preview, want 2", n)
	}
	form := url.Values{"token": {find(t, preview.body, `name="token" value="([A-Z0-9]+)"`)}}
	if got := s.as(db.RoleSupervisor).post("/registry/import/store", form); got.status != http.StatusConflict {
		t.Errorf("somebody else stores it: %d, want 409", got.status)
	}
	if got := s.post("/registry/import/store", form); got.status != http.StatusOK || !strings.Contains(got.body, "Tersimpan: 1 baru") {
		t.Errorf("storing = %d:\n%s", got.status, got.body)
	}
	if got := s.post("/registry/import/store", form); got.status != http.StatusConflict {
		t.Errorf("storing again = %d, want 409", got.status)
	}
	if n := c.count(`SELECT count(*) FROM staff.event WHERE kind = 'imported' AND detail = '1 new, 0 changed, 0 same'`); n != 1 {
		t.Errorf("%d imports are on record, want 1", n)
	}
	page := s.ask(http.MethodGet, "/registry/station/"+stationCode(0)).body
	if strings.Contains(page, "<script>alert") || !strings.Contains(page, "&lt;script&gt;alert(1)") || strings.Contains(page, fresh) {
		t.Error("a script in a name is not tamed, or a phone not masked")
	}
	bad := s.upload("officers", "salah.csv", []byte("Petugas Rekaan 0,+6289900000778,"+stationCode(0)+"\nSatu Lagi,bukan nomor,"+stationCode(1)+"\n"))
	if strings.Contains(bad.body, `name="token"`) || !strings.Contains(bad.body, "bukan nomor") {
		t.Errorf("a bad row = %d:\n%s", bad.status, bad.body)
	}
	moved := s.upload("officers", "pindah.csv", []byte("Petugas Rekaan 0,+6289900000778,"+stationCode(0)+"\n"))
	if strings.Contains(moved.body, `name="token"`) || !strings.Contains(moved.body, "takes two people") {
		t.Errorf("an import that changes a phone = %d:\n%s", moved.status, moved.body)
	}
}

// TestPhoneChange: one asks, another agrees, time passes, and only then the new
// phone reports.
func TestPhoneChange(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 2)
	one := serve(c)
	other := one.as(db.RoleAdmin)
	desk := open(t, c.pg.DSN(cluster.Desk))
	const fresh = "+6289900000779"
	path := "/registry/station/" + stationCode(0)
	officer := find(t, one.ask(http.MethodGet, path).body, `name="officer" value="(\d+)"`)
	ask := func(number string) reply {
		return one.post(path+"/phone", url.Values{"binding": {"0"}, "officer": {officer}, "phone": {number}, "reason": {"ponsel <b>hilang</b>"}})
	}
	if got := ask(phone(1)); got.status != http.StatusConflict {
		t.Errorf("another officer's phone = %d, want 409", got.status)
	}
	if got := ask("halo"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("no phone = %d, want 422", got.status)
	}
	if got := ask(fresh); got.status != http.StatusSeeOther {
		t.Fatalf("asking = %d:\n%s", got.status, got.body)
	}
	if got := ask("+6289900000780"); got.status != http.StatusConflict {
		t.Errorf("asking again = %d, want 409", got.status)
	}
	page := other.ask(http.MethodGet, "/registry").body
	if strings.Contains(page, fresh) || strings.Contains(page, "<b>hilang") {
		t.Error("the list of changes shows a phone or obeys a reason")
	}
	change := "/registry/change/" + find(t, page, `/registry/change/(\d+)`)
	agree := url.Values{"decision": {"agree"}}
	if got := one.post(change, agree); got.status != http.StatusForbidden {
		t.Errorf("agreeing to one's own = %d, want 403", got.status)
	}
	if got := other.post(change, agree); got.status != http.StatusSeeOther {
		t.Fatalf("agreeing = %d:\n%s", got.status, got.body)
	}
	if got := other.post(change, agree); got.status != http.StatusConflict {
		t.Errorf("agreeing again = %d, want 409", got.status)
	}
	apply := func(want int) {
		t.Helper()
		if n, err := desk.ApplyPhones(t.Context()); err != nil || n != want {
			t.Errorf("ApplyPhones = %d, %v, want %d", n, err, want)
		}
	}
	apply(0)
	if n := c.count(`SELECT count(*) FROM registry.phone WHERE phone = '` + fresh + `'`); n != 0 {
		t.Error("the phone changed before its time")
	}
	if _, err := c.pg.Open(cluster.Owner).Exec(`UPDATE staff.phone_change SET decided_at = now() - interval '3 hours', effective_at = now()`); err != nil {
		t.Fatal(err)
	}
	apply(1)
	apply(0)
	if n := c.count(`SELECT count(*) FROM registry.phone WHERE phone = '` + fresh + `' AND valid_until = 'infinity' AND valid_from <= now()`); n != 1 {
		t.Error("the phone did not change")
	}
	if n := c.count(`SELECT count(*) FROM registry.phone WHERE phone = '` + phone(0) + `' AND valid_until = 'infinity'`); n != 0 {
		t.Error("the old phone still reports")
	}
	if page := one.ask(http.MethodGet, path).body; !strings.Contains(page, "menyetujui ganti nomor") || !strings.Contains(page, "nomor mulai berlaku") {
		t.Error("the station's page does not tell who changed the phone")
	}
	if n := c.count(`SELECT count(DISTINCT kind) FROM staff.event WHERE kind IN ('phone_asked', 'phone_agreed', 'phone_changed')`); n != 3 {
		t.Errorf("%d of 3 steps are on record", n)
	}
}
