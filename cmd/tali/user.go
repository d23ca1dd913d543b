package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"tali/configs"
	"tali/db"
	"tali/web"
)

// firstAdmin is the account that serve invites where nobody can manage accounts.
const firstAdmin = "admin"

func newUser() *cobra.Command {
	return groupOf(
		&cobra.Command{
			Use:   "user",
			Short: "Staff accounts of the desk",
			Long: `user makes accounts of the verifiers' desk, and lets people in again who lost
their password or their phone. Both print a one-time link, valid for 24 hours:
whoever opens it chooses the password and, as supervisor or admin, sets up the
authenticator. Everything else about accounts is done at the desk itself.

Roles: admin (accounts and registry, decides nothing), supervisor (decides,
agrees to phone changes), verifier (decides), viewer (figures only).`,
			Example: `  tali user add siti --name "Siti Contoh" --role verifier --config /etc/tali/tali.yaml
  tali user reset siti --config /etc/tali/tali.yaml`,
		},
		newUserAdd(), newUserReset(),
	)
}

func newUserAdd() *cobra.Command {
	var config, name, role, area string
	c := &cobra.Command{
		Use: "add LOGIN", Short: "Make an account and print its one-time link", Args: oneArg("one LOGIN"),
		Long: `add makes an account. LOGIN has 2 to 32 small letters, digits, dots and dashes and
begins with a letter; it never changes.`,
		Example: `  tali user add admin --name "Admin Contoh" --role admin --config /etc/tali/tali.yaml
  tali user add budi --name "Budi Contoh" --role verifier --area 710801 --config /etc/tali/tali.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			staff, err := newStaff(args[0], name, role, area)
			if err != nil {
				return err
			}
			return withAccounts(cmd, config, func(ctx context.Context, desk *db.DB) (string, error) {
				path, invite := web.NewInvite()
				_, err := desk.AddStaff(ctx, db.Actor{}, db.NewStaff{Staff: staff, Invite: invite})
				if errors.Is(err, db.ErrTaken) {
					err = fmt.Errorf("%s has an account already: choose another LOGIN, or run tali user reset %s", staff.Login, staff.Login)
				}
				return path, err
			})
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its database")
	c.Flags().StringVar(&name, "name", "", "name of the person, as colleagues see it (default LOGIN)")
	c.Flags().StringVar(&role, "role", string(db.RoleVerifier), "admin, supervisor, verifier or viewer")
	c.Flags().StringVar(&area, "area", "", "code of the district or village whose stations they see and work on (default: all)")
	return c
}

func newUserReset() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "reset LOGIN", Short: "Take password and authenticator away and print a new one-time link", Args: oneArg("one LOGIN"),
		Long: `reset is for somebody who lost the password or the phone with the authenticator:
password, authenticator and all sessions of the account are removed, and a new
one-time link is printed. It also opens an account that was locked or not active.`,
		Example: `  tali user reset siti --config /etc/tali/tali.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAccounts(cmd, config, func(ctx context.Context, desk *db.DB) (string, error) {
				path, invite := web.NewInvite()
				err := desk.InviteStaff(ctx, db.Actor{}, args[0], invite)
				if errors.Is(err, db.ErrNoStaff) {
					err = fmt.Errorf("%q has no account: see them on the desk's staff page, or run tali user add", args[0])
				}
				return path, err
			})
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its database")
	return c
}

var loginPattern = regexp.MustCompile(`^[a-z][a-z0-9._-]{1,31}$`)

// newStaff checks what was typed, before anything is opened.
func newStaff(login, name, role, area string) (db.Staff, error) {
	s := db.Staff{Login: login, Name: name, Role: db.Role(role)}
	if s.Name == "" {
		s.Name = login
	}
	if !loginPattern.MatchString(login) {
		return s, fmt.Errorf("LOGIN %q: write 2 to 32 small letters, digits, dots or dashes, a letter first", login)
	}
	if !slices.Contains(db.Roles(), s.Role) {
		return s, fmt.Errorf("--role %q: write admin, supervisor, verifier or viewer", role)
	}
	if len([]rune(s.Name)) > 100 {
		return s, errors.New("--name: at most 100 letters")
	}
	if area != "" {
		code, err := strconv.ParseInt(area, 10, 64)
		if err != nil || code <= 0 || len(area) != 6 && len(area) != 10 {
			return s, fmt.Errorf("--area %q: write the 6 digits of a district or the 10 of a village", area)
		}
		if s.Role == db.RoleAdmin {
			return s, errors.New("--area: admins manage all accounts and have none; leave it out, or choose another role")
		}
		s.Area = code
	}
	return s, nil
}

// withAccounts opens the centre and prints the link that do made.
func withAccounts(cmd *cobra.Command, config string, do func(context.Context, *db.DB) (path string, err error)) (err error) {
	cfg, profile, err := loadConfig(config)
	if err != nil {
		return err
	}
	if err := refuseDemo(cfg.DataDir); err != nil {
		return err
	}
	centre, err := openCentre(cmd.Context(), cfg, profile, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, centre.Close()) }()
	path, err := do(cmd.Context(), centre.desk)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "one-time link, for 24 hours: %s%s\n", deskURL(cfg.Desk), path)
	return nil
}

// deskURL is the desk's address as the configuration knows it; people elsewhere
// put the machine's name in its place.
func deskURL(desk configs.Desk) string {
	if desk.TLSCert != "" {
		return "https://" + desk.Listen
	}
	return "http://" + desk.Listen
}

// inviteFirst prints a one-time link where nobody can manage accounts yet. A
// centre that is away says so elsewhere; the next start tries again.
func (d daemon) inviteFirst(ctx context.Context, url string) {
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	there, err := d.centre.desk.HasAdmin(ctx)
	if err != nil || there {
		return
	}
	path, invite := web.NewInvite()
	_, err = d.centre.desk.AddStaff(ctx, db.Actor{}, db.NewStaff{
		Staff: db.Staff{Login: firstAdmin, Name: "Admin", Role: db.RoleAdmin}, Invite: invite,
	})
	if errors.Is(err, db.ErrTaken) { // invited at an earlier start
		err = d.centre.desk.InviteStaff(ctx, db.Actor{}, firstAdmin, invite)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		d.log.Error("inviting the first admin: run tali user add", "err", err)
		return
	}
	// Not a line of the log, which many may read for years.
	fmt.Printf("tali: nobody has an account yet; the first admin opens this one-time link within 24 hours: %s%s\n", url, path)
}
