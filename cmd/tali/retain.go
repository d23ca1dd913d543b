package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tali/db"
)

func newRetain() *cobra.Command {
	var r retain
	var config, owner string
	c := &cobra.Command{
		Use:   "retain [ELECTION]",
		Short: "See which elections may be taken out of the centre, and do it",
		Long: `retain lists the elections of a centre: what would go with each, and what keeps it
there. It changes nothing unless --archive or --without-archive says so.

With --archive DIR and ELECTION, that election is taken away: its SMS, verdicts,
entries, replies and questions. DIR is checked first, every row of it, and must hold
exactly what is in the centre at that moment. The published results, the decisions
and the audit chain stay; so does the key of every SMS: one that comes once more
counts for no later election. The chain keeps the archive's SHA-256; from then on
tali audit verify --archive DIR tells whether an archive is still that one.

It refuses while something is unfinished, and names it: an open round, entries that
wait or are held, replies to be sent, what is not sealed. Intake and desk wait for
it a moment; other elections go on. It cannot be undone.`,
		Example: `  tali retain --config /etc/tali/tali.yaml
  tali archive pilkada-2024 --out /srv/arsip/pilkada-2024 --key export.key --config /etc/tali/tali.yaml
  tali retain --archive /srv/arsip/pilkada-2024 pilkada-2024 --config /etc/tali/tali.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.check(args); err != nil {
				return err
			}
			r.in, r.out = cmd.InOrStdin(), cmd.OutOrStdout()
			return withOldCentre(cmd.Context(), config, owner, func(ctx context.Context, o *ownerSite) error {
				r.centre = o.centre
				if r.archive != "" || r.without {
					return r.take(ctx)
				}
				return r.list(ctx)
			})
		},
	}
	ownerFlags(c, &config, &owner)
	c.Flags().StringVar(&r.archive, "archive", "", "take ELECTION away; the directory that tali archive wrote of it")
	c.Flags().BoolVar(&r.without, "without-archive", false, "take ELECTION away though nothing of it is kept, once its code is typed")
	c.Flags().IntVar(&r.days, "days", 90, "nothing of it may be younger than so many days")
	c.MarkFlagsMutuallyExclusive("archive", "without-archive")
	return c
}

// retain is one run of the command.
type retain struct {
	centre   *db.DB
	archive  string
	without  bool
	days     int
	election string // empty: all
	before   time.Time
	in       io.Reader
	out      io.Writer
}

func (r *retain) check(args []string) error {
	if r.days < 0 {
		return fmt.Errorf("--days %d: write 0 or more", r.days)
	}
	r.before = time.Now().AddDate(0, 0, -r.days)
	if len(args) == 1 {
		r.election = args[0]
	}
	if (r.archive != "" || r.without) && r.election == "" {
		return errors.New("ELECTION is missing: name the one that is to be taken away")
	}
	return nil
}

// list is the dry look.
func (r *retain) list(ctx context.Context) error {
	all, err := r.centre.Retirements(ctx, r.election, r.before)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		if r.election != "" {
			return fmt.Errorf("no election %q in this centre: tali retain lists them", r.election)
		}
		fmt.Fprintln(r.out, "no election in this centre")
		return nil
	}
	table := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ELECTION\tSMS FROM\tUNTIL\tSMS\tROWS\tSTATE")
	for _, e := range all {
		var sms, rows int64
		for _, t := range e.Tables {
			rows += t.Rows
			if t.Name == "intake.message" {
				sms = t.Rows
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\n", e.Code, day(e.First), day(e.Last), sms, rows, stateOf(e))
	}
	return table.Flush()
}

func day(t time.Time) string {
	if t.Year() <= 1 {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}

func stateOf(e db.Retirement) string {
	switch {
	case e.Retired:
		return "taken away"
	case len(e.Unfinished) > 0:
		return "stays: " + strings.Join(e.Unfinished, ", ")
	}
	return "may be archived and taken away"
}

// take takes one election away. What waits for the chain, the archive for one, is
// brought there first: with the private server nobody else may be running.
func (r *retain) take(ctx context.Context) error {
	for n := 1; n > 0; {
		var err error
		if n, err = r.centre.ExtendChain(ctx); err != nil {
			return err
		}
	}
	e, err := oneElection(ctx, r.centre, r.election, r.before)
	if err != nil {
		return err
	}
	if e.Retired {
		return fmt.Errorf("%s was taken away already", e.Code)
	}
	if len(e.Unfinished) > 0 {
		return fmt.Errorf("%s is not finished: %s; nothing was changed", e.Code, strings.Join(e.Unfinished, ", "))
	}
	order := db.Retire{Election: e.Election, Before: r.before, By: whoAmI()}
	if err := r.prove(&order, e); err != nil {
		return err
	}
	id, err := r.centre.RetireElection(ctx, order)
	if err != nil {
		return fmt.Errorf("%s: %w; nothing was changed", e.Code, err)
	}
	fmt.Fprintf(r.out, "%s: taken away, retirement %d of the audit chain\n", e.Code, id)
	for _, t := range e.Tables {
		fmt.Fprintf(r.out, "  %-16s %10d rows\n", t.Name, t.Rows)
	}
	return nil
}

// prove puts into the order what makes up for the rows: a checked archive of them,
// or the word of whoever does it.
func (r *retain) prove(order *db.Retire, e db.Retirement) error {
	if r.archive == "" {
		fmt.Fprintf(r.out, "%s will be taken away and nothing of it is kept. Type %s to go on: ", e.Name, e.Code)
		typed, err := bufio.NewReader(r.in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if strings.TrimSpace(typed) != e.Code {
			return fmt.Errorf("%q was typed, not %q: nothing was changed", strings.TrimSpace(typed), e.Code)
		}
		return nil
	}
	a, err := openArchive(r.archive, nil)
	if err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	if a.Manifest.Code != e.Code || a.Manifest.Election != e.Election {
		return fmt.Errorf("%s is an archive of %s, not of %s: nothing was changed", r.archive, a.Manifest.Code, e.Code)
	}
	path, err := filepath.Abs(r.archive)
	if err != nil {
		return err
	}
	order.Archive, order.Digest, order.Tables = filepath.Base(path), a.Digest, a.Manifest.Sums()
	return nil
}
