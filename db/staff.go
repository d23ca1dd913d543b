package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Role says what an account may do.
type Role string

// The roles.
const (
	RoleAdmin      Role = "admin"      // accounts and registry, no decisions
	RoleSupervisor Role = "supervisor" // decides, agrees to phone changes, sees who works
	RoleVerifier   Role = "verifier"   // decides
	RoleViewer     Role = "viewer"     // sees figures, no phone numbers
)

// Roles are all roles, the strongest first.
func Roles() []Role { return []Role{RoleAdmin, RoleSupervisor, RoleVerifier, RoleViewer} }

// NeedsTOTP reports whether the role signs in with a second factor.
func (r Role) NeedsTOTP() bool { return r == RoleAdmin || r == RoleSupervisor }

// Staff is who works at the desk.
type Staff struct {
	ID       int64
	Login    string
	Name     string
	Role     Role
	Area     int64  // code of the area whose stations they work on; 0: all of the election
	Language string // id or en; empty: the desk's
}

// Account is Staff with what signing in needs.
type Account struct {
	Staff
	Active      bool
	Password    string    // argon2id in PHC form; empty while invited
	TOTP        string    // secret of the second factor; empty: none
	TOTPPending string    `db:"totp_pending"` // offered, not confirmed yet
	LockedUntil time.Time `db:"locked_until"` // zero: not locked
	InviteUntil time.Time `db:"invite_until"` // zero: not invited
	LastLogin   time.Time `db:"last_login"`
	Sessions    int
}

// What callers of accounts branch on.
var (
	// ErrNoStaff: no such account, or it is not active.
	ErrNoStaff = errors.New("no such account")
	// ErrTaken: the login is another account's.
	ErrTaken = errors.New("this login is taken")
	// ErrNoArea: the registry knows no such area.
	ErrNoArea = errors.New("no such area: import its stations first")
	// ErrLastAdmin: nobody would be left to manage accounts.
	ErrLastAdmin = errors.New("this is the last admin")
)

const accountColumns = `a.id, a.login, a.name, a.role, coalesce(a.area, 0) AS area, a.language, a.active, a.password, a.totp, a.totp_pending,
  CASE WHEN isfinite(a.locked_until) THEN a.locked_until ELSE '0001-01-01Z' END AS locked_until,
  coalesce(a.invite_until, '0001-01-01Z') AS invite_until, coalesce(a.last_login, '0001-01-01Z') AS last_login,
  (SELECT count(*) FROM staff.session s WHERE s.account = a.id AND s.expires_at > now()) AS sessions`

const (
	allAccounts = `SELECT ` + accountColumns + ` FROM staff.account a ORDER BY a.active DESC, a.login`

	accountByID = `SELECT ` + accountColumns + ` FROM staff.account a WHERE a.id = $1`

	accountByLogin = `SELECT ` + accountColumns + ` FROM staff.account a WHERE a.login = $1`

	accountByInvite = `SELECT ` + accountColumns + ` FROM staff.account a WHERE a.invite = $1 AND a.invite_until > now() AND a.active`

	addAccount = `
INSERT INTO staff.account (login, name, role, area, language, invite, invite_until)
VALUES ($1, $2, $3, nullif($4::bigint, 0), $5, $6, now() + $7 * interval '1 second') RETURNING id`

	changeAccount = `
UPDATE staff.account SET name = $2, role = $3, area = nullif($4::bigint, 0), active = $5 WHERE id = $1`

	setLanguage = `UPDATE staff.account SET language = $2 WHERE id = $1`

	inviteAccount = `
UPDATE staff.account SET invite = $2, invite_until = now() + $3 * interval '1 second', totp_pending = '',
  password = '', totp = '', failures = 0, locked_until = '-infinity', active = true
WHERE login = $1 RETURNING id`

	acceptInvite = `
UPDATE staff.account SET password = $2, totp = $3, totp_step = $4, totp_pending = '', invite = NULL, invite_until = NULL,
  failures = 0, locked_until = '-infinity'
WHERE invite = $1 AND invite_until > now() AND active RETURNING id`

	offerInvited = `
UPDATE staff.account SET totp_pending = $3 WHERE invite = $1 AND totp_pending = $2 AND invite_until > now() AND active`

	// All are locked, in one order: two admins may change each other.
	otherAdmins = `
SELECT count(*) FILTER (WHERE id <> $1) FROM (SELECT id FROM staff.account WHERE role = 'admin' AND active ORDER BY id FOR UPDATE) AS a`

	countAccounts = `SELECT count(*) FROM staff.account WHERE active AND role = 'admin' AND (password <> '' OR login <> 'admin' AND invite_until > now())`
)

