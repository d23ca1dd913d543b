package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tali/configs"
	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/parser"
	"tali/verify"
)

// oldElection is the code of the election of these tests.
const oldElection = "pilkada-2024"

// overCentre is a centre whose election is over, all but one word said about it.
type overCentre struct {
	t       *testing.T
	pg      *dbtest.DB
	config  string
	key     string
	profile *parser.Profile
}

// finishedCentre is a centre in which everything is decided, answered, sealed.
func finishedCentre(t *testing.T, pg *dbtest.DB, stations int) *overCentre {
	t.Helper()
	profile, err := configs.LoadProfile("pilkada-2024-bolmut")
	if err != nil {
		t.Fatal(err)
	}
	c := &overCentre{t: t, pg: pg, config: configFor(t, pg.DSN(cluster.Desk)), key: signingKey(t), profile: profile}
	fillCentre(t, pg.DSN(cluster.Desk), pg.DSN(cluster.Gateway), stations)
	c.owner(`INSERT INTO staff.account (login, name, role) VALUES ('ani', 'Ani (rekaan)', 'verifier'), ('citra', 'Citra (rekaan)', 'supervisor')`)
	desk := openDB(t, pg.DSN(cluster.Desk))
	for _, station := range c.texts(`SELECT station::text FROM tally.standing ORDER BY 1`) {
		c.confirm(desk, verify.CaseKey{Station: station, Ballot: profile.Ballots[len(profile.Ballots)-1].Keyword})
	}
	c.owner(`UPDATE outbox.reply SET state = 'sent', closed_at = now(), lease_until = NULL WHERE state IN ('queued', 'leased')`)
	c.owner(`DELETE FROM desk.task`)
	c.settle(desk)
	return c
}

func (c *overCentre) confirm(desk *db.DB, key verify.CaseKey) {
	c.t.Helper()
	for _, staff := range []string{"ani", "citra"} {
		f, err := desk.Case(c.t.Context(), c.profile, key)
		if err != nil {
			c.t.Fatal(err)
		}
		done, err := desk.Decide(c.t.Context(), c.profile, db.Decision{Case: key, Revision: 1, Version: f.Version, Act: verify.ActConfirm, Staff: staff})
		if err != nil {
			c.t.Fatal(err)
		}
		if !done.First {
			return
		}
	}
}

