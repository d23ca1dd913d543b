package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"tali/cmd/tali/officers"
	"tali/configs"
	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/parser"
	"tali/verify"
)

// fillCentre gives a centre invented officers, tallies, events, and a chain.
func fillCentre(t *testing.T, deskDSN, gatewayDSN string, n int) {
	t.Helper()
	ctx := t.Context()
	profile, err := configs.LoadProfile("pilkada-2024-bolmut")
	if err != nil {
		t.Fatal(err)
	}
	desk, gateway := openDB(t, deskDSN), openDB(t, gatewayDSN)
	if _, err := desk.OpenElection(ctx, profile); err != nil {
		t.Fatal(err)
	}
	registry, err := officers.Enrol(ctx, desk, profile, n, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.Intake(ctx, db.Batch{Gateway: "uji", Profile: profile, Messages: tallies(t, profile, registry)}); err != nil {
		t.Fatal(err)
	}
	if err := desk.RecordEvent(ctx, db.Event{Kind: db.EventUnmasked, Subject: "uji", Detail: `kutip ' \ "` + "\ttab é"}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context) (int, error){desk.ExtendChain, desk.ExtendChain} {
		if _, err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// tallies is a tally of each officer, one of them unreadable.
func tallies(t *testing.T, p *parser.Profile, r *verify.Registry) []db.Inbound {
	t.Helper()
	b := p.Ballots[len(p.Ballots)-1]
	var out []db.Inbound
	for i, o := range r.Officers {
		text, err := parser.Render(b, parser.TPSCode(o.Stations[0].TPS), parser.Figures{145, 98, 67, 310, 12, 322, 322, 330, 322, 2, 6})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			text = "halo \\ \t é"
		}
		m := db.Inbound{PDUs: []string{fmt.Sprintf("07%04X", i)}, IMSI: "510990000000001", Message: verify.Message{
			Kind: verify.MessageText, Sender: o.Phone, Text: text, SentAt: p.Opens.Add(time.Hour), ReceivedAt: p.Opens.Add(time.Hour),
			Gateway: "uji", Modem: "m1", Proof: "7F3K2",
		}}
		m.Key[0], m.Key[1], m.Key[2] = 1, byte(i>>8), byte(i)
		out = append(out, m)
	}
	return out
}

func openDB(t *testing.T, dsn string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // its database may be gone
	return d
}

// rowsOf is every row of every table as text, read without any code of tali.
func rowsOf(t *testing.T, dsn string) map[string][]string {
	t.Helper()
	pool, err := sqlx.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var tables []string
	err = pool.Select(&tables, `SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]string)
	for _, name := range tables {
		rows := []string{}
		if err := pool.Select(&rows, `SELECT row_to_json(t)::text FROM `+name+` t`); err != nil {
			t.Fatal(err)
		}
		slices.Sort(rows)
		out[name] = rows
	}
	return out
}

// sameRows compares what was backed up with what was restored. The new incarnation
// and the record of it are all that may differ.
func sameRows(t *testing.T, before, after map[string][]string) {
	t.Helper()
	if len(before) < 40 || len(before) != len(after) {
		t.Fatalf("%d tables before, %d after", len(before), len(after))
	}
	for name, rows := range before {
		switch name {
		case "registry.incarnation":
			if slices.Equal(rows, after[name]) {
				t.Error("the incarnation is the old one")
			}
		case "staff.event", "audit.pending":
			if n := len(after[name]) - len(rows); n != 1 {
				t.Errorf("%s has %d more rows, want the one about the incarnation", name, n)
			}
		default:
			if !slices.Equal(rows, after[name]) {
				t.Errorf("%s: %d rows before, %d after, or other ones:\n%v\n%v", name, len(rows), len(after[name]), rows, after[name])
			}
		}
	}
}

// privateCentre starts the private server of a configuration.
func privateCentre(t *testing.T, dir string) *cluster.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := cluster.Start(ctx, cluster.Options{Dir: filepath.Join(dir, "postgres")})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func privateConfig(t *testing.T, dir string) string {
	t.Helper()
	return file(t, "tali.yaml", "data_dir: "+quoted(dir)+"\n")
}

// filledPrivate is a private centre with data, and its rows.
func filledPrivate(t *testing.T) (config string, rows map[string][]string) {
	t.Helper()
	dir := dbtest.Dir(t)
	server := privateCentre(t, dir)
	if err := db.Migrate(t.Context(), server.DSN(cluster.Owner, cluster.Database)); err != nil {
		t.Fatal(err)
	}
	fillCentre(t, server.DSN(cluster.Desk, cluster.Database), server.DSN(cluster.Gateway, cluster.Database), 12)
	rows = rowsOf(t, server.DSN(cluster.Superuser, cluster.Database))
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	return privateConfig(t, dir), rows
}

func TestBackupOfThePrivateServer(t *testing.T) {
	t.Parallel()
	config, before := filledPrivate(t)
	out := t.TempDir()
	said := mustTali(t, "backup", "--out", out, "--config", config)
	path, _, _ := strings.Cut(said, ":")
	if info, err := os.Stat(path); err != nil || filepath.Dir(path) != out || info.Mode().Perm() != 0o600 {
		t.Fatalf("backup said %q: %v, %v", said, info, err)
	}
	dir := dbtest.Dir(t)
	fresh := privateConfig(t, dir)
	got := mustTali(t, "restore", path, "--config", fresh)
	wantPart(t, got, "audit chain intact")
	wantPart(t, got, "new incarnation")
	server := privateCentre(t, dir)
	sameRows(t, before, rowsOf(t, server.DSN(cluster.Superuser, cluster.Database)))
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}

	_, err := tali(t, "restore", path, "--config", fresh)
	wantError(t, err, "not empty", "--replace")
	_, err = taliReading(t, "yes\n", "restore", path, "--replace", "--config", fresh)
	wantError(t, err, `"yes" was typed, not "tali"`, "nothing was changed")
	wantPart(t, mustTali(t, "audit", "verify", "--config", fresh), "intact")
	if _, err := taliReading(t, "tali\n", "restore", path, "--replace", "--config", fresh); err != nil {
		t.Fatal(err)
	}
	server = privateCentre(t, dir)
	defer server.Close()
	sameRows(t, before, rowsOf(t, server.DSN(cluster.Superuser, cluster.Database)))
	g := openDB(t, server.DSN(cluster.Gateway, cluster.Database))
	if _, err := g.Incarnation(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = taliReading(t, "tali\n", "restore", path, "--replace", "--config", fresh)
	wantError(t, err, "stop tali serve first")
}

// emptyDatabase makes an empty database on a test's server.
func emptyDatabase(t *testing.T, pg *dbtest.DB, name string) (dsn func(role string) string) {
	t.Helper()
	super := pg.Open(cluster.Superuser)
	for _, query := range []string{`CREATE DATABASE ` + name + ` OWNER tali_owner TEMPLATE template0`, `REVOKE ALL ON DATABASE ` + name + ` FROM PUBLIC`,
		`GRANT CONNECT ON DATABASE ` + name + ` TO tali_gateway, tali_desk`} {
		if _, err := super.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if _, err := super.ExecContext(context.WithoutCancel(t.Context()), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	return func(role string) string {
		before, _, _ := strings.Cut(pg.DSN(role), "dbname=")
		return before + "dbname=" + name + " sslmode=disable"
	}
}

func TestBackupWithADSN(t *testing.T) {
	t.Parallel()
	pg := dbtest.Own(t)
	fillCentre(t, pg.DSN(cluster.Desk), pg.DSN(cluster.Gateway), 12)
	before := rowsOf(t, pg.DSN(cluster.Superuser))
	config := configFor(t, pg.DSN(cluster.Desk))
	path := filepath.Join(t.TempDir(), "pagi.tar")
	_, err := tali(t, "backup", "--out", path, "--config", config)
	wantError(t, err, "--owner is missing")
	mustTali(t, "backup", "--out", path, "--config", config, "--owner", pg.DSN(cluster.Owner))
	_, err = tali(t, "backup", "--out", path, "--config", config, "--owner", pg.DSN(cluster.Owner))
	wantError(t, err, "is there already", "nothing was written")

	dsn := emptyDatabase(t, pg, "kembali")
	other := configFor(t, dsn(cluster.Desk))
	mustTali(t, "restore", path, "--config", other, "--owner", dsn(cluster.Owner))
	sameRows(t, before, rowsOf(t, dsn(cluster.Superuser)))
	first, err := openDB(t, dsn(cluster.Gateway)).Incarnation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A replacement, under a gateway that is connected: it sees another centre.
	if _, err := taliReading(t, "kembali\n", "restore", path, "--replace", "--config", other, "--owner", dsn(cluster.Owner)); err != nil {
		t.Fatal(err)
	}
	sameRows(t, before, rowsOf(t, dsn(cluster.Superuser)))
	if second, err := openDB(t, dsn(cluster.Gateway)).Incarnation(t.Context()); err != nil || second == first {
		t.Errorf("incarnation after a second restore = %q, %v, before %q", second, err, first)
	}
	fillCentre(t, dsn(cluster.Desk), dsn(cluster.Gateway), 12) // roles have their rights again
}

// A restore that fails has dropped nothing.
func TestRestoreThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	pg := dbtest.Own(t)
	fillCentre(t, pg.DSN(cluster.Desk), pg.DSN(cluster.Gateway), 12)
	config := configFor(t, pg.DSN(cluster.Desk))
	path := filepath.Join(t.TempDir(), "pagi.tar")
	mustTali(t, "backup", "--out", path, "--config", config, "--owner", pg.DSN(cluster.Owner))
	super := pg.Open(cluster.Superuser)
	// Somebody else's schema of the same name cannot be dropped, and is in the way.
	if _, err := super.Exec(`ALTER SCHEMA outbox OWNER TO postgres`); err != nil {
		t.Fatal(err)
	}
	before := rowsOf(t, pg.DSN(cluster.Superuser))
	_, err := taliReading(t, "test\n", "restore", path, "--replace", "--config", config, "--owner", pg.DSN(cluster.Owner))
	wantError(t, err, "psql", "outbox", "nothing was changed")
	if after := rowsOf(t, pg.DSN(cluster.Superuser)); !maps.EqualFunc(before, after, slices.Equal) {
		t.Error("a restore that failed changed rows")
	}
	if _, err := openDB(t, pg.DSN(cluster.Gateway)).Incarnation(t.Context()); err != nil {
		t.Errorf("a gateway after a restore that failed: %v", err)
	}
}

func TestDamagedBackups(t *testing.T) {
	t.Parallel()
	pg := dbtest.New(t)
	fillCentre(t, pg.DSN(cluster.Desk), pg.DSN(cluster.Gateway), 12)
	config := configFor(t, pg.DSN(cluster.Desk))
	path := filepath.Join(t.TempDir(), "pagi.tar")
	mustTali(t, "backup", "--out", path, "--config", config, "--owner", pg.DSN(cluster.Owner))
	whole := []byte(read(t, path))
	target := dbtest.Dir(t)
	fresh := privateConfig(t, filepath.Join(target, "data"))
	refused := func(name string, content []byte) {
		t.Helper()
		_, err := tali(t, "restore", file(t, "rusak.tar", string(content)), "--config", fresh)
		if err == nil || !strings.Contains(err.Error(), "no whole backup of tali, or it was damaged") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	flipped := func(at int) []byte {
		c := slices.Clone(whole)
		c[at] ^= 1
		return c
	}
	refused("empty", nil)
	refused("something else", []byte(strings.Repeat("bukan cadangan\n", 100)))
	for _, n := range []int{1, 511, 512, 600, len(whole) / 2, len(whole) - 2048} {
		refused(fmt.Sprintf("cut after %d bytes", n), whole[:n])
	}
	for _, words := range []string{"PGDMP", `"schema":`, `"digest":`, "ballots:", "  centre.pgdump", "  manifest.json"} {
		at := strings.LastIndex(string(whole), words)
		if at < 0 {
			t.Fatalf("no %q in the backup", words)
		}
		refused("changed at "+words, flipped(at))
	}
	for at := 512; at < strings.LastIndex(string(whole), "profile.yaml"+"\x00")-1024; at += len(whole) / 20 {
		refused(fmt.Sprintf("byte %d of the dump changed", at), flipped(at))
	}
	if _, err := os.Stat(filepath.Join(target, "data")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a damaged file made something: %v", err)
	}
	newer := strings.Replace(string(whole), `"format": 1`, `"format": 9`, 1)
	refused("changed format", []byte(newer))
}

// Keys are in the file only when asked for, and come out for their owner alone.
func TestBackupOfKeys(t *testing.T) {
	t.Parallel()
	pg := dbtest.New(t)
	key := filepath.Join(t.TempDir(), "master.key")
	mustTali(t, "key", "new", key)
	secret := strings.TrimSpace(read(t, key))
	config := file(t, "tali.yaml", fmt.Sprintf("data_dir: %s\ndatabase:\n  dsn: %s\nauth:\n  master_key_file: %s\n",
		quoted(t.TempDir()), quoted(pg.DSN(cluster.Desk)), quoted(key)))
	plain, sealed := filepath.Join(t.TempDir(), "a.tar"), filepath.Join(t.TempDir(), "b.tar")
	mustTali(t, "backup", "--out", plain, "--config", config, "--owner", pg.DSN(cluster.Owner))
	mustTali(t, "backup", "--out", sealed, "--keys", "--config", config, "--owner", pg.DSN(cluster.Owner))
	if strings.Contains(read(t, plain), secret) {
		t.Error("the master key is in a backup without --keys")
	}
	dir := filepath.Join(t.TempDir(), "kembali")
	dsn := emptyDatabase(t, pg, "keys_kembali")
	args := []string{"restore", sealed, "--files", dir, "--config", config, "--owner", dsn(cluster.Owner)}
	mustTali(t, args...)
	if got := strings.TrimSpace(read(t, filepath.Join(dir, "secret", "auth.key"))); got != secret {
		t.Errorf("the key came back as %q", got)
	}
	for _, name := range []string{"secret/auth.key", "secret/tali.yaml"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", name, info, err)
		}
	}
	if text := read(t, filepath.Join(dir, "profile.yaml")); !strings.Contains(text, "pilkada-2024") {
		t.Errorf("profile.yaml = %.100q", text)
	}
	// Public tools read the file too.
	out, err := in(filepath.Dir(sealed), "sh", "-c", "tar xf b.tar && sha256sum -c --strict SHA256SUMS && pg_restore -l centre.pgdump | grep -c 'TABLE DATA'")
	if err != nil {
		t.Errorf("tar, sha256sum, pg_restore: %v\n%s", err, out)
	}
}

// A disk that fills: one clear line, and nothing half written.
func TestBackupOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("a small tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	pg := dbtest.New(t)
	fillCentre(t, pg.DSN(cluster.Desk), pg.DSN(cluster.Gateway), 300)
	config := configFor(t, pg.DSN(cluster.Desk))
	args := []string{"backup", "--out", disk + "/", "--config", config, "--owner", pg.DSN(cluster.Owner)}
	_, err := tali(t, args...)
	wantError(t, err, "no space left on device", "nothing was written")
	left, err := os.ReadDir(disk)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if n := pgDumps(t, pg); n != 0 {
		t.Errorf("%d pg_dump are still connected", n)
	}
}

func pgDumps(t *testing.T, pg *dbtest.DB) int {
	t.Helper()
	var n int
	err := pg.Open(cluster.Superuser).Get(&n, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pg_dump' AND state <> 'idle'`)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A backup of a newer tali is refused before anything is opened.
func TestRestoreOfANewerSchema(t *testing.T) {
	t.Parallel()
	pg := dbtest.New(t)
	config := configFor(t, pg.DSN(cluster.Desk))
	path := filepath.Join(t.TempDir(), "pagi.tar")
	mustTali(t, "backup", "--out", path, "--config", config, "--owner", pg.DSN(cluster.Owner))
	dir := t.TempDir()
	script := `tar xf "$1" && sed -i 's/"schema": [0-9]*/"schema": 999/' manifest.json && ` +
		`sha256sum $(tar tf "$1" | grep -v SHA256SUMS) > SHA256SUMS && tar --format=gnu -cf baru.tar $(tar tf "$1")`
	cmd := exec.Command("sh", "-c", script, "sh", path)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, err := tali(t, "restore", filepath.Join(dir, "baru.tar"), "--config", config, "--owner", pg.DSN(cluster.Owner))
	wantError(t, err, "schema 999", "install the tali that wrote it")
}

// With --keys the key of second factors goes along: without it nobody who has an
// authenticator could sign in at the restored desk.
func TestBackupTakesTheDesksKey(t *testing.T) {
	t.Parallel()
	cfg := configs.Default()
	cfg.Election, cfg.DataDir = "pilkada-2024-bolmut", t.TempDir()
	names := func(keys bool) (out []string) {
		files, err := beside("", cfg, keys)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			out = append(out, f.Name)
		}
		return out
	}
	if got := names(true); !slices.Equal(got, []string{"profile.yaml"}) {
		t.Errorf("before the desk has run: %q", got)
	}
	if _, err := deskSeal(cfg.DataDir); err != nil {
		t.Fatal(err)
	}
	if got := names(true); !slices.Equal(got, []string{"profile.yaml", "secret/desk.key"}) {
		t.Errorf("with --keys: %q", got)
	}
	if got := names(false); !slices.Equal(got, []string{"profile.yaml"}) {
		t.Errorf("without --keys: %q", got)
	}
}
