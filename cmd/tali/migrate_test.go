package main

import (
	"strings"
	"syscall"
	"testing"

	"tali/db/cluster"
	"tali/db/dbtest"
)

func TestMigrateAgainChangesNothing(t *testing.T) {
	t.Parallel()
	pg := dbtest.New(t)
	args := []string{"migrate", "--config", configFor(t, pg.DSN(cluster.Desk)), "--owner", pg.DSN(cluster.Owner)}
	for range 2 {
		if got, want := mustTali(t, args...), "schema is up to date, election pilkada-2024 is open\n"; got != want {
			t.Errorf("migrate = %q, want %q", got, want)
		}
	}
}

func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	config := configFor(t, "")
	for name, owner := range map[string]string{
		"no server":       "host=/nonexistent dbname=tali user=tali_owner sslmode=disable",
		"no DSN":          "tali",
		"no such setting": "host=/nonexistent sslmode=perhaps",
	} {
		_, err := tali(t, "migrate", "--config", config, "--owner", owner)
		if err == nil {
			t.Errorf("%s: migrate --owner %q works", name, owner)
			continue
		}
		wantError(t, err, "--owner")
	}
}

// The help says that one user in both roles may serve and import.
func TestOneUserInBothRoles(t *testing.T) {
	t.Parallel()
	pg := dbtest.Own(t) // roles are the server's
	sql := pg.Open(cluster.Superuser)
	if _, err := sql.Exec(`CREATE ROLE test_both NOLOGIN IN ROLE tali_gateway, tali_desk`); err != nil {
		t.Fatal(err)
	}
	config := configFor(t, pg.DSN(cluster.Superuser)+" options='-c role=test_both'")
	mustTali(t, "migrate", "--config", config, "--owner", pg.DSN(cluster.Owner))
	want := "stations: 1 new, 0 changed, 0 unchanged\n"
	if got := mustTali(t, "import", "stations", table(t, "kode\n7108052002001\n"), "--config", config); got != want {
		t.Errorf("import = %q, want %q", got, want)
	}
	p := start(t, []string{"TALI_DESK_LISTEN=127.0.0.1:0", `TALI_GATEWAY_MODEMS=[{"name":"m1","device":"/dev/nonexistent-modem"}]`},
		"serve", "--config", config)
	p.await("modem is not available")
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, p.output())
	}
	for _, bad := range []string{"level=ERROR", "centre is away", "forbidden", "permission denied"} {
		if out := p.output(); strings.Contains(out, bad) {
			t.Errorf("%q in\n%s", bad, out)
		}
	}
}
