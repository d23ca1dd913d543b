package cluster

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/lib/pq"
)

// createRoles creates the roles and the database that are missing.
func (s *Server) createRoles(ctx context.Context) (err error) {
	db, err := s.connect(Superuser, "postgres")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, role := range []string{Owner, Gateway, Desk, ResultsReader} {
		if err := createRole(ctx, db, role); err != nil {
			return err
		}
	}
	if err := createArea(ctx, db); err != nil {
		return err
	}
	there, err := exists(ctx, db, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, Database)
	if err != nil {
		return err
	}
	if there { // a crash may have come between creating and granting
		return grantDatabase(ctx, db, Database)
	}
	return createDatabase(ctx, db, Database, "template0")
}

func createRole(ctx context.Context, db *sql.DB, role string) error {
	there, err := exists(ctx, db, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, role)
	if err != nil || there {
		return err
	}
	_, err = db.ExecContext(ctx, `CREATE ROLE `+pq.QuoteIdentifier(role)+
		` LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS`)
	if err != nil {
		return fmt.Errorf("creating role %s: %w", role, err)
	}
	return nil
}

// createArea makes the role that the desk may take on.
func createArea(ctx context.Context, db *sql.DB) error {
	there, err := exists(ctx, db, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, Area)
	if err != nil {
		return err
	}
	query := `GRANT ` + Area + ` TO ` + Desk
	if !there {
		query = `CREATE ROLE ` + Area + ` NOLOGIN; ` + query
	}
	if _, err := db.ExecContext(ctx, query); err != nil {
		return fmt.Errorf("creating role %s: %w", Area, err)
	}
	return nil
}

func exists(ctx context.Context, db *sql.DB, query, name string) (bool, error) {
	var there bool
	if err := db.QueryRowContext(ctx, query, name).Scan(&there); err != nil {
		return false, fmt.Errorf("looking for %s: %w", name, err)
	}
	return there, nil
}

// CreateDatabase creates a database as Start creates Database, cloned from a
// template to which nobody is connected. PostgreSQL does not clone the rights
// on the database itself: they are granted here.
func (s *Server) CreateDatabase(ctx context.Context, name, template string) (err error) {
	db, err := s.connect(Superuser, "postgres")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return createDatabase(ctx, db, name, template)
}

func createDatabase(ctx context.Context, db *sql.DB, name, template string) error {
	_, err := db.ExecContext(ctx, `CREATE DATABASE `+pq.QuoteIdentifier(name)+
		` OWNER `+Owner+` TEMPLATE `+pq.QuoteIdentifier(template))
	if err != nil {
		return fmt.Errorf("creating database %s: %w", name, err)
	}
	return grantDatabase(ctx, db, name)
}

func grantDatabase(ctx context.Context, db *sql.DB, name string) error {
	quoted := pq.QuoteIdentifier(name)
	_, err := db.ExecContext(ctx, `REVOKE ALL ON DATABASE `+quoted+` FROM PUBLIC;
		GRANT CONNECT ON DATABASE `+quoted+` TO `+Gateway+`, `+Desk+`, `+ResultsReader)
	if err != nil {
		return fmt.Errorf("granting rights on database %s: %w", name, err)
	}
	return nil
}
