package web_test

import (
	"testing"

	"tali/db"
	"tali/web/browsertest"
)

// TestAreaInABrowser looks at what somebody of one area is shown, and at the page
// on which their area is chosen.
func TestAreaInABrowser(t *testing.T) {
	t.Parallel()
	chrome := browsertest.Start(t)
	s := twoAreas(t)
	camat := s.limited("camat", db.RoleSupervisor).open(chrome)
	for name, path := range map[string]string{"overview": "/", "queue": "/queue", "registry": "/registry", "refused": "/staff"} {
		camat.visit(path)
		camat.Accessible(name)
		camat.Picture("wilayah-" + name)
	}
	camat.Resize(360, 640)
	camat.visit("/")
	camat.Sees("seluruh pemilihan")
	camat.Fits()
	camat.Picture("wilayah-overview-360")
	admin := s.as(db.RoleAdmin).open(chrome)
	admin.visit("/staff")
	admin.Sees("Sangkub")
	admin.Accessible("staff")
	admin.Picture("wilayah-staff")
}
