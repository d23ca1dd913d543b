package db_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
)

// node is a server on loopback that ends with the test.
func node(t *testing.T, dir string) *cluster.Node {
	t.Helper()
	port, err := cluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	n, err := cluster.NewNode(cluster.NodeOptions{Dir: dir, Port: port, Password: "sandi uji", Settings: map[string]string{"fsync": "off"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Kill(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return n
}

// Nobody has to tell a promoted standby that it is another centre now: gateways
// see it by themselves.
func TestPromotionIsAnotherIncarnation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := dbtest.Dir(t)
	first, second := node(t, filepath.Join(dir, "a")), node(t, filepath.Join(dir, "b"))
	for _, step := range []func() error{
		func() error { return first.Initialise(ctx) }, func() error { return first.Start(ctx) }, func() error { return first.CreateRoles(ctx) },
		func() error { return db.Migrate(ctx, first.DSN(cluster.Owner, cluster.Database)) },
		func() error { return second.Clone(ctx, first) }, func() error { return second.Start(ctx) }, func() error { return first.Synchronous(ctx) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	gateway := open(t, cluster.DSNOf(cluster.Gateway, cluster.Database, first, second))
	before, err := gateway.Incarnation(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, second.DSN(cluster.Gateway, cluster.Database)).Incarnation(ctx); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("Incarnation of a standby: %v, want ErrUnavailable", err)
	}
	if err := first.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	if err := second.Promote(ctx); err != nil {
		t.Fatal(err)
	}
	after, err := gateway.Incarnation(ctx)
	if err != nil {
		t.Fatal(err)
	}
	id, line, _ := strings.Cut(before, "/")
	if after == before || after != id+"/00000002" || line != "00000001" {
		t.Errorf("incarnation %q before the promotion, %q after it", before, after)
	}
}
