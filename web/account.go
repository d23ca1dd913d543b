package web

import (
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tali/db"
)

// accountView is somebody's own account.
type accountView struct {
	Login, Name, Role, Language string
	Sessions                    []sessionView
	TOTP, MayTOTP               bool
	Secret                      string // offered, to be confirmed
	QR                          template.HTML
	Problem, Done               string
}

type sessionView struct {
	ID          int64
	Began, Seen stamp
	From, Agent string
	Here        bool
}

func (s *site) showAccount(w http.ResponseWriter, r *http.Request) {
	done := ""
	if key := "account.done." + r.FormValue("done"); s.words.has(key) {
		done = s.text(r, key)
	}
	s.renderAccount(w, r, http.StatusOK, "", done)
}

func (s *site) renderAccount(w http.ResponseWriter, r *http.Request, status int, problem, done string) {
	a, err := s.Centre.AccountByID(r.Context(), staffFrom(r.Context()).ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	sessions, err := s.Centre.Sessions(r.Context(), a.ID, idleLimit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	view := accountView{
		Login: a.Login, Name: a.Name, Role: string(a.Role), Language: s.language(r), TOTP: a.TOTP != "", MayTOTP: a.TOTP == "",
		Problem: problem, Done: done,
	}
	if view.Secret, err = s.Seal.open(a.Login, a.TOTPPending); err != nil {
		s.fail(w, r, err)
		return
	}
	if view.Secret != "" {
		if view.QR, err = qrCode(TOTPAddress(a.Login, view.Secret)); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	c, here := clockOf(s.Profile, time.Now()), tokenHash(s.sessions.Token(r.Context()))
	for _, x := range sessions {
		view.Sessions = append(view.Sessions, sessionView{x.ID, c.brief(x.Began), c.brief(x.Seen), x.Address, agentName(x.Agent), x.Token == here})
	}
	s.renderStatus(w, r, status, "account", view)
}

// agentName is as much of a browser's long name as tells two apart.
func agentName(agent string) string {
	name := "?"
	for _, b := range []string{"Edg/", "OPR/", "Firefox/", "Chrome/", "Safari/"} {
		if strings.Contains(agent, b) {
			name = strings.TrimSuffix(b, "/")
			break
		}
	}
	for _, system := range []string{"Android", "iPhone", "Windows", "Mac OS X", "Linux"} {
		if strings.Contains(agent, system) {
			return name + ", " + system
		}
	}
	return name
}

// changePassword asks for the old one: a desk left open must not lose its
// account to whoever passes by.
func (s *site) changePassword(w http.ResponseWriter, r *http.Request) {
	who := staffFrom(r.Context())
	if !s.guesses.take("account "+strconv.FormatInt(who.ID, 10), time.Now()) {
		s.refuse(w, r, http.StatusTooManyRequests, "refused.slow")
		return
	}
	a, err := s.Centre.AccountByID(r.Context(), who.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	fits, err := s.hasher.fits(r.Context(), r.PostFormValue("old"), a.Password)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	problem := "password.old"
	if fits {
		problem = s.newPassword(r, a.Login)
	}
	if problem != "" {
		s.renderAccount(w, r, http.StatusUnprocessableEntity, s.text(r, problem), "")
		return
	}
	hash, err := s.hasher.hash(r.Context(), r.PostFormValue("password"))
	if err == nil {
		err = s.Centre.ChangePassword(r.Context(), actor(r), hash, tokenHash(s.sessions.Token(r.Context())))
	}
	if err == nil {
		err = s.sessions.RenewToken(r.Context())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	see(w, r, "/account?done=password")
}

func (s *site) changeLanguage(w http.ResponseWriter, r *http.Request) {
	language := r.PostFormValue("language")
	if !slices.Contains(languages(), language) {
		s.refuse(w, r, http.StatusBadRequest, "refused.form")
		return
	}
	if err := s.Centre.SetLanguage(r.Context(), staffFrom(r.Context()).ID, language); err != nil {
		s.fail(w, r, err)
		return
	}
	see(w, r, "/account")
}

// offerTOTP shows a second factor to those who may have one and have none.
func (s *site) offerTOTP(w http.ResponseWriter, r *http.Request) {
	who := staffFrom(r.Context())
	secret, err := NewTOTP(who.Login)
	if err == nil {
		err = s.Centre.OfferTOTP(r.Context(), who.ID, s.Seal.close(who.Login, secret))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	see(w, r, "/account")
}

func (s *site) confirmTOTP(w http.ResponseWriter, r *http.Request) {
	a, err := s.Centre.AccountByID(r.Context(), staffFrom(r.Context()).ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	secret, err := s.Seal.open(a.Login, a.TOTPPending)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	step, ok := totpStep(secret, r.PostFormValue("code"), time.Now())
	if a.TOTPPending == "" || !ok {
		s.renderAccount(w, r, http.StatusUnprocessableEntity, s.text(r, "totp.wrong"), "")
		return
	}
	switch err := s.Centre.ConfirmTOTP(r.Context(), actor(r), step); {
	case errors.Is(err, db.ErrNoStaff): // confirmed in another tab
		see(w, r, "/account")
	case err != nil:
		s.fail(w, r, err)
	default:
		see(w, r, "/account?done=totp")
	}
}

// endSessions signs out one browser, or all but this one.
func (s *site) endSessions(w http.ResponseWriter, r *http.Request) {
	who := staffFrom(r.Context())
	var err error
	if which := r.PostFormValue("session"); which == "others" {
		err = s.Centre.EndSessions(r.Context(), actor(r), who.ID, tokenHash(s.sessions.Token(r.Context())))
	} else {
		id, parseErr := strconv.ParseInt(which, 10, 64)
		if parseErr != nil {
			s.refuse(w, r, http.StatusBadRequest, "refused.form")
			return
		}
		err = s.Centre.EndSession(r.Context(), actor(r), who.ID, id)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	see(w, r, "/account?done=sessions")
}
