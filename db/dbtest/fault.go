package dbtest

import "context"

// Stop shuts the test's own server down, as an administrator would: open
// transactions are rolled back, nothing committed is lost.
func (d *DB) Stop() {
	d.t.Helper()
	d.mustOwn("Stop")
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := d.server.Stop(ctx); err != nil {
		d.t.Fatalf("dbtest: %v", err)
	}
}

// Kill ends the test's own server with SIGKILL, as the out-of-memory killer
// does. Start recovers it; what was committed is there again.
func (d *DB) Kill() {
	d.t.Helper()
	d.mustOwn("Kill")
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := d.server.Kill(ctx); err != nil {
		d.t.Fatalf("dbtest: %v", err)
	}
}

// Start brings the test's own server back at the same DSNs. A server that
// runs is left alone.
func (d *DB) Start() {
	d.t.Helper()
	d.mustOwn("Start")
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := d.server.Ensure(ctx); err != nil {
		d.t.Fatalf("dbtest: %v", err)
	}
}

// mustOwn keeps a test from pulling the server away under the others.
func (d *DB) mustOwn(what string) {
	d.t.Helper()
	if !d.own {
		d.t.Fatalf("dbtest: %s needs a server of the test's own: dbtest.Own, not dbtest.New", what)
	}
}
