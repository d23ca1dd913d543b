package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// The versions of the schema that this program was written for. Migrations expand
// first and contract later, so that a range of programs fits each schema; of a
// newer one the centre says in registry.compatibility whether it fits.
const (
	minSchema = 51 // the intake writes tally.standing.voted
	maxSchema = 52
)

// Roles that the migrations grant rights to. They own nothing.
var appRoles = []string{"tali_gateway", "tali_desk", "tali_results_reader", areaRole}

// Migrate brings the schema up to date. It runs as the owner of the database;
// of several that try at once, one works and the others find it done.
func Migrate(ctx context.Context, ownerDSN string) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	return migrate(ctx, ownerDSN, files, 0)
}

// migrate brings the schema to the newest of the files, or to a version.
func migrate(ctx context.Context, ownerDSN string, files fs.FS, to int64) (err error) {
	links, err := newConnector(ownerDSN, nil)
	if err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	pool := openPool(links)
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := checkRoles(ctx, pool); err != nil {
		return fmt.Errorf("migrating: %w", classify(err))
	}
	// Looked at every second, for five minutes.
	one, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, files,
		goose.WithSessionLocker(one), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	if to > 0 {
		_, err = provider.UpTo(ctx, to)
	} else {
		_, err = provider.Up(ctx)
	}
	var partial *goose.PartialError
	if errors.As(err, &partial) && partial.Failed != nil {
		return fmt.Errorf("migrating: %s was rolled back, the schema stays as it was before it: %w", partial.Failed.Source.Path, classify(partial.Err))
	}
	if err != nil {
		return fmt.Errorf("migrating: %w", classify(err))
	}
	return nil
}

const (
	missingRoles = `
SELECT name FROM unnest($1::text[]) AS r(name)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name)`

	mayLimit = `SELECT pg_catalog.pg_has_role('tali_desk', '` + areaRole + `', 'MEMBER')`

	makeArea = `CREATE ROLE ` + areaRole + ` NOLOGIN`
	letLimit = `GRANT ` + areaRole + ` TO tali_desk`
)

// checkRoles names the roles that an administrator has to create.
func checkRoles(ctx context.Context, pool *sql.DB) error {
	var missing []string
	err := sqlx.NewDb(pool, "postgres").SelectContext(ctx, &missing, missingRoles, pq.Array(appRoles))
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		var may bool
		if err := pool.QueryRowContext(ctx, mayLimit).Scan(&may); err != nil {
			return err
		}
		if !may {
			return fmt.Errorf("tali_desk is no member of %s; a superuser must run: %s", areaRole, letLimit)
		}
		return nil
	}
	var remedy []string
	for _, name := range missing {
		if name == areaRole {
			remedy = append(remedy, makeArea, letLimit)
		} else {
			remedy = append(remedy, "CREATE ROLE "+name+" LOGIN")
		}
	}
	return fmt.Errorf("role %s is missing; a superuser must run: %s", strings.Join(missing, ", "), strings.Join(remedy, "; "))
}

const (
	schemaVersion = `
SELECT coalesce(max(version_id), 0) FROM public.goose_db_version WHERE is_applied`

	oldestProgram = `SELECT oldest FROM registry.compatibility`
)

// Version is the number of the newest migration at the centre.
func (d *DB) Version(ctx context.Context) (int64, error) {
	var v int64
	if err := d.get(ctx, &v, schemaVersion); err != nil {
		if code(err) == "42P01" {
			return 0, fmt.Errorf("%w: it is empty; run tali migrate", ErrSchema)
		}
		return 0, fmt.Errorf("reading the schema version: %w", err)
	}
	return v, nil
}

// CheckVersion returns ErrSchema unless this program fits the schema.
func (d *DB) CheckVersion(ctx context.Context) error {
	v, err := d.Version(ctx)
	switch {
	case err != nil:
		return err
	case v < minSchema:
		return fmt.Errorf("%w: it is at %d, this program needs %d; run tali migrate", ErrSchema, v, minSchema)
	case v <= maxSchema:
		return nil
	}
	var oldest int64
	if err := d.get(ctx, &oldest, oldestProgram); err != nil {
		return fmt.Errorf("reading which programs fit the schema: %w", err)
	}
	if oldest > maxSchema {
		return fmt.Errorf("%w: it is at %d and needs a program that knows %d, this one knows %d; install a newer tali", ErrSchema, v, oldest, maxSchema)
	}
	return nil
}
