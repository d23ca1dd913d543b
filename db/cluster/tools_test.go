package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeTools makes a directory with tools that only know their version.
func fakeTools(t *testing.T, parent, version string) string {
	t.Helper()
	dir := filepath.Join(parent, version, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pg_dump", "pg_restore", "psql"} {
		body := "#!/bin/sh\necho '" + name + " (PostgreSQL) " + version + "'\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestToolsForAServer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		have   []string
		server int
		want   int
		err    string
	}{
		{name: "the same version", have: []string{"15.18", "17.2", "16.1"}, server: 16, want: 16},
		{name: "the next newer one", have: []string{"15.18", "18.1", "17.2"}, server: 16, want: 17},
		{name: "only older ones", have: []string{"13.1", "15.18"}, server: 16, err: "the server is PostgreSQL 16: no pg_dump with its pg_restore and psql was found for it (found: 13, 15)"},
		{name: "none", server: 15, err: "(found: none): install its client package"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for _, v := range tc.have {
				fakeTools(t, root, v)
			}
			got, err := toolsFor(tc.server, toolDirs([]string{filepath.Join(root, "*", "bin")}))
			if tc.err != "" {
				if !errors.Is(err, ErrNoTools) || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("error = %v, want %q in it", err, tc.err)
				}
				return
			}
			if err != nil || got.Major() != tc.want {
				t.Errorf("tools of version %d, %v, want %d", got.Major(), err, tc.want)
			}
		})
	}
}

// A password must not stand where every user of the machine reads it.
func TestToolsHideTheDSN(t *testing.T) {
	t.Parallel()
	tools := Tools{binaries{dir: "/nowhere", major: 15}}
	cmd, err := tools.Command(t.Context(), "pg_dump",
		"host=a,b port=5432,5433 dbname=tali user=tali_owner password='r a' sslmode=verify-full sslrootcert=/etc/ca.pem target_session_attrs=read-write", "-Fc")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(cmd.Args, " "); got != "/nowhere/pg_dump -Fc" {
		t.Errorf("arguments = %q", got)
	}
	for _, want := range []string{"PGHOST=a,b", "PGPORT=5432,5433", "PGPASSWORD=r a", "PGUSER=tali_owner", "PGDATABASE=tali",
		"PGSSLMODE=verify-full", "PGSSLROOTCERT=/etc/ca.pem", "PGTARGETSESSIONATTRS=read-write"} {
		if !slices.Contains(cmd.Env, want) {
			t.Errorf("%q is not in the environment", want)
		}
	}
}
