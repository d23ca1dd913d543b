package db_test

import (
	"errors"
	"testing"
	"time"

	"tali/db"
	"tali/db/cluster"
)

// agreePhone has two people of the desk agree to the one change that is open, and
// brings it into force. The first of them cannot be the second too.
func (c *centre) agreePhone(to string) {
	c.t.Helper()
	c.staff()
	account := func(login string) db.Actor {
		return db.Actor{ID: int64(c.number(`SELECT id FROM staff.account WHERE login = $1`, login))}
	}
	open, err := c.desk.OpenPhones(c.t.Context(), c.profile)
	if err != nil || len(open) != 1 || open[0].New != to || open[0].AskedBy != "" {
		c.t.Fatalf("open changes: %+v, %v, want one to %s that the command line asked for", open, err, to)
	}
	if err := c.desk.AgreePhone(c.t.Context(), account("citra"), open[0].ID, 0); err != nil {
		c.t.Fatal(err)
	}
	if n, err := c.desk.ApplyPhones(c.t.Context()); err != nil || n != 0 {
		c.t.Fatalf("with one person ApplyPhones = %d, %v, want 0", n, err)
	}
	if err := c.desk.AgreePhone(c.t.Context(), account("citra"), open[0].ID, 0); !errors.Is(err, db.ErrSamePerson) {
		c.t.Fatalf("the same person again: %v, want ErrSamePerson", err)
	}
	if err := c.desk.AgreePhone(c.t.Context(), account("ani"), open[0].ID, 0); err != nil {
		c.t.Fatal(err)
	}
	if n, err := c.desk.ApplyPhones(c.t.Context()); err != nil || n != 1 {
		c.t.Fatalf("ApplyPhones = %d, %v, want 1", n, err)
	}
}

// No import binds a second phone of an officer: not with the first in the same
// table, not by another spelling of the name, not by SQL.
func TestImportAddsNoSecondPhone(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	const other = "+6289900007005"
	var bad *db.RowErrors
	both := []db.OfficerRow{
		{Line: 2, Name: "Petugas 0", Phone: phone(0), Station: stationCode(0)},
		{Line: 3, Name: "Petugas 0", Phone: other, Station: stationCode(0)},
	}
	if _, err := c.desk.ImportOfficers(t.Context(), c.profile, both, nil); !errors.As(err, &bad) || bad.Rows[0].Line != 3 {
		t.Errorf("the old phone and another one: %v, want an error about line 3", err)
	}
	if _, err := c.desk.TakeOfficers(t.Context(), db.Actor{}, c.profile, both, db.ImportStore); !errors.As(err, &bad) || bad.Rows[0].Line != 3 {
		t.Errorf("the same from the desk: %v, want an error about line 3", err)
	}
	spelled := []db.OfficerRow{{Line: 2, Name: " PETUGAS  0", Phone: other, Station: stationCode(0)}}
	if got, err := c.desk.ImportOfficers(t.Context(), c.profile, spelled, nil); err != nil || got != (db.Imported{Asked: 1}) {
		t.Errorf("another spelling: %+v, %v, want asked for", got, err)
	}
	for name, query := range map[string]string{
		"of the officer": `INSERT INTO registry.phone (election, phone, station, officer, valid_from)
			SELECT election, '` + other + `', station, officer, now() FROM registry.phone WHERE phone = '` + phone(0) + `'`,
		"of a namesake": `WITH o AS (INSERT INTO registry.officer (election, name) SELECT election, 'petugas 0' FROM registry.officer LIMIT 1 RETURNING id)
			INSERT INTO registry.phone (election, phone, station, officer, valid_from)
			SELECT p.election, '` + other + `', p.station, o.id, now() FROM registry.phone p, o WHERE p.phone = '` + phone(0) + `'`,
		"agreed by the asker": `UPDATE staff.phone_change SET asked_by = 1, state = 'agreed', decided_by = 2, decided_at = now(), effective_at = now()`,
		"agreed by nobody":    `UPDATE staff.phone_change SET state = 'agreed', decided_by = 1, decided_at = now(), effective_at = now()`,
	} {
		if _, err := c.pg.Open(cluster.Desk).ExecContext(t.Context(), query); err == nil {
			t.Errorf("another phone %s was taken", name)
		}
	}
	if n := c.number(`SELECT count(*) FROM registry.phone WHERE phone = $1`, other); n != 0 {
		t.Errorf("%d bindings of the other phone, want none", n)
	}
	// An officer whom the station did not have is bound at once.
	fresh := []db.OfficerRow{{Line: 2, Name: "Petugas Baru", Phone: "+6289900007006", Station: stationCode(0)}}
	if got, err := c.desk.ImportOfficers(t.Context(), c.profile, fresh, nil); err != nil || got.New != 1 {
		t.Errorf("a new officer: %+v, %v", got, err)
	}
}

// A table changes the phone of nobody who is known: it asks, once for all
// stations of an officer, and the old phone reports until somebody has agreed.
func TestImportAsksForChangedPhones(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 3)
	both := []db.OfficerRow{
		{Line: 2, Name: "Petugas 0", Phone: phone(0), Station: stationCode(0)},
		{Line: 3, Name: "Petugas 0", Phone: phone(0), Station: stationCode(1)},
	}
	if got, err := c.desk.ImportOfficers(t.Context(), c.profile, both, nil); err != nil || got.New != 1 {
		t.Fatalf("a second station: %+v, %v", got, err)
	}
	moved := []db.OfficerRow{
		{Line: 2, Name: "Petugas 0", Phone: "+6289900007001", Station: stationCode(0)},
		{Line: 3, Name: "Petugas 0", Phone: "+6289900007001", Station: stationCode(1)},
	}
	if got, err := c.desk.ImportOfficers(t.Context(), c.profile, moved, nil); err != nil || got != (db.Imported{Same: 1, Asked: 1}) {
		t.Fatalf("another phone: %+v, %v, want asked for once", got, err)
	}
	if got := outcomes(c.intake(c.tally(0, 145))); got != "accepted" {
		t.Errorf("the old phone before anybody agreed: %q, want accepted", got)
	}
	moved[0].Phone = "+6289900007002"
	var bad *db.RowErrors
	if _, err := c.desk.ImportOfficers(t.Context(), c.profile, moved[:1], nil); !errors.As(err, &bad) || bad.Rows[0].Line != 2 {
		t.Errorf("a third phone while the second is open: %v, want an error about line 2", err)
	}
	c.agreePhone("+6289900007001")
	late := c.tally(0, 146)
	late.ReceivedAt = time.Now().Add(time.Hour)
	if got := outcomes(c.intake(late)); got != "unknown" {
		t.Errorf("the old phone afterwards: %q, want unknown", got)
	}
	var stations int
	err := c.owner().GetContext(t.Context(), &stations,
		`SELECT count(*) FROM registry.phone WHERE phone = '+6289900007001' AND valid_until = 'infinity'`)
	if err != nil || stations != 2 {
		t.Errorf("the new phone reports for %d stations, %v, want both", stations, err)
	}
}
