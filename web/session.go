package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"tali/db"
)

// Limits of a session. The idle one is what a person may be away for; the other
// is longer than a shift.
const (
	idleLimit     = 30 * time.Minute
	absoluteLimit = 14 * time.Hour
	sweepTimeout  = 10 * time.Second
)

// staffValue names the account in a session.
const staffValue = "staff"

// newSessions keeps sessions at the centre, so that signing out everywhere
// means everywhere and a restart signs nobody out.
func newSessions(s *site) *scs.SessionManager {
	m := scs.New()
	m.Store = &sessionStore{s.Centre}
	m.Lifetime = absoluteLimit
	m.Cookie.Name = cookieName(s.Secure)
	m.Cookie.HttpOnly, m.Cookie.Secure, m.Cookie.Persist = true, s.Secure, false
	m.Cookie.SameSite, m.Cookie.Path = http.SameSiteStrictMode, "/"
	m.ErrorFunc = s.fail
	return m
}

// cookieName has the prefix that browsers take from this host over TLS alone.
func cookieName(secure bool) string {
	if secure {
		return "__Host-tali"
	}
	return "tali"
}

// sessionStore keeps the sessions of scs in the table of sessions. The table
// never sees the token itself.
type sessionStore struct{ centre *db.DB }

var _ scs.CtxStore = (*sessionStore)(nil)

// FindCtx returns a session's data while it is neither over nor idle.
func (s *sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	data, err := await(ctx, func(ctx context.Context) ([]byte, error) {
		data, found, err := s.centre.FindSession(ctx, tokenHash(token), idleLimit)
		if !found {
			data = nil
		}
		return data, err
	})
	return data, data != nil, err
}

// CommitCtx stores a session.
func (s *sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, values, err := scs.GobCodec{}.Decode(data)
	if err != nil {
		return err
	}
	account, ok := values[staffValue].(int64)
	if !ok {
		return errors.New("a session that belongs to nobody")
	}
	from := browserFrom(ctx)
	return s.centre.SaveSession(ctx, db.Session{
		Token: tokenHash(token), Account: account, Data: data, Expires: expiry, Address: from.address, Agent: from.agent,
	})
}

// DeleteCtx ends a session.
func (s *sessionStore) DeleteCtx(ctx context.Context, token string) error {
	return s.centre.DeleteSession(ctx, tokenHash(token))
}

// Find is FindCtx for callers without a context, of which there are none here.
func (s *sessionStore) Find(token string) ([]byte, bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), sweepTimeout)
	defer cancel()
	return s.FindCtx(ctx, token)
}

// Commit is CommitCtx without a context.
func (s *sessionStore) Commit(token string, data []byte, expiry time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), sweepTimeout)
	defer cancel()
	return s.CommitCtx(ctx, token, data, expiry)
}

// Delete is DeleteCtx without a context.
func (s *sessionStore) Delete(token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), sweepTimeout)
	defer cancel()
	return s.DeleteCtx(ctx, token)
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// browser is where a request comes from.
type browser struct{ address, agent string }

type browserKey struct{}

// withBrowser hands the address on to the store, which sees no request.
func withBrowser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := browser{address(r), r.UserAgent()}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), browserKey{}, from)))
	})
}

func browserFrom(ctx context.Context) browser {
	b, _ := ctx.Value(browserKey{}).(browser)
	return b
}

// signedIn finds out who asks, anew for each request: a role that was taken away
// is away at once. It answers those who are not signed in.
func (s *site) signedIn(w http.ResponseWriter, r *http.Request) (db.Staff, bool) {
	id := s.sessions.GetInt64(r.Context(), staffValue)
	if id != 0 {
		staff, err := await(r.Context(), func(ctx context.Context) (db.Staff, error) { return s.Centre.Staff(ctx, id) })
		switch {
		case err == nil:
			return staff, true
		case !errors.Is(err, db.ErrNoStaff):
			s.fail(w, r, err)
			return db.Staff{}, false
		}
	}
	s.askToSignIn(w, r)
	return db.Staff{}, false
}

// askToSignIn leads to the form. What was typed into another form is not thrown
// away: the page says how to keep it.
func (s *site) askToSignIn(w http.ResponseWriter, r *http.Request) {
	to := "/login?" + nextQuery(r)
	switch {
	case r.Header.Get("HX-Request") != "":
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusUnauthorized)
	case r.Header.Get("Accept") == "text/event-stream":
		w.WriteHeader(http.StatusNoContent) // tells EventSource not to come back
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		see(w, r, to)
	default:
		s.refuse(w, r, http.StatusUnauthorized, "refused.session")
	}
}

// stillSignedIn reports whether the session of a page that goes on is alive. It
// does not keep it alive. A centre that is away signs nobody out.
func (s *site) stillSignedIn(r *http.Request) bool {
	found, err := await(r.Context(), func(ctx context.Context) (bool, error) {
		_, found, err := s.Centre.FindSession(ctx, tokenHash(s.sessions.Token(r.Context())), idleLimit)
		return found, err
	})
	return found || err != nil
}
