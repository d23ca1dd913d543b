package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tali/db"
)

// loginView is the form to sign in with.
type loginView struct {
	Login, Next, Problem string
}

func (s *site) showLogin(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, "login", loginView{Next: next(r)})
}

// signIn takes name, password and, where the account has one, the code of the
// second factor in one form. Every refusal reads the same: it tells nobody which
// part was wrong, or that an account exists.
func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, err)
		return
	}
	view := loginView{Login: strings.ToLower(strings.TrimSpace(r.PostFormValue("login"))), Next: next(r)}
	if !s.guesses.take(address(r), time.Now()) {
		view.Problem = s.text(r, "login.slow")
		s.renderStatus(w, r, http.StatusTooManyRequests, "login", view)
		return
	}
	account, step, err := s.checkLogin(r, view.Login)
	if err == nil {
		err = s.Centre.CompleteLogin(r.Context(), db.Actor{ID: account.ID, Address: address(r)}, step)
	}
	switch {
	case errors.Is(err, errNoLogin), errors.Is(err, db.ErrNoStaff), errors.Is(err, db.ErrLocked):
		if err := s.Centre.RecordEvent(r.Context(), db.Event{
			Actor: db.Actor{Address: address(r)}, Kind: db.EventLoginFailed, Subject: accountSubject(account.ID),
		}); err != nil {
			s.fail(w, r, err)
			return
		}
		view.Problem = s.text(r, "login.wrong")
		s.renderStatus(w, r, http.StatusUnauthorized, "login", view)
		return
	case err != nil:
		s.fail(w, r, err)
		return
	}
	if err := s.startSession(r, account.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	see(w, r, view.Next)
}

// errNoLogin: password or code is not right.
var errNoLogin = errors.New("wrong password or code")

// checkLogin compares what was typed. The account is returned even where it does
// not fit, for the record.
func (s *site) checkLogin(r *http.Request, login string) (db.Account, int64, error) {
	account, err := s.Centre.BeginLogin(r.Context(), login)
	if err != nil && !errors.Is(err, db.ErrNoStaff) && !errors.Is(err, db.ErrLocked) {
		return account, 0, err
	}
	fits, hashErr := s.hasher.fits(r.Context(), r.PostFormValue("password"), account.Password)
	switch {
	case hashErr != nil:
		return account, 0, hashErr
	case err != nil:
		return account, 0, err
	case !fits:
		return account, 0, errNoLogin
	case account.TOTP == "" && account.Role.NeedsTOTP():
		return account, 0, errNoLogin
	case account.TOTP == "":
		return account, 0, nil
	}
	secret, err := s.Seal.open(account.Login, account.TOTP)
	if err != nil {
		return account, 0, err
	}
	step, ok := totpStep(secret, r.PostFormValue("code"), time.Now())
	if !ok {
		return account, 0, errNoLogin
	}
	s.sealOld(r.Context(), account)
	return account, step, nil
}

// startSession gives the browser a new token, whatever it came with: one that
// somebody else planted is worth nothing.
func (s *site) startSession(r *http.Request, account int64) error {
	if err := s.sessions.Clear(r.Context()); err != nil {
		return err
	}
	s.sessions.Put(r.Context(), staffValue, account)
	return s.sessions.RenewToken(r.Context())
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.Destroy(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.Centre.RecordEvent(r.Context(), db.Event{Actor: actor(r), Kind: db.EventLogout}); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	see(w, r, "/login")
}

// next is the page to go on to: one of ours, wherever the link came from.
func next(r *http.Request) string {
	path := r.FormValue("next")
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.Contains(path, "\\") || strings.HasPrefix(path, "/login") {
		return "/"
	}
	return path
}

func nextQuery(r *http.Request) string {
	return url.Values{"next": {r.URL.RequestURI()}}.Encode()
}

// accountSubject names an account in the record; an unknown one has no name: what
// was typed there may be a password.
func accountSubject(id int64) string {
	if id == 0 {
		return "no account"
	}
	return db.SubjectOf(id)
}
