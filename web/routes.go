package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"tali/db"
)

// routes are the pages with who may see them. Every page is made here: one that
// forgot to say who may see it cannot be written.
type routes struct {
	site *site
	mux  *http.ServeMux
	all  []route
}

// route is one page, for the test that asks for each as everybody.
type route struct {
	method, pattern string
	roles           []db.Role // empty: everybody, signed in or not
	stream          bool      // goes on
}

func newRoutes(s *site) *routes { return &routes{site: s, mux: http.NewServeMux()} }

// Who may see a page.
func anyone() []db.Role     { return db.Roles() }
func deciders() []db.Role   { return []db.Role{db.RoleSupervisor, db.RoleVerifier} }
func registrars() []db.Role { return []db.Role{db.RoleAdmin, db.RoleSupervisor} }
func callers() []db.Role    { return []db.Role{db.RoleAdmin, db.RoleSupervisor, db.RoleVerifier} }
func admins() []db.Role     { return []db.Role{db.RoleAdmin} }

// answerTime is for one page; formSize for one form.
const (
	answerTime = 15 * time.Second
	formSize   = 64 << 10
)

// get adds a page that changes nothing.
func (rt *routes) get(pattern string, roles []db.Role, h http.HandlerFunc) {
	rt.add(http.MethodGet, pattern, roles, inTime(h))
}

// post adds what a form is sent to.
func (rt *routes) post(pattern string, roles []db.Role, h http.HandlerFunc) {
	rt.add(http.MethodPost, pattern, roles, inTime(upTo(formSize, h)))
}

// upload adds what a file is sent to.
func (rt *routes) upload(pattern string, roles []db.Role, size int64, h http.HandlerFunc) {
	rt.add(http.MethodPost, pattern, roles, upTo(size, h))
}

// stream adds a page that goes on. It keeps no session awake: a browser left
// open is nobody at work.
func (rt *routes) stream(pattern string, roles []db.Role, h http.HandlerFunc) {
	rt.all = append(rt.all, route{http.MethodGet, pattern, roles, true})
	rt.mux.Handle("GET "+pattern, rt.site.need(roles, h))
}

// open adds a page that needs no account.
func (rt *routes) open(method, pattern string, h http.HandlerFunc) {
	rt.all = append(rt.all, route{method: method, pattern: pattern})
	rt.mux.Handle(method+" "+pattern, inTime(upTo(formSize, h)))
}

func (rt *routes) add(method, pattern string, roles []db.Role, h http.HandlerFunc) {
	rt.all = append(rt.all, route{method: method, pattern: pattern, roles: roles})
	rt.mux.Handle(method+" "+pattern, rt.site.need(roles, rt.site.inUse(h)))
}

// need lets those of some roles through, as they are known at the centre now.
func (s *site) need(roles []db.Role, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		staff, ok := s.signedIn(w, r)
		if !ok {
			return
		}
		// From here on the centre answers with rows of their area alone.
		r = r.WithContext(db.WithReach(withStaff(r.Context(), staff), staff.Area))
		if !slices.Contains(roles, staff.Role) {
			s.refuse(w, r, http.StatusForbidden, "refused.role")
			return
		}
		next(w, r)
	}
}

// whole lets those through who work on all of the election: what a page holds
// belongs to no area.
func (s *site) whole(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if staffFrom(r.Context()).Area != 0 {
			s.refuse(w, r, http.StatusForbidden, "refused.area")
			return
		}
		next(w, r)
	}
}

// inUse notes that a person is at work in the session.
func (s *site) inUse(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.Centre.SeeSession(r.Context(), tokenHash(s.sessions.Token(r.Context()))); err != nil {
			s.fail(w, r, err)
			return
		}
		next(w, r)
	}
}

// inTime ends what a page asks of the centre.
func inTime(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerTime)
		defer cancel()
		next(w, r.WithContext(ctx))
	}
}

// upTo ends a body that is larger than any form of ours.
func upTo(size int64, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, size)
		next(w, r)
	}
}

type staffKey struct{}

func withStaff(ctx context.Context, s db.Staff) context.Context {
	return context.WithValue(ctx, staffKey{}, s)
}

// staffFrom is who asks; the zero Staff where nobody is signed in.
func staffFrom(ctx context.Context) db.Staff {
	s, _ := ctx.Value(staffKey{}).(db.Staff)
	return s
}

// actor is who asks, and from where, for the record.
func actor(r *http.Request) db.Actor {
	return db.Actor{ID: staffFrom(r.Context()).ID, Address: address(r)}
}
