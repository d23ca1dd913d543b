package db_test

import (
	"errors"
	"testing"
	"time"

	"tali/db"
)

// agreePhone has the second person agree to the one change that is open, and
// brings it into force.
func (c *centre) agreePhone(to string) {
	c.t.Helper()
	c.staff()
	var citra int64
	if err := c.owner().GetContext(c.t.Context(), &citra, `SELECT id FROM staff.account WHERE login = 'citra'`); err != nil {
		c.t.Fatal(err)
	}
	open, err := c.desk.OpenPhones(c.t.Context(), c.profile)
	if err != nil || len(open) != 1 || open[0].New != to || open[0].AskedBy != "" {
		c.t.Fatalf("open changes: %+v, %v, want one to %s that the command line asked for", open, err, to)
	}
	if err := c.desk.AgreePhone(c.t.Context(), db.Actor{ID: citra}, open[0].ID, 0); err != nil {
		c.t.Fatal(err)
	}
	if n, err := c.desk.ApplyPhones(c.t.Context()); err != nil || n != 1 {
		c.t.Fatalf("ApplyPhones = %d, %v, want 1", n, err)
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