// Invite is a one-time link to an account: whoever has it chooses the password.
type Invite struct {
	Hash []byte        // SHA-256 of the link's token
	For  time.Duration // how long it may be used
}

// NewStaff is an account to be made.
type NewStaff struct {
	Staff
	Invite Invite
}

// AddStaff makes an account that waits for its invitation to be accepted.
func (d *DB) AddStaff(ctx context.Context, by Actor, n NewStaff) (id int64, err error) {
	ctx = everywhere(ctx)
	err = d.cold.within(ctx, func(t *transaction) error {
		if err := t.tx.GetContext(ctx, &id, addAccount, n.Login, n.Name, n.Role, n.Area, n.Language,
			n.Invite.Hash, n.Invite.For.Seconds()); err != nil {
			return err
		}
		return t.record(ctx, Event{Actor: by, Kind: EventAccountAdded, Subject: SubjectOf(id), Detail: fmt.Sprintf("%s %s, area %d", n.Login, n.Role, n.Area)})
	})
	switch {
	case code(err) == codeUniqueViolation:
		return 0, fmt.Errorf("%w: %s", ErrTaken, n.Login)
	case code(err) == "23503": // the reference of the area
		return 0, fmt.Errorf("%w: %d", ErrNoArea, n.Area)
	case err != nil:
		return 0, fmt.Errorf("adding the account %s: %w", n.Login, err)
	}
	return id, nil
}

// ChangeStaff changes name, role, area and whether the account is in use, and
// ends its sessions: what a browser may do is decided when it signs in.
func (d *DB) ChangeStaff(ctx context.Context, by Actor, s Staff, active bool) error {
	ctx = everywhere(ctx)
	err := d.cold.within(ctx, func(t *transaction) error {
		if s.Role != RoleAdmin || !active {
			var others int
			if err := t.tx.GetContext(ctx, &others, otherAdmins, s.ID); err != nil {
				return err
			}
			if others == 0 {
				return ErrLastAdmin
			}
		}
		if err := t.one(ctx, changeAccount, s.ID, s.Name, s.Role, s.Area, active); err != nil {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, endSessions, s.ID, ""); err != nil {
			return err
		}
		detail := fmt.Sprintf("%s, area %d, active %t", s.Role, s.Area, active)
		return t.record(ctx, Event{Actor: by, Kind: EventAccountChanged, Subject: SubjectOf(s.ID), Detail: detail})
	})
	if err != nil {
		return fmt.Errorf("changing account %d: %w", s.ID, err)
	}
	return nil
}

// one runs a statement that must change one row.
func (t *transaction) one(ctx context.Context, query string, args ...any) error {
	result, err := t.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, ErrNoStaff)
	}
	return nil
}

// InviteStaff takes password, second factor and sessions from an account and
// opens a one-time link to it: that is how somebody who lost them comes back.
func (d *DB) InviteStaff(ctx context.Context, by Actor, login string, i Invite) error {
	ctx = everywhere(ctx)
	err := d.cold.within(ctx, func(t *transaction) error {
		var id int64
		err := t.tx.GetContext(ctx, &id, inviteAccount, login, i.Hash, i.For.Seconds())
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoStaff
		}
		if err != nil {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, endSessions, id, ""); err != nil {
			return err
		}
		return t.record(ctx, Event{Actor: by, Kind: EventAccountReset, Subject: SubjectOf(id)})
	})
	if err != nil {
		return fmt.Errorf("inviting %s: %w", login, err)
	}
	return nil
}

