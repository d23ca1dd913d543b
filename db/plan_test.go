package db

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"tali/db/cluster"
	"tali/db/dbtest"
)

// planned is a hot statement with types of its parameters as the server infers
// them; NULLs are enough for a generic plan.
var planned = map[string]struct {
	query string
	count int
}{
	"areas":    {areasOf, 1},
	"known":    {knownKeys, 1},
	"officers": {officersOf, 2},
	"neutral":  {neutralReplies, 1},
	"standing": {standingOf, 3},
	"entries":  {entriesOf, 4},
	"question": {questionsOf, 3},
	"write":    {writeBatch, 67},
	"codes":    {codesOf, 3},
	"addCodes": {addCodes, 17},
	"claim":    {claimReply, 6},
	"close":    {closeReply, 8},
	"sweep":    {sweepReplies, 0},
}

// The hot statements find their rows by index on tables that are empty: that is
// when their plans are made. Tables that were never analysed count as small ones;
// of those that were empty when they were analysed the planner believes it, and
// then reading all of a table costs it nothing.
func TestHotPlansUseIndexes(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]string{"never analysed": "", "analysed while empty": "ANALYZE", "vacuumed while empty": "VACUUM ANALYZE"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantIndexes(t, prepare)
		})
	}
}

func wantIndexes(t *testing.T, prepare string) {
	t.Helper()
	pg := dbtest.New(t)
	for _, statement := range []string{
		`INSERT INTO registry.election (code, name, phase) VALUES ('uji', 'Uji', 'rehearsal')`,
		`SELECT tally.open_partition(1::smallint, p::smallint) FROM generate_series(71, 73) AS p`, prepare,
	} {
		if _, err := pg.Open(cluster.Owner).ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	d, err := Open(t.Context(), pg.DSN(cluster.Gateway), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	for name, p := range planned {
		plan, err := d.explain(t.Context(), p.query, p.count)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		// The few gateways may be read whole. A join filter compares with all rows:
		// among the questions of a batch's phones it may.
		rest := strings.NewReplacer("Seq Scan on gateway", "", "Join Filter: ((q.phone = g", "").Replace(plan)
		if strings.Contains(rest, "Seq Scan") || strings.Contains(rest, "Join Filter") {
			t.Errorf("%s reads a whole table:\n%s", name, plan)
		}
	}
}

func (d *DB) explain(ctx context.Context, query string, parameters int) (string, error) {
	return explainOn(ctx, d.hot.DB, query, parameters)
}

func explainOn(ctx context.Context, pool *sqlx.DB, query string, parameters int) (string, error) {
	conn, err := pool.Connx(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "PREPARE hot AS "+query); err != nil {
		return "", err
	}
	call := "EXPLAIN EXECUTE hot"
	if parameters > 0 {
		call += "(" + strings.TrimSuffix(strings.Repeat("NULL,", parameters), ",") + ")"
	}
	var lines []string
	if err := conn.SelectContext(ctx, &lines, call); err != nil {
		return "", fmt.Errorf("%s: %w", call, err)
	}
	_, err = conn.ExecContext(ctx, "DEALLOCATE hot")
	return strings.Join(lines, "\n"), err
}
