package db_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"tali/db"
	"tali/parser"
)

func TestOpenElection(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	if _, err := c.gateway.OpenElection(t.Context(), c.profile); err != nil {
		t.Errorf("opening again, as a gateway: %v", err)
	}
	texts := election(t, func(p *parser.Profile) { p.Texts["accepted"] = []string{"TERIMA"} })
	changed := election(t, func(p *parser.Profile) { p.Digest = strings.Repeat("b2", 32) })
	if _, err := c.gateway.OpenElection(t.Context(), texts); !errors.Is(err, db.ErrForbidden) {
		t.Errorf("new texts, as a gateway: %v, want ErrForbidden", err)
	}
	if _, err := c.desk.OpenElection(t.Context(), changed); err != nil {
		t.Errorf("another digest before any message: %v", err)
	}
	if _, err := c.desk.OpenElection(t.Context(), c.profile); err != nil {
		t.Errorf("and back: %v", err)
	}
	c.intake(c.tally(0, 145))
	if _, err := c.desk.OpenElection(t.Context(), changed); !errors.Is(err, db.ErrProfileChanged) {
		t.Errorf("another digest after a message: %v, want ErrProfileChanged", err)
	}
	if _, err := c.desk.OpenElection(t.Context(), texts); err != nil {
		t.Errorf("new texts after a message: %v", err)
	}
	other := election(t, func(p *parser.Profile) { p.Phase = parser.PhaseReal })
	other.Digest = strings.Repeat("c3", 32)
	if _, err := c.desk.OpenElection(t.Context(), other); !errors.Is(err, db.ErrProfileChanged) {
		t.Errorf("the real election under the rehearsal's id: %v, want ErrProfileChanged", err)
	}
}

func TestIntakeNeedsAnOpenedElection(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	b := c.batch(c.tally(0, 145))
	b.Profile = election(t, func(p *parser.Profile) { p.ID = "lain" })
	if _, err := c.gateway.Intake(t.Context(), b); !errors.Is(err, db.ErrNotOpened) {
		t.Errorf("Intake = %v, want ErrNotOpened", err)
	}
}

func TestImportStations(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 3)
	if want := "10000103"; !strings.HasPrefix(c.codes[0], "100001") || len(c.codes[0]) != len(want) {
		t.Errorf("first code = %s, want 100001 and check digits", c.codes[0])
	}
	rows := stationRows(4)
	rows[1].VotersL = 300
	var steps []int
	got, err := c.desk.ImportStations(t.Context(), c.profile, rows, func(done, _ int) { steps = append(steps, done) })
	if want := (db.Imported{New: 1, Changed: 1, Same: 2}); err != nil || got != want {
		t.Errorf("ImportStations = %+v, %v, want %+v", got, err, want)
	}
	if want := []int{4}; !reflect.DeepEqual(steps, want) {
		t.Errorf("progress = %v, want %v", steps, want)
	}
	got, err = c.desk.ImportStations(t.Context(), c.profile, rows, nil)
	if want := (db.Imported{Same: 4}); err != nil || got != want {
		t.Errorf("again: %+v, %v, want %+v", got, err, want)
	}
	registry, err := c.gateway.Registry(t.Context(), c.profile)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range registry.Stations {
		if i < len(c.codes) && s.TPS != c.codes[i] {
			t.Errorf("station %s: code = %s, was %s", s.Code, s.TPS, c.codes[i])
		}
		if !parser.TPSCode(s.TPS).Valid() {
			t.Errorf("station %s: code %s does not check", s.Code, s.TPS)
		}
	}
}

func TestBadStationRows(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	for name, rows := range map[string][]db.StationRow{
		"unknown village": {{Line: 2, Code: "7108019999001"}, {Line: 3, Code: stationCode(1)}},
		"other regency":   {{Line: 2, Code: "7109012001001"}},
		"no code":         {{Line: 2, Code: "71080120010"}},
		"twice":           {{Line: 1, Code: stationCode(5)}, {Line: 2, Code: stationCode(5)}},
	} {
		_, err := c.desk.ImportStations(t.Context(), c.profile, rows, nil)
		var bad *db.RowErrors
		if !errors.As(err, &bad) || len(bad.Rows) != 1 || bad.Rows[0].Line != 2 {
			t.Errorf("%s: error %v, want one about line 2", name, err)
		}
	}
	if got := c.number(`SELECT count(*) FROM registry.station`); got != 1 {
		t.Errorf("stations after bad imports = %d, want 1", got)
	}
}

