package db_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// column is one column of the results interface.
type column struct{ Of, Name, Type, Meaning string }

// published are the columns as they are, with their comments.
func (c *centre) published() (out []column) {
	c.t.Helper()
	err := c.owner().SelectContext(c.t.Context(), &out, `
		SELECT r.relname AS of, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, coalesce(col_description(r.oid, a.attnum), '') AS meaning
		FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE r.relnamespace = 'results'::regnamespace AND r.relkind IN ('r', 'v') ORDER BY 1, a.attnum`)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// documented are the columns as docs/results.md has them.
func documented(t *testing.T) (out []column) {
	t.Helper()
	text, err := os.ReadFile("../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	head := regexp.MustCompile("^## ([a-z_]+)$")
	row := regexp.MustCompile("^\\| `([a-z_]+)` \\| ([^|]+) \\| (.+) \\|$")
	table := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if m := head.FindStringSubmatch(line); m != nil {
			table = m[1]
		}
		if m := row.FindStringSubmatch(line); m != nil {
			out = append(out, column{table, m[1], m[2], m[3]})
		}
	}
	return out
}

func names(columns []column) (out []string) {
	for _, c := range columns {
		out = append(out, c.Of+" "+c.Name)
	}
	return out
}

// What the document says of each column is what the server says, and both name
// every column there is.
func TestInterfaceIsDocumented(t *testing.T) {
	t.Parallel()
	real, doc := newCentre(t, 0).published(), documented(t)
	for _, c := range real {
		if c.Meaning == "" {
			t.Errorf("%s.%s has no comment", c.Of, c.Name)
		}
		if !slices.Contains(doc, c) {
			t.Errorf("docs/results.md lacks: %s | `%s` | %s | %s |", c.Of, c.Name, c.Type, c.Meaning)
		}
	}
	for _, c := range doc {
		if !slices.Contains(real, c) {
			t.Errorf("docs/results.md has a column that is not there, or says something else of it: %+v", c)
		}
	}
	if len(real) < 60 {
		t.Errorf("%d columns: %v", len(real), names(real))
	}
}

// Version 1 may grow. What it had, it keeps.
func TestInterfaceKeepsItsVersion(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 0)
	frozen, err := os.ReadFile("testdata/results_v1.txt")
	if err != nil {
		t.Fatal(err)
	}
	real := make(map[string]bool)
	for _, k := range c.published() {
		real[fmt.Sprintf("%s %s %s", k.Of, k.Name, k.Type)] = true
	}
	for line := range strings.Lines(string(frozen)) {
		if line = strings.TrimSpace(line); !real[line] {
			t.Errorf("version 1 had %q: it must stay, or a version 2 must stand beside it", line)
		}
	}
	if n := c.number(`SELECT versi FROM results.interface`); n != 1 {
		t.Errorf("version = %d, want 1", n)
	}
	if n := c.number(`SELECT count(*) FROM pg_publication_tables WHERE pubname = 'tali_results' AND schemaname = 'results'
		AND tablename IN ('station_result', 'area_total', 'change_feed')`); n != 3 {
		t.Errorf("%d tables are published, want 3", n)
	}
}

// The reader's role reads what is published, and no column of anything else.
func TestReaderReadsResultsOnly(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 0)
	var readable []string
	err := c.owner().SelectContext(t.Context(), &readable, `
		SELECT DISTINCT n.nspname FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
		WHERE r.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
		  AND has_schema_privilege('tali_results_reader', n.oid, 'USAGE')
		  AND CASE r.relkind WHEN 'S' THEN has_sequence_privilege('tali_results_reader', r.oid, 'SELECT, USAGE')
		      ELSE has_any_column_privilege('tali_results_reader', r.oid, 'SELECT') END`)
	if err != nil || !slices.Equal(readable, []string{"results"}) {
		t.Errorf("tali_results_reader reads in %v, %v; want results alone", readable, err)
	}
}