// Credentials are what an account signs in with.
type Credentials struct {
	Password string // argon2id in PHC form
	TOTP     string // secret; empty: none
	Step     int64  // of the code that confirmed it
}

// AcceptInvite sets the credentials of the account that the link is for, once.
func (d *DB) AcceptInvite(ctx context.Context, hash []byte, c Credentials, address string) error {
	ctx = everywhere(ctx)
	err := d.cold.within(ctx, func(t *transaction) error {
		var id int64
		err := t.tx.GetContext(ctx, &id, acceptInvite, hash, c.Password, c.TOTP, c.Step)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoStaff
		}
		if err != nil {
			return err
		}
		return t.record(ctx, Event{Actor: Actor{ID: id, Address: address}, Kind: EventInviteAccepted, Subject: SubjectOf(id)})
	})
	if err != nil {
		return fmt.Errorf("accepting an invitation: %w", err)
	}
	return nil
}

// InvitedAccount is the account that a one-time link is for.
func (d *DB) InvitedAccount(ctx context.Context, hash []byte) (Account, error) {
	ctx = everywhere(ctx)
	return d.account(ctx, accountByInvite, hash)
}

// OfferInvited keeps the secret that is offered to whoever opened a one-time
// link, in the place of was. Of two that open it at once the first one's stays:
// read the account again.
func (d *DB) OfferInvited(ctx context.Context, hash []byte, was, secret string) error {
	ctx = everywhere(ctx)
	if _, err := d.cold.ExecContext(ctx, offerInvited, hash, was, secret); err != nil {
		return fmt.Errorf("offering a second factor behind a link: %w", classify(err))
	}
	return nil
}

// Account is the account with that login.
func (d *DB) Account(ctx context.Context, login string) (Account, error) {
	ctx = everywhere(ctx)
	return d.account(ctx, accountByLogin, login)
}

// AccountByID is the account with that number.
func (d *DB) AccountByID(ctx context.Context, id int64) (Account, error) {
	ctx = everywhere(ctx)
	return d.account(ctx, accountByID, id)
}

func (d *DB) account(ctx context.Context, query string, key any) (Account, error) {
	ctx = everywhere(ctx)
	var a Account
	err := d.get(ctx, &a, query, key)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrNoStaff
	}
	if err != nil {
		return a, fmt.Errorf("reading an account: %w", err)
	}
	return a, nil
}

// Accounts are all accounts, those in use first.
func (d *DB) Accounts(ctx context.Context) ([]Account, error) {
	ctx = everywhere(ctx)
	var out []Account
	if err := d.list(ctx, &out, allAccounts); err != nil {
		return nil, fmt.Errorf("reading accounts: %w", err)
	}
	return out, nil
}

// HasAdmin reports whether somebody can manage accounts, or was invited to by
// hand: the account that is invited where there is none does not count.
func (d *DB) HasAdmin(ctx context.Context) (bool, error) {
	ctx = everywhere(ctx)
	var n int
	if err := d.get(ctx, &n, countAccounts); err != nil {
		return false, fmt.Errorf("looking for an admin: %w", err)
	}
	return n > 0, nil
}

// SetLanguage sets the language that somebody reads the desk in.
func (d *DB) SetLanguage(ctx context.Context, id int64, language string) error {
	ctx = everywhere(ctx)
	if _, err := d.cold.ExecContext(ctx, setLanguage, id, language); err != nil {
		return fmt.Errorf("setting the language of account %d: %w", id, classify(err))
	}
	return nil
}

const staffByID = `
SELECT id, login, name, role, coalesce(area, 0) AS area, language FROM staff.account WHERE id = $1 AND active`

// Staff is an account in use, as every request asks for it.
func (d *DB) Staff(ctx context.Context, id int64) (Staff, error) {
	ctx = everywhere(ctx)
	var s Staff
	err := d.pageGet(ctx, &s, staffByID, id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return s, ErrNoStaff
	case err != nil:
		return s, fmt.Errorf("reading account %d: %w", id, err)
	}
	return s, nil
}
