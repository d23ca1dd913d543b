package db

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/parser"
	"tali/verify"
)

// wholeTable is a plan that reads one of the tables that grow.
var wholeTable = regexp.MustCompile(`Seq Scan on (entry|standing|message|verdict|lookup|reply|station|phone|officer|decision)(_e?\d\w*)?\b`)

// planProfile is an election of two ballots.
func planProfile(t *testing.T) *parser.Profile {
	t.Helper()
	ballot := func(digit byte, keyword string) *parser.Ballot {
		return &parser.Ballot{
			Digit: digit, Keyword: keyword, Title: keyword, Contest: "pkwkk", Form: parser.FormFull, Unit: "calon",
			Contestants: []string{"Satu", "Dua", "Tiga"},
		}
	}
	p, err := parser.NewProfile(parser.Profile{
		ID: "uji-rencana", Name: "Uji", Version: 1, Digest: strings.Repeat("c3", 32), Phase: parser.PhaseRehearsal, Round: 1, Regency: "7108",
		Auth: parser.AuthOff, Zone: time.UTC, ZoneTag: "WITA", Opens: time.Unix(0, 0), Closes: time.Unix(1, 0), QuestionTTL: time.Hour, UnknownPerHour: 3,
		Ballots: []*parser.Ballot{ballot('6', "PILGUB"), ballot('7', "PILBUP")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// explainCold is the plan for these arguments, with whole tables allowed or not.
func (d *DB) explainCold(t *testing.T, whole, query string, args []any) string {
	t.Helper()
	conn, err := d.cold.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "SET enable_seqscan = "+whole); err != nil {
		t.Fatal(err)
	}
	var lines []string
	if err := conn.SelectContext(t.Context(), &lines, "EXPLAIN "+query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return strings.Join(lines, "\n")
}

// Every page of the desk finds its rows by index, on tables large enough that
// the planner would rather read them whole if it could not.
func TestDeskPlansUseIndexes(t *testing.T) {
	t.Parallel()
	const entries = 30_000
	pg, ctx, p := dbtest.New(t), t.Context(), planProfile(t)
	d, err := Open(ctx, pg.DSN(cluster.Desk), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if _, err := d.OpenElection(ctx, p); err != nil {
		t.Fatal(err)
	}
	if err := FillSample(ctx, pg.DSN(cluster.Owner), Sample{Entries: entries, Profile: p}); err != nil {
		t.Fatal(err)
	}
	const station, zero, key = 7108102001007, "00000000-0000-0000-0000-000000000000", "0b7ce5ba-7f2e-2a0a-8a36-2d39c8e8ee7f"
	now := time.Now()
	one := []any{1, station, 7, 1}
	for name, q := range map[string]struct {
		query string
		args  []any
	}{
		"queue, front":         {queueCases, []any{1, 1, -32767, 0, 0, int64(1) << 62, -32767, time.Time{}, -1, 0, 40}},
		"queue, deep":          {queueCases, []any{1, 1, -32767, 0, 0, int64(1) << 62, 0, now.Add(-6 * time.Hour), station, 7, 40}},
		"queue, one district":  {queueCases, []any{1, 1, -32767, 0, 7108100000000, 7108109999999, -32767, time.Time{}, -1, 0, 40}},
		"queue, plain":         {queueCases, []any{1, 1, 0, 0, 0, int64(1) << 62, -32767, time.Time{}, -1, 0, 40}},
		"queue, forms":         {queueForms, []any{1, 1, -32767, 0, 0, int64(1) << 62, -32767, time.Time{}, -1, 0, 40}},
		"queue, unproven":      {queueUnproven, []any{1, 1, -32767, 0, 0, int64(1) << 62, -32767, time.Time{}, -1, 0, 40}},
		"queue, typings":       {queueTypings, []any{1, 1, 0, int64(1) << 62, -32767, time.Time{}, -1, 0, 40}},
		"queue, questions":     {queueQuestions, []any{1, 1, now, 0, int64(1) << 62, time.Time{}, zero, 40, 7108}},
		"queue, messages":      {queueMessages, []any{1, 0, int64(1) << 62, -32767, time.Time{}, zero, 40, 7108}},
		"counts":               {queueCounts, []any{1, 1, now}},
		"case":                 {caseHead, one},
		"case, entries":        {caseEntries, one},
		"case, decisions":      {caseDecisions, one},
		"case, remarks":        {caseRemarks, one},
		"case, typings":        {caseTypings, one},
		"message":              {messageFile, []any{key, 1, 7108}},
		"message, stations":    {messageStations, []any{SamplePhone(7), 1}},
		"message, handled":     {messageHandling, []any{key}},
		"log":                  {logAll, []any{1, 7108, now, zero, 50}},
		"log of a phone":       {logByPhone, []any{1, 7108, now, zero, 50, SamplePhone(7)}},
		"log of a station":     {logByStation, []any{1, 7108, now, zero, 50, station}},
		"log by words":         {logByWords, []any{1, 7108, now, zero, 50, "'halo':*"}},
		"log, newest by words": {logNewest, []any{1, 7108, now, zero, 50, "'halo':*"}},
		"stations by code":     {stationsByCode, []any{1, 1, 7108102001000, 7108102001999, 30}},
		"station by TPS":       {stationsByTPS, []any{1, 1, 10000891, 7108, 30}},
		"stations by village":  {stationsByVillage, []any{1, 1, "desa rekaan 7", 7108, 30, "desa rekaan 8"}},
		"claim":                {readClaim, []any{"c:1:7108102001007:7:1"}},
		"session":              {findSession, []any{"x", 60}},
		"session, in use":      {seenSession, []any{"x"}},
		"account":              {staffByID, []any{1}},
		"undo: the case":       {changeStanding, []any{1, station, 7, 1, 1, verify.StateIn, 0, 0, 2}},
	} {
		if plan := d.explainCold(t, "on", q.query, q.args); wholeTable.MatchString(plan) {
			t.Errorf("%s reads a whole table:\n%s", name, plan)
		}
		// Small tables may be read whole, while they are small.
		if plan := d.explainCold(t, "off", q.query, q.args); strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s has no index behind it:\n%s", name, plan)
		}
		// The plan that pages run by was made for no arguments in particular.
		if plan, err := d.explain(ctx, q.query, len(q.args)); err != nil || strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s has no index behind its prepared plan: %v\n%s", name, err, plan)
		}
	}
	// What the overview counts by, it may read whole: a row for a village.
	for query, args := range map[string][]any{
		arrivals: nil, verdictCounts: {1}, entryCounts: {1}, ballotCoverage: {1}, ballotVotes: {1}, replyCounts: nil, villageCoverage: {1}, recent: {25},
	} {
		if plan := d.explainCold(t, "on", query, args); wholeTable.MatchString(plan) {
			t.Errorf("the overview reads a whole table:\n%s", plan)
		}
	}
	d.wantIndexesInArea(t, map[string]areaQuery{
		"queue, front":     {queueCases, 11},
		"queue, forms":     {queueForms, 11},
		"queue, unproven":  {queueUnproven, 11},
		"queue, typings":   {queueTypings, 9},
		"queue, questions": {queueQuestions, 9},
		"queue, messages":  {queueMessages, 8},
		"counts":           {queueCounts, 3},
		"case":             {caseHead, 4},
		"case, entries":    {caseEntries, 4},
		"case, decisions":  {caseDecisions, 4},
		"message":          {messageFile, 3},
		"log":              {logAll, 5},
		"log of a phone":   {logByPhone, 6},
		"log of a station": {logByStation, 6},
		"log by words":     {logByWords, 6},
		"stations by code": {stationsByCode, 5},
		"chase list":       {chaseRows, 6},
		"number to call":   {officerPhones, 3},
		"claim":            {readClaim, 1},
		"undo: the case":   {changeStanding, 9},
	})
	for query, index := range map[string]string{queueForms: "standing_form", queueUnproven: "standing_unproven"} {
		plan, err := d.explain(ctx, query, 11)
		if err != nil || !strings.Contains(plan, index) {
			t.Errorf("without %s: %v\n%s", index, err, plan)
		}
	}
	items, err := d.Queue(ctx, p, QueueQuery{View: ViewConflict, Limit: 40}, now)
	if err != nil || len(items) != 40 || items[0].Risk < 10 {
		t.Errorf("the sample's queue has %d conflicts, %v", len(items), err)
	}
}

type areaQuery struct {
	query string
	count int // of parameters
}

// wantIndexesInArea looks at the plans of those who see one area.
func (d *DB) wantIndexesInArea(t *testing.T, queries map[string]areaQuery) {
	t.Helper()
	for name, q := range queries {
		plan, err := explainOn(t.Context(), d.page.area.DB, q.query, q.count)
		// An election has a handful of ballots, a centre of gateways.
		rest := strings.NewReplacer("Seq Scan on ballot", "", "Seq Scan on modem", "").Replace(plan)
		if err != nil || strings.Contains(rest, "Seq Scan") {
			t.Errorf("%s has no index behind it in one area: %v\n%s", name, err, plan)
		}
	}
}
