package web

import (
	"context"
	"errors"
	"net/http"
)

// houseRoutes adds the pages of accounts, the overview and the registry.
func (s *site) houseRoutes(rt *routes) {
	rt.open(http.MethodGet, "/login", s.showLogin)
	rt.open(http.MethodPost, "/login", s.signIn)
	rt.open(http.MethodGet, "/welcome/{token}", s.showWelcome)
	rt.open(http.MethodPost, "/welcome/{token}", s.welcome)
	rt.post("/logout", anyone(), s.signOut)
	rt.get("/account", anyone(), s.showAccount)
	rt.post("/account/password", anyone(), s.changePassword)
	rt.post("/account/language", anyone(), s.changeLanguage)
	rt.post("/account/totp/offer", anyone(), s.offerTOTP)
	rt.post("/account/totp/confirm", anyone(), s.confirmTOTP)
	rt.post("/account/sessions", anyone(), s.endSessions)
	rt.get("/staff", registrars(), s.whole(s.showPeople))
	rt.post("/staff", admins(), s.addPerson)
	rt.post("/staff/{id}", admins(), s.changePerson)
	rt.post("/staff/{id}/reset", admins(), s.resetPerson)
	rt.post("/staff/{id}/signout", admins(), s.signPersonOut)
	rt.get("/{$}", anyone(), s.showOverview)
	rt.stream("/live", anyone(), s.followLive)
	rt.get("/activity", registrars(), s.whole(s.showActivity))
	rt.get("/area/{code}", anyone(), s.showArea)
	rt.get("/chase", callers(), s.showChase)
	rt.post("/unmask", callers(), s.unmask)
	rt.get("/registry", registrars(), s.showRegistry)
	rt.upload("/registry/import", registrars(), uploadSize+formSize, s.whole(s.previewImport))
	rt.post("/registry/import/store", registrars(), s.whole(s.storeImport))
	rt.get("/registry/station/{code}", registrars(), s.showStation)
	rt.post("/registry/station/{code}/phone", registrars(), s.askPhone)
	rt.post("/registry/change/{id}", registrars(), s.decidePhone)
}

// chores is one round of Run.
func (s *site) chores(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	_, err := s.Centre.ApplyPhones(ctx)
	return errors.Join(err, s.Centre.SweepSessions(ctx, idleLimit))
}
