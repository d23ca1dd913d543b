package db_test

import (
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"tali/db"
	"tali/db/cluster"
)

func (c *centre) account(login string, role db.Role) int64 {
	c.t.Helper()
	token := sha256.Sum256([]byte(login))
	id, err := c.desk.AddStaff(c.t.Context(), db.Actor{}, db.NewStaff{
		Staff: db.Staff{Login: login, Name: login, Role: role}, Invite: db.Invite{Hash: token[:], For: time.Hour},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.desk.AcceptInvite(c.t.Context(), token[:], db.Credentials{Password: "x", TOTP: "y", Step: 1}, ""); err != nil {
		c.t.Fatal(err)
	}
	return id
}

// Nobody rewrites what the staff did, and gateways and readers see none of it.
func TestStaffIsGuarded(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.account("satu", db.RoleVerifier)
	const denied, appendOnly, check = "42501", "23001", "23514"
	for role, statements := range map[string]map[string]string{
		cluster.Owner: {
			`UPDATE staff.event SET detail = ''`:      appendOnly,
			`DELETE FROM staff.event`:                 appendOnly,
			`TRUNCATE staff.event`:                    appendOnly,
			`UPDATE staff.account SET login = 'lain'`: appendOnly,
			`UPDATE staff.account SET role = 'boss'`:  check,
			`INSERT INTO staff.phone_change (election, officer, old_phone, new_phone, reason, asked_by, state, decided_by, decided_at, effective_at)
			 SELECT 1, o.id, 'x', '+6289900000001', 'x', 1, 'agreed', 1, now(), now() FROM registry.officer o`: check,
		},
		cluster.Desk: {
			`DELETE FROM staff.account`:                     denied,
			`UPDATE staff.account SET login = 'lain'`:       denied,
			`UPDATE staff.event SET detail = ''`:            denied,
			`DELETE FROM staff.event`:                       denied,
			`UPDATE staff.phone_change SET new_phone = 'x'`: denied,
			`DELETE FROM staff.phone_change`:                denied,
			`TRUNCATE staff.session`:                        denied,
		},
		cluster.Gateway:       {`SELECT * FROM staff.account`: denied, `SELECT * FROM staff.session`: denied, `INSERT INTO staff.event (kind) VALUES ('login')`: denied},
		cluster.ResultsReader: {`SELECT * FROM staff.account`: denied, `SELECT * FROM staff.event`: denied},
	} {
		pool := c.pg.Open(role)
		for statement, want := range statements {
			_, err := pool.ExecContext(t.Context(), statement)
			var refused *pq.Error
			if got := asError(err, &refused); got != want {
				t.Errorf("%s: %s: error %v, want SQLSTATE %s", role, statement, err, want)
			}
		}
	}
}

// A code of the second factor counts once, however many try it at the same
// moment.
func TestCodeCountsOnce(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	id := c.account("satu", db.RoleSupervisor)
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 8 {
		all.Go(func() {
			err := c.desk.CompleteLogin(t.Context(), db.Actor{ID: id}, 100)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				taken++
			case !errors.Is(err, db.ErrNoStaff):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if taken != 1 {
		t.Errorf("one code was taken %d times", taken)
	}
	for step, want := range map[int64]error{99: db.ErrNoStaff, 101: nil} {
		if err := c.desk.CompleteLogin(t.Context(), db.Actor{ID: id}, step); !errors.Is(err, want) {
			t.Errorf("step %d after 100: %v, want %v", step, err, want)
		}
	}
}

// One-time links: the newest counts, once, and only in its time.
func TestInvitationCountsOnce(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 0)
	ctx := t.Context()
	c.account("satu", db.RoleViewer)
	first, second := sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b"))
	for _, hash := range [][32]byte{first, second} {
		if err := c.desk.InviteStaff(ctx, db.Actor{}, "satu", db.Invite{Hash: hash[:], For: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.desk.BeginLogin(ctx, "satu"); !errors.Is(err, db.ErrNoStaff) {
		t.Errorf("signing in after a reset: %v, want ErrNoStaff", err)
	}
	for name, tc := range map[string]struct {
		hash []byte
		want error
	}{"the older link": {first[:], db.ErrNoStaff}} {
		if err := c.desk.AcceptInvite(ctx, tc.hash, db.Credentials{Password: "x"}, ""); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if _, err := c.owner().ExecContext(ctx, `UPDATE staff.account SET invite_until = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	if err := c.desk.AcceptInvite(ctx, second[:], db.Credentials{Password: "x"}, ""); !errors.Is(err, db.ErrNoStaff) {
		t.Errorf("a link of yesterday: %v, want ErrNoStaff", err)
	}
}

// Two admins who take the role from each other at the same moment leave one.
func TestOneAdminIsLeft(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 0)
	one, two := c.account("satu", db.RoleAdmin), c.account("dua", db.RoleAdmin)
	var all sync.WaitGroup
	for _, id := range []int64{one, two} {
		all.Go(func() {
			err := c.desk.ChangeStaff(t.Context(), db.Actor{}, db.Staff{ID: id, Name: "x", Role: db.RoleViewer}, true)
			if err != nil && !errors.Is(err, db.ErrLastAdmin) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := c.number(`SELECT count(*) FROM staff.account WHERE role = 'admin' AND active`); n != 1 {
		t.Errorf("%d admins are left, want 1", n)
	}
}
