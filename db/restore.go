package db

import (
	"context"
	"fmt"
	"strings"

	"github.com/lib/pq"
)

// KnownSchema is the newest schema that this program works with.
func KnownSchema() int64 { return maxSchema }

const (
	relations = `
SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`

	otherSessions = `
SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = ANY ($1)`

	clearing = `
SELECT format('DROP SCHEMA %I CASCADE', nspname) AS statement FROM pg_catalog.pg_namespace
WHERE nspowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) AND nspname <> 'public' AND nspname !~ '^pg_'
UNION ALL
SELECT format('DROP TABLE public.%I CASCADE', relname) FROM pg_catalog.pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname LIKE 'goose%'
UNION ALL
SELECT format('DROP PUBLICATION %I', pubname) FROM pg_catalog.pg_publication
WHERE pubowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)`

	// Who may not look into these schemas can neither take in nor decide.
	hold    = `REVOKE USAGE ON SCHEMA registry, staff FROM tali_gateway, tali_desk, ` + areaRole
	release = `GRANT USAGE ON SCHEMA registry TO tali_gateway, tali_desk, ` + areaRole + `; GRANT USAGE ON SCHEMA staff TO tali_desk, ` + areaRole

	renew = `UPDATE registry.incarnation SET id = gen_random_uuid(), since = now() RETURNING id::text`
)

// Holding is the statement that ends a copy into a database which others already
// reach: gateways spool, and the desk waits, until Release.
func Holding() string { return hold }

// Empty reports whether nothing stands in the database.
func (d *DB) Empty(ctx context.Context) (bool, error) {
	var n int
	if err := d.get(ctx, &n, relations); err != nil {
		return false, fmt.Errorf("looking whether the database is empty: %w", err)
	}
	return n == 0, nil
}

// OtherSessions counts the connections of tali's roles to the database, this one
// left out.
func (d *DB) OtherSessions(ctx context.Context) (n int, err error) {
	if err := d.get(ctx, &n, otherSessions, pq.Array(appRoles)); err != nil {
		return 0, fmt.Errorf("counting connections: %w", err)
	}
	return n, nil
}

// Clearing is the script that removes everything of the owner from the database.
// A copy runs it in its own transaction, so that a copy which fails has removed
// nothing.
func (d *DB) Clearing(ctx context.Context) (string, error) {
	var statements []string
	if err := d.list(ctx, &statements, clearing); err != nil {
		return "", fmt.Errorf("listing what is to be replaced: %w", err)
	}
	return strings.Join(statements, "; "), nil
}

// CheckRoles names the roles that a copy grants rights to and that are not there.
func (d *DB) CheckRoles(ctx context.Context) error { return classify(checkRoles(ctx, d.cold.DB.DB)) }

// Release gives a restored centre a new incarnation and opens it to gateways and
// desk, in one commit: whoever reaches it sees that it is another one.
func (d *DB) Release(ctx context.Context) (incarnation string, err error) {
	err = d.cold.within(ctx, func(t *transaction) error {
		if err := t.tx.GetContext(ctx, &incarnation, renew); err != nil {
			return err
		}
		_, err := t.tx.ExecContext(ctx, release)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("opening the restored centre: %w", err)
	}
	return incarnation, nil
}

// Name is the name of the database.
func (d *DB) Name(ctx context.Context) (name string, err error) {
	if err := d.get(ctx, &name, `SELECT current_database()::text`); err != nil {
		return "", fmt.Errorf("asking for the name of the database: %w", err)
	}
	return name, nil
}
