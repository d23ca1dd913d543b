package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"html/template"
	"net/http"
	"time"

	"tali/db"
)

// InviteFor is how long a one-time link may be used.
const InviteFor = 24 * time.Hour

// NewInvite makes a one-time link to an account: its path, and what the centre
// keeps of it. The second factor is made where the link is opened: only the desk
// can seal it.
func NewInvite() (path string, i db.Invite) {
	token := rand.Text()
	sum := sha256.Sum256([]byte(token))
	return "/welcome/" + token, db.Invite{Hash: sum[:], For: InviteFor}
}

// welcomeView is the page behind a one-time link.
type welcomeView struct {
	Path, Name, Login, Role string
	Secret                  string // of the second factor; empty: none is needed
	QR                      template.HTML
	Problem                 string
}

// invited finds the account of a link, or answers.
func (s *site) invited(w http.ResponseWriter, r *http.Request) (hash []byte, a db.Account, ok bool) {
	sum := sha256.Sum256([]byte(r.PathValue("token")))
	a, err := s.Centre.InvitedAccount(r.Context(), sum[:])
	if err == nil && a.Role.NeedsTOTP() {
		a, err = s.offerInvited(r.Context(), sum[:], a)
	}
	switch {
	case errors.Is(err, db.ErrNoStaff):
		s.refuse(w, r, http.StatusNotFound, "refused.invite")
		return nil, a, false
	case err != nil:
		s.fail(w, r, err)
		return nil, a, false
	}
	return sum[:], a, true
}

// offerInvited makes the second factor at the first opening of a link, and seals
// one that an earlier version left open.
func (s *site) offerInvited(ctx context.Context, hash []byte, a db.Account) (db.Account, error) {
	secret := a.TOTPPending
	if secret == "" {
		var err error
		if secret, err = NewTOTP(a.Login); err != nil {
			return a, err
		}
	}
	closed := s.Seal.close(a.Login, secret)
	if closed == a.TOTPPending {
		return a, nil
	}
	if err := s.Centre.OfferInvited(ctx, hash, a.TOTPPending, closed); err != nil {
		return a, err
	}
	return s.Centre.InvitedAccount(ctx, hash)
}

func (s *site) showWelcome(w http.ResponseWriter, r *http.Request) {
	if _, a, ok := s.invited(w, r); ok {
		s.renderWelcome(w, r, http.StatusOK, a, "")
	}
}

func (s *site) renderWelcome(w http.ResponseWriter, r *http.Request, status int, a db.Account, problem string) {
	view := welcomeView{Path: r.URL.Path, Name: a.Name, Login: a.Login, Role: string(a.Role), Problem: problem}
	if a.Role.NeedsTOTP() {
		var err error
		if view.Secret, err = s.Seal.open(a.Login, a.TOTPPending); err != nil {
			s.fail(w, r, err)
			return
		}
		if view.QR, err = qrCode(TOTPAddress(a.Login, view.Secret)); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.renderStatus(w, r, status, "welcome", view)
}

// welcome takes the password and the first code. The link is spent only when
// both are right.
func (s *site) welcome(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, err)
		return
	}
	if !s.guesses.take(address(r), time.Now()) {
		s.refuse(w, r, http.StatusTooManyRequests, "refused.slow")
		return
	}
	hash, a, ok := s.invited(w, r)
	if !ok {
		return
	}
	credentials, problem, err := s.chosen(r, a)
	switch {
	case err != nil:
		s.fail(w, r, err)
		return
	case problem != "":
		s.renderWelcome(w, r, http.StatusUnprocessableEntity, a, s.text(r, problem))
		return
	}
	err = s.Centre.AcceptInvite(r.Context(), hash, credentials, address(r))
	switch {
	case errors.Is(err, db.ErrNoStaff): // somebody else was faster with the same link
		s.refuse(w, r, http.StatusNotFound, "refused.invite")
	case err != nil:
		s.fail(w, r, err)
	default:
		see(w, r, "/login")
	}
}

// chosen reads the password and the first code; problem is the key of a text.
func (s *site) chosen(r *http.Request, a db.Account) (c db.Credentials, problem string, err error) {
	if problem = s.newPassword(r, a.Login); problem != "" {
		return c, problem, nil
	}
	if a.Role.NeedsTOTP() {
		secret, err := s.Seal.open(a.Login, a.TOTPPending)
		if err != nil {
			return c, "", err
		}
		step, ok := totpStep(secret, r.PostFormValue("code"), time.Now())
		if !ok {
			return c, "totp.wrong", nil
		}
		c.TOTP, c.Step = s.Seal.close(a.Login, secret), step
	}
	c.Password, err = s.hasher.hash(r.Context(), r.PostFormValue("password"))
	return c, "", err
}

// newPassword names what is wrong with a password that was typed twice.
func (s *site) newPassword(r *http.Request, login string) (problem string) {
	password := r.PostFormValue("password")
	if problem := weak(password, login); problem != "" {
		return problem
	}
	if password != r.PostFormValue("again") {
		return "password.differs"
	}
	return ""
}
