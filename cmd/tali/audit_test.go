package main

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"tali/db/cluster"
	"tali/db/dbtest"
)

func TestAuditCommands(t *testing.T) {
	t.Parallel()
	pg := dbtest.New(t)
	config := configFor(t, pg.DSN(cluster.Desk))
	if _, err := tali(t, "audit", "head", "--config", config); err == nil {
		t.Error("an empty chain has a head")
	}
	mustTali(t, "migrate", "--config", config, "--owner", pg.DSN(cluster.Owner)) // opening an election is an event
	desk := pg.Open(cluster.Desk)
	if _, err := desk.Exec(`SELECT audit.extend(100)`); err != nil {
		t.Fatal(err)
	}
	printed := regexp.MustCompile(`--head (\d+:[0-9a-f]{64})\n$`).FindStringSubmatch(mustTali(t, "audit", "head", "--config", config))
	if printed == nil {
		t.Fatal("tali audit head prints no head that verify takes")
	}
	out := mustTali(t, "audit", "verify", "--config", config, "--head", printed[1])
	if !strings.HasSuffix(out, "\nintact\n") || !strings.Contains(out, "head "+printed[1]) {
		t.Errorf("verify = %q", out)
	}
	super, err := pg.Open(cluster.Superuser).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = super.Close() })
	_, err = super.ExecContext(t.Context(), `SET session_replication_role = replica; UPDATE staff.event SET detail = '' WHERE id = 1`)
	if err != nil {
		t.Fatal(err)
	}
	out, err = tali(t, "audit", "verify", "--config", config)
	var failed *checkFailed
	if !errors.As(err, &failed) || !strings.Contains(out, "staff.event 1, registry_changed") || !strings.Contains(out, "NOT INTACT: 1 fault\n") {
		t.Errorf("verify after a change = %q, %v", out, err)
	}
}

func TestAuditRefusesBadHeads(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"12", "x:00", "0:" + strings.Repeat("0", 64), "5:" + strings.Repeat("g", 64), "5:" + strings.Repeat("0", 63)} {
		_, err := tali(t, "audit", "verify", "--head", head)
		wantError(t, err, "--head", "64 hex digits")
	}
}
