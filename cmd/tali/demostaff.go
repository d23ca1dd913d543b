package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"tali/db"
	"tali/web"
)

// demoPeople are the accounts of a demo; the names are invented.
func demoPeople() []db.Staff {
	return []db.Staff{
		{Login: "verifikator1", Name: "Verifikator Rekaan 1", Role: db.RoleVerifier},
		{Login: "verifikator2", Name: "Verifikator Rekaan 2", Role: db.RoleVerifier},
		{Login: "pengamat", Name: "Pengamat Rekaan", Role: db.RoleViewer},
		{Login: "penyelia", Name: "Penyelia Rekaan", Role: db.RoleSupervisor},
		{Login: firstAdmin, Name: "Admin Rekaan", Role: db.RoleAdmin},
	}
}

// demoStaff gives every account of the demo a password of its own, anew at each
// start, and returns what is printed of them.
func demoStaff(ctx context.Context, c *centreSite) (string, error) {
	var out strings.Builder
	for _, s := range demoPeople() {
		line, err := demoAccount(ctx, c.desk, s)
		if err != nil {
			return "", err
		}
		out.WriteString(line)
	}
	return out.String(), nil
}

func demoAccount(ctx context.Context, desk *db.DB, s db.Staff) (string, error) {
	_, invite := web.NewInvite()
	_, err := desk.AddStaff(ctx, db.Actor{}, db.NewStaff{Staff: s, Invite: invite})
	if errors.Is(err, db.ErrTaken) { // of an earlier start
		err = desk.InviteStaff(ctx, db.Actor{}, s.Login, invite)
	}
	if err != nil {
		return "", err
	}
	password := strings.ToLower(rand.Text()[:16])
	given := db.Credentials{Password: web.HashPassword(password)}
	line := fmt.Sprintf("    %-13s %s", s.Login, password)
	if s.Role.NeedsTOTP() {
		if given.TOTP, err = web.NewTOTP(s.Login); err != nil {
			return "", err
		}
		line += "  " + web.TOTPAddress(s.Login, given.TOTP)
	}
	return line + "\n", desk.AcceptInvite(ctx, invite.Hash, given, "")
}
