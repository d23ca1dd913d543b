package cluster_test

import (
	"database/sql"
	"strings"
	"testing"

	"tali/db/cluster"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	s, err := cluster.Start(t.Context(), cluster.Options{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	defer closeServer(t, s)

	owner := open(t, s, cluster.Owner, cluster.Database)
	if got := query(t, owner, `SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'tali'`); got != cluster.Owner {
		t.Errorf("database tali belongs to %s, want %s", got, cluster.Owner)
	}
	attributes := `SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles
		WHERE rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls`
	if got := query(t, owner, attributes); got != cluster.Superuser {
		t.Errorf("roles with more than a login: %s, want %s alone", got, cluster.Superuser)
	}
	exec1(t, owner, `CREATE SCHEMA registry`)
	exec1(t, owner, `CREATE TABLE registry.station (id int)`)

	for _, role := range []string{cluster.Gateway, cluster.Desk, cluster.ResultsReader} {
		db := open(t, s, role, cluster.Database)
		if got := query(t, db, `SELECT current_user`); got != role {
			t.Errorf("connected as %s, want %s", got, role)
		}
		for _, forbidden := range []string{
			`CREATE SCHEMA mine`,
			`CREATE TABLE public.mine (id int)`,
			`CREATE TEMP TABLE mine (id int)`,
			`SELECT * FROM registry.station`,
			`CREATE ROLE mine`,
			`SET ROLE ` + cluster.Owner,
			`ALTER SYSTEM SET fsync = off`,
		} {
			wantDenied(t, role, db, forbidden)
		}
	}
	wantDenied(t, cluster.Owner, owner, `SET ROLE `+cluster.Superuser)
	wantDenied(t, cluster.Owner, owner, `CREATE ROLE mine`)
}

func wantDenied(t *testing.T, role string, db *sql.DB, statement string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement)
	if err == nil || !strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), "must be superuser") {
		t.Errorf("%s as %s: error %v, want permission denied", statement, role, err)
	}
}

func TestUnknownRoleIsRefused(t *testing.T) {
	t.Parallel()
	s, err := cluster.Start(t.Context(), cluster.Options{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	defer closeServer(t, s)
	super := open(t, s, cluster.Superuser, cluster.Database)
	exec1(t, super, `CREATE ROLE stranger LOGIN`)
	err = open(t, s, "stranger", cluster.Database).PingContext(t.Context())
	if err == nil || !strings.Contains(err.Error(), "eer authentication failed") {
		t.Errorf("connecting as a role outside the map: %v, want peer authentication to fail", err)
	}
}

func TestCreateDatabaseGrantsTheSame(t *testing.T) {
	t.Parallel()
	s, err := cluster.Start(t.Context(), cluster.Options{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	defer closeServer(t, s)
	if err := s.CreateDatabase(t.Context(), "copy", "template0"); err != nil {
		t.Fatal(err)
	}
	super := open(t, s, cluster.Superuser, cluster.Database)
	rights := `SELECT datacl::text FROM pg_database WHERE datname = `
	if got, want := query(t, super, rights+`'copy'`), query(t, super, rights+`'tali'`); got != want {
		t.Errorf("rights on a created database = %s, want %s as on the first", got, want)
	}
}