func TestImportOfficers(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 3)
	rows := []db.OfficerRow{
		{Line: 2, Name: "Petugas 0", Phone: phone(0), Station: c.codes[0]},             // by TPS code: the same
		{Line: 3, Name: "Petugas 1", Phone: "0800-1111-2222", Station: stationCode(1)}, // a new phone
		{Line: 4, Name: "Petugas Dua", Phone: phone(2), Station: stationCode(2)},       // a new name
		{Line: 5, Name: "Petugas 0", Phone: phone(0), Station: stationCode(1)},         // a second station
	}
	got, err := c.desk.ImportOfficers(t.Context(), c.profile, rows, nil)
	if want := (db.Imported{New: 1, Changed: 1, Same: 1, Asked: 1}); err != nil || got != want {
		t.Fatalf("ImportOfficers = %+v, %v, want %+v", got, err, want)
	}
	if got, err := c.desk.ImportOfficers(t.Context(), c.profile, rows, nil); err != nil || got.Same != 4 {
		t.Errorf("again: %+v, %v, want 4 the same", got, err)
	}
	c.agreePhone("+6280011112222")
	// By the time of receipt: before the change the old phone counts.
	old, late := c.tally(1, 145), c.tally(1, 146)
	late.ReceivedAt = time.Now().Add(time.Hour)
	if got := outcomes(c.intake(old, late)); got != "accepted unknown" {
		t.Errorf("old phone before and after the change: %q, want accepted unknown", got)
	}
	registry, err := c.gateway.Registry(t.Context(), c.profile)
	if err != nil {
		t.Fatal(err)
	}
	if o := registry.Officer("+6280011112222"); o == nil || o.Name != "Petugas 1" {
		t.Errorf("officer of the new phone = %+v", o)
	}
	if o := registry.Officer(phone(0)); o == nil || len(o.Stations) != 2 {
		t.Errorf("officer of two stations = %+v", o)
	}
}

func TestBadOfficerRows(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	for name, row := range map[string]db.OfficerRow{
		"no phone":         {Line: 7, Name: "A", Phone: "3636", Station: stationCode(0)},
		"no station":       {Line: 7, Name: "A", Phone: "0812345678", Station: "7108012001999"},
		"no name":          {Line: 7, Phone: "0812345678", Station: stationCode(0)},
		"somebody's phone": {Line: 7, Name: "A", Phone: phone(1), Station: stationCode(0)},
	} {
		_, err := c.desk.ImportOfficers(t.Context(), c.profile, []db.OfficerRow{row}, nil)
		var bad *db.RowErrors
		if !errors.As(err, &bad) || len(bad.Rows) != 1 || bad.Rows[0].Line != 7 {
			t.Errorf("%s: error %v, want one about line 7", name, err)
		}
	}
}

func TestGatewayAndOverview(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 3)
	if err := c.desk.CheckVersion(t.Context()); err != nil {
		t.Error(err)
	}
	status := db.GatewayStatus{Name: "gw1", Version: "1", SpoolQueued: 4, Modems: []db.ModemStatus{
		{Name: "m1", Number: "+6281100000001", Alive: true, Health: db.ModemHealth{
			HeardAt: time.Now().Truncate(time.Second), SignalDBm: -93, SlotsUsed: 3, Slots: 20, Balance: 50_000, BalanceAt: time.Now().Add(-time.Hour).Truncate(time.Second),
		}}, {Name: "m2"},
	}}
	for range 2 {
		if err := c.gateway.Heartbeat(t.Context(), status); err != nil {
			t.Fatal(err)
		}
	}
	// A modem that is gone keeps what it told last.
	gone := status
	gone.Modems = []db.ModemStatus{{Name: "m1", Number: "+6281100000001", Alive: true}, {Name: "m2"}}
	if err := c.gateway.Heartbeat(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	first, err := c.gateway.Incarnation(t.Context())
	if err != nil || !strings.HasSuffix(first, "/00000001") {
		t.Errorf("Incarnation = %q, %v", first, err)
	}
	c.intake(c.tally(0, 145), c.tally(1, 100), c.tally(1, 101), inbound("+628999999999", "halo"))
	o := c.overview()
	if len(o.Arrivals) == 0 || len(o.Verdicts) != 3 || len(o.Entries) != 2 || len(o.Outbox) != 1 || o.Outbox[0].Replies != 4 {
		t.Errorf("Overview = %+v", o)
	}
	if len(o.Ballots) != 1 || o.Ballots[0].Reporting != 2 || o.Ballots[0].Expected != 3 || len(o.Ballots[0].Votes) != 3 || o.Ballots[0].Votes[0].Votes != 245 {
		t.Errorf("Ballots = %+v, want 245 votes for the first of three, 2 of 3 stations", o.Ballots)
	}
	if len(o.Gateways) != 1 || o.Gateways[0].Messages != 4 || o.Gateways[0].ModemsAlive != 1 || o.Gateways[0].Modems != 2 {
		t.Errorf("Gateways = %+v", o.Gateways)
	}
	want := status.Modems[0].Health
	if got := o.Modems[0].ModemHealth; !got.HeardAt.Equal(want.HeardAt) || got.SignalDBm != -93 || got.SlotsUsed != 3 || got.Slots != 20 ||
		got.Balance != 50_000 || !got.BalanceAt.Equal(want.BalanceAt) {
		t.Errorf("health of m1 = %+v, want %+v", got, want)
	}
	if got := o.Modems[1].ModemHealth; !got.HeardAt.IsZero() || got.SignalDBm != 0 || got.Slots != 0 || !got.BalanceAt.IsZero() {
		t.Errorf("health of m2 = %+v, want nothing known", got)
	}
	recent, err := c.desk.Recent(t.Context(), 3)
	if err != nil || len(recent) != 3 {
		t.Fatalf("Recent = %+v, %v, want 3 rows", recent, err)
	}
	for _, r := range recent {
		if strings.Contains(r.Phone, "00000") || !strings.Contains(r.Phone, "***") {
			t.Errorf("phone %q is not masked", r.Phone)
		}
	}
}