// settle does what the desk's loop does in the seconds after.
func (c *overCentre) settle(desk *db.DB) {
	c.t.Helper()
	c.owner(`UPDATE audit.mark SET horizon = clock_timestamp(), busy = '{}'`)
	for _, step := range []func(context.Context) (int, error){desk.SealIntake, desk.ExtendChain, desk.Project} {
		for n := 1; n > 0; {
			var err error
			if n, err = step(c.t.Context()); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

func (c *overCentre) owner(query string) {
	c.t.Helper()
	if _, err := c.pg.Open(cluster.Owner).ExecContext(c.t.Context(), query); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
}

func (c *overCentre) texts(query string) (out []string) {
	c.t.Helper()
	if err := c.pg.Open(cluster.Superuser).SelectContext(c.t.Context(), &out, query); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return out
}

// run is a command of the owner's.
func (c *overCentre) run(args ...string) (string, error) {
	c.t.Helper()
	return tali(c.t, append(args, "--config", c.config, "--owner", c.pg.DSN(cluster.Owner))...)
}

func (c *overCentre) must(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("tali %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// archive writes one and returns where.
func (c *overCentre) archive() string {
	c.t.Helper()
	dir := filepath.Join(c.t.TempDir(), "arsip")
	wantPart(c.t, c.must("archive", oldElection, "--out", dir, "--key", c.key), "read back and signed")
	return dir
}

func TestArchiveAndRetain(t *testing.T) {
	t.Parallel()
	c := finishedCentre(t, dbtest.Own(t), 6)
	before := rowsOf(t, c.pg.DSN(cluster.Superuser))
	wantPart(t, c.must("retain"), "messages that came after the limit")
	wantPart(t, c.must("retain", "--days", "0"), "may be archived and taken away")
	dir := c.archive()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s: %v, %v, want mode 0700", dir, info, err)
	}
	_, err := c.run("archive", oldElection, "--out", dir, "--key", c.key)
	wantError(t, err, "is there already", "nothing was written")
	wantPart(t, mustTali(t, "archive", "verify", dir, "--key", filepath.Join(dir, "public.pem")), "whole: 7 tables")
	if out, err := in(dir, "sh", "-c", "sha256sum -c --strict SHA256SUMS && openssl "+strings.Join(checkSignature, " ")); err != nil {
		t.Errorf("public tools: %v\n%s", err, out)
	}
	c.readWithoutTali(dir, before)
	wantPart(t, mustTali(t, "archive", "show", dir, "intake.message"), `halo \\ \t é`)

	desk := openDB(t, c.pg.DSN(cluster.Desk))
	registry, err := desk.Registry(t.Context(), c.profile)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.run("retain", "--archive", dir, oldElection)
	wantError(t, err, "messages that came after the limit", "nothing was changed")
	wantPart(t, c.must("retain", "--days", "0", "--archive", dir, oldElection), "retirement 1 of the audit chain")
	c.settle(desk)
	out := mustTali(t, "audit", "verify", "--config", c.config, "--archive", dir)
	wantPart(t, out, "the archive of retirement 1")
	wantPart(t, out, "6 messages of elections that were taken away")
	wantPart(t, out, "\nintact\n")
	wantPart(t, c.must("retain"), "taken away")
	_, err = c.run("retain", "--days", "0", "--archive", dir, oldElection)
	wantError(t, err, "taken away already")
	c.sendAgain(tallies(t, c.profile, registry))
	t.Run("tampering", func(t *testing.T) { c.tamper(t, dir) })
}

// readWithoutTali follows the steps of the archive's README.txt and compares every
// row with what was in the centre.
func (c *overCentre) readWithoutTali(dir string, before map[string][]string) {
	c.t.Helper()
	text := read(c.t, filepath.Join(dir, "README.txt"))
	at := strings.Index(text, "  createdb arsip")
	if at < 0 {
		c.t.Fatal("README.txt has no steps for a database")
	}
	tools, err := cluster.FindTools(15)
	if err != nil {
		c.t.Fatal(err)
	}
	psql, err := tools.Command(c.t.Context(), "psql", c.pg.DSN(cluster.Superuser))
	if err != nil {
		c.t.Fatal(err)
	}
	psql.Args = []string{"sh", "-e", "-c", text[at:]}
	psql.Env = append(psql.Env, "PATH="+filepath.Dir(psql.Path)+":"+os.Getenv("PATH"))
	psql.Path, psql.Dir = "/bin/sh", dir
	if out, err := psql.CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v\n%s", text[at:], err, out)
	}
	host, _, _ := strings.Cut(c.pg.DSN(cluster.Superuser), "dbname=")
	after := rowsOf(c.t, host+"dbname=arsip sslmode=disable")
	if len(after) != len(db.RetiredTables()) || len(after["intake.message"]) != 6 {
		c.t.Errorf("%d tables, %d messages in the archive", len(after), len(after["intake.message"]))
	}
	for name, rows := range after {
		if !slices.Equal(rows, before[name]) {
			c.t.Errorf("%s: %d rows in the archive, %d in the centre, or other ones:\n%v\n%v", name, len(rows), len(before[name]), rows, before[name])
		}
	}
}

// sendAgain has a gateway hand over the SMS of the election once more, in the next
// one: a modem that lay in a drawer.
func (c *overCentre) sendAgain(messages []db.Inbound) {
	c.t.Helper()
	next := *c.profile
	next.ID, next.Digest = "pilkada-lagi", strings.Repeat("d4", 32)
	if _, err := openDB(c.t, c.pg.DSN(cluster.Desk)).OpenElection(c.t.Context(), &next); err != nil {
		c.t.Fatal(err)
	}
	results, err := openDB(c.t, c.pg.DSN(cluster.Gateway)).Intake(c.t.Context(), db.Batch{Gateway: "uji", Profile: &next, Messages: messages})
	if err != nil {
		c.t.Fatal(err)
	}
	for i, r := range results {
		if r.Outcome != verify.OutcomeKnown {
			c.t.Errorf("SMS %d sent again: %s, want %s", i, r.Outcome, verify.OutcomeKnown)
		}
	}
	if got := c.texts(`SELECT (SELECT count(*) FROM tally.entry) || ' entries, ' || (SELECT count(*) FROM intake.message) || ' messages'`); got[0] != "0 entries, 6 messages" {
		c.t.Errorf("the centre has %s", got[0])
	}
}

// tamper changes, removes and adds files; each is named, by both checks.
func (c *overCentre) tamper(t *testing.T, dir string) {
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 13 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	found := func(name, what string) {
		t.Helper()
		_, err := tali(t, "archive", "verify", dir)
		wantError(t, err, "no whole archive", name)
		out, err := tali(t, "audit", "verify", "--config", c.config, "--archive", dir)
		if err == nil || !strings.Contains(out, "FAULT: "+dir) || !strings.Contains(out, name) {
			t.Errorf("%s %s: audit verify = %q, %v", name, what, out, err)
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := slices.Clone(whole)
		changed[len(changed)/2] ^= 1
		c.put(path, changed)
		found(f.Name(), "changed")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		found(f.Name(), "removed")
		c.put(path, whole)
	}
	c.put(filepath.Join(dir, "catatan.txt"), []byte("rekaan"))
	found("catatan.txt", "added")
	if err := os.Remove(filepath.Join(dir, "catatan.txt")); err != nil {
		t.Fatal(err)
	}
	mustTali(t, "archive", "verify", dir)
	c.forge(t, dir)
}

func (c *overCentre) put(path string, content []byte) {
	c.t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// forge makes an archive whose sums and signature are right again, by another key:
// it is whole by itself, but not the one that the chain knows.
func (c *overCentre) forge(t *testing.T, dir string) {
	readme := filepath.Join(dir, "README.txt")
	old := []byte(read(t, readme))
	c.put(readme, append(old, "tambahan\n"...))
	sums := []byte(strings.Replace(read(t, filepath.Join(dir, "SHA256SUMS")),
		fmt.Sprintf("%x", sha256.Sum256(old)), fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, readme)))), 1))
	c.put(filepath.Join(dir, "SHA256SUMS"), sums)
	own := read(t, filepath.Join(dir, "public.pem"))
	script := `openssl pkey -in "$1" -pubout -out public.pem && openssl pkeyutl -sign -inkey "$1" -rawin -in SHA256SUMS -out SHA256SUMS.sig`
	if out, err := in(dir, "sh", "-c", script, "sh", signingKey(t)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mustTali(t, "archive", "verify", dir)
	_, err := tali(t, "archive", "verify", dir, "--key", file(t, "public.pem", own))
	wantError(t, err, "public.pem: it is not the key that was given")
	out, err := tali(t, "audit", "verify", "--config", c.config, "--archive", dir)
	var failed *checkFailed
	if !errors.As(err, &failed) || !strings.Contains(out, "SHA256SUMS is not that of an archive") {
		t.Errorf("audit verify of a forged archive = %q, %v", out, err)
	}
}

// What is not finished, or not archived as it is now, stays.
func TestRetainRefuses(t *testing.T) {
	t.Parallel()
	c := finishedCentre(t, dbtest.New(t), 3)
	dir := c.archive()
	stays := func(want string, args ...string) {
		t.Helper()
		_, err := c.run(append([]string{"retain", "--days", "0"}, args...)...)
		wantError(t, err, want)
		if n := c.texts(`SELECT count(*)::text FROM intake.message WHERE kind <> 'retired'`); n[0] != "3" {
			t.Fatalf("%s messages are left", n[0])
		}
	}
	stays("ELECTION is missing", "--archive", dir)
	stays("no election", "--archive", dir, "pilkada-rekaan")
	stays("none of the others can be", "--archive", dir, "--without-archive", oldElection)
	stays("it is missing", "--archive", t.TempDir(), oldElection)
	stays("write 0 or more", "--days", "-1")
	stays(`"" was typed, not "`+oldElection+`"`, "--without-archive", oldElection)

	c.owner(`UPDATE outbox.reply SET state = 'queued', closed_at = NULL`)
	stays("replies not sent yet", "--archive", dir, oldElection)
	wantPart(t, c.must("retain", "--days", "0"), "replies not sent yet")
	wantPart(t, c.must("archive", oldElection, "--out", filepath.Join(t.TempDir(), "arsip"), "--key", c.key), "not finished: ")
	// Answered again, but later: the archive does not say so.
	c.owner(`UPDATE outbox.reply SET state = 'sent', closed_at = now()`)
	stays("outbox.reply has other rows: archive it anew", "--archive", dir, oldElection)

	out, err := taliReading(t, oldElection+"\n", "retain", "--days", "0", "--without-archive", oldElection, "--config", c.config, "--owner", c.pg.DSN(cluster.Owner))
	if err != nil || !strings.Contains(out, "taken away") {
		t.Errorf("without an archive: %q, %v", out, err)
	}
	_, err = c.run("archive", oldElection, "--out", filepath.Join(t.TempDir(), "arsip"), "--key", c.key)
	wantError(t, err, "taken away already")
	out, err = tali(t, "audit", "verify", "--config", c.config, "--archive", dir)
	if err == nil || !strings.Contains(out, "not that of an archive behind which") {
		t.Errorf("an archive behind which nothing was taken away: %q, %v", out, err)
	}
}

// A disk that fills, at every size from nothing to nearly enough: one clear line,
// and nothing that could be taken for an archive.
func TestArchiveOnAFullDisk(t *testing.T) {
	t.Parallel()
	c := finishedCentre(t, dbtest.New(t), 20)
	for _, pages := range []int{2, 4, 8, 12} {
		disk := t.TempDir()
		if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%dk", 4*pages)); err != nil {
			t.Skipf("a small tmpfs cannot be mounted here: %v", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(disk, 0); err != nil {
				t.Error(err)
			}
		})
		_, err := c.run("archive", oldElection, "--out", filepath.Join(disk, "arsip"), "--key", c.key)
		wantError(t, err, "no space left on device", "nothing was written")
		if left, err := os.ReadDir(disk); err != nil || len(left) != 0 {
			t.Errorf("%d pages: left behind: %v, %v", pages, left, err)
		}
	}
	if n := c.texts(`SELECT count(*)::text FROM staff.event WHERE subject = 'archive'`); n[0] != "0" {
		t.Errorf("%s archives are on record, want none", n[0])
	}
}
