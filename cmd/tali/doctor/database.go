package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tali/db"
)

const (
	databaseTimeout = 15 * time.Second
	slightOffset    = 5 * time.Second
	graveOffset     = time.Minute
)

// database reaches the centre, and asks it for its schema and the time.
func (s Site) database(ctx context.Context) []Finding {
	if s.Config.Database.DSN == "" {
		if _, err := os.Stat(filepath.Join(s.Config.DataDir, "postgres")); errors.Is(err, os.ErrNotExist) {
			return []Finding{notMadeYet()}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	d, err := s.Centre(ctx)
	if err != nil {
		return []Finding{fail("database", oneLine(err), reach(s.Config.Database.DSN))}
	}
	found := s.centre(ctx, d)
	if err := d.Close(); err != nil {
		found = append(found, warn("database", oneLine(err), "look at the server's log"))
	}
	return found
}

// notMadeYet is right as long as the programs are there that will make it.
func notMadeYet() Finding {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is right
	if _, err := exec.LookPath("initdb"); err != nil && len(found) == 0 {
		return fail("database", "private, not made yet, and PostgreSQL is not installed here",
			"apt install postgresql-15 (its server package), or name a database in database.dsn")
	}
	return ok("database", "private, not made yet: the first start makes it")
}

func (s Site) centre(ctx context.Context, d *db.DB) []Finding {
	begun := time.Now()
	at, err := d.Clock(ctx)
	took := time.Since(begun)
	if err != nil {
		return []Finding{fail("database", oneLine(err), reach(s.Config.Database.DSN))}
	}
	found := []Finding{ok("database", fmt.Sprintf("answers within %v", took.Round(100*time.Microsecond)))}
	switch err := d.CheckVersion(ctx); {
	case err == nil:
		found = append(found, ok("schema", "fits this program"))
	case errors.Is(err, db.ErrSchema):
		found = append(found, fail("schema", oneLine(err), "tali migrate --config FILE --owner DSN, with the newest tali"))
	default:
		found = append(found, fail("schema", oneLine(err), "give the role of database.dsn the rights of tali_gateway and tali_desk"))
	}
	// The server's clock was read somewhere between our two.
	return append(found, clock("clock", "database", begun.Add(took/2).Sub(at), took))
}

// clock judges how far this machine's clock is from another one; doubt is how
// exactly that is known.
func clock(subject, other string, ahead, doubt time.Duration) Finding {
	off := max(ahead.Abs()-doubt, 0)
	what := fmt.Sprintf("%v %s the %s's", ahead.Abs().Round(10*time.Millisecond), aheadOf(ahead), other)
	const remedy = "set this machine's clock (timedatectl set-ntp true; without a network by hand): limits in time go by it"
	switch {
	case off > graveOffset:
		return fail(subject, what, remedy)
	case off > slightOffset:
		return warn(subject, what, remedy)
	}
	return ok(subject, what)
}

func aheadOf(d time.Duration) string {
	if d < 0 {
		return "behind"
	}
	return "ahead of"
}

func reach(dsn string) string {
	if dsn == "" {
		return "the private server does not start: look into postgres/ in data_dir for its log, and see that its owner may enter data_dir"
	}
	return "see that the server runs, that host, user and password of database.dsn are right and that its pg_hba.conf lets this machine in; SMS are kept meanwhile"
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
