package web

import (
	"context"
	"net/http"
)

// houseRoutes adds the pages of accounts, the overview and the registry.
func (s *site) houseRoutes(rt *routes) {
	rt.open(http.MethodGet, "/login", s.showLogin)
	rt.open(http.MethodPost, "/login", s.signIn)
	rt.post("/logout", anyone(), s.signOut)
	rt.get("/{$}", anyone(), s.showOverview)
	rt.stream("/live", anyone(), s.followLive)
}

// chores is one round of Run.
func (s *site) chores(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	return s.Centre.SweepSessions(ctx, idleLimit)
}
