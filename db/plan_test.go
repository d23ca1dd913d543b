package db

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

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
	"cases":    {casesOf, 3},
	"question": {questionsOf, 3},
	"write":    {writeBatch, 66},
	"codes":    {codesOf, 3},
	"addCodes": {addCodes, 17},
	"claim":    {claimReply, 6},
	"close":    {closeReply, 8},
	"sweep":    {sweepReplies, 0},
}

// The hot statements find their rows by index on tables that are empty and were
// never analysed: that is when their plans are made.
func TestHotPlansUseIndexes(t *testing.T) {
	t.Parallel()
	pg := dbtest.New(t)
	if _, err := pg.Open(cluster.Owner).ExecContext(t.Context(), `INSERT INTO registry.election (code, name, phase) VALUES ('uji', 'Uji', 'rehearsal');
		SELECT tally.open_partition(1::smallint, 71::smallint)`); err != nil {
		t.Fatal(err)
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
		// The few gateways may be read whole.
		if strings.Contains(strings.ReplaceAll(plan, "Seq Scan on gateway", ""), "Seq Scan") {
			t.Errorf("%s reads a whole table:\n%s", name, plan)
		}
	}
}

func (d *DB) explain(ctx context.Context, query string, parameters int) (string, error) {
	conn, err := d.hot.Connx(ctx)
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
