package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tali/cmd/tali/archive"
	"tali/db"
)

func newAudit() *cobra.Command {
	return groupOf(
		&cobra.Command{
			Use:   "audit",
			Short: "Prove that nothing was changed, removed or added afterwards",
			Long: `audit reads the chain in which the centre keeps what people did (decisions,
registry, accounts, sign-ins, unmasked phones, exports) and a digest of what came
in. Each event's hash covers the one before it.

Somebody who owns the database can write a whole new chain, but not change what
is on paper: print the head every day (tali audit head), have it signed, keep it
elsewhere, and verify against it.`,
			Example: `  tali audit head --config /etc/tali/tali.yaml
  tali audit verify --config /etc/tali/tali.yaml
  tali audit verify --config /etc/tali/tali.yaml --head 1234:5f0c...`,
		},
		newAuditVerify(), newAuditHead(),
	)
}

func newAuditVerify() *cobra.Command {
	var config, head string
	var archives []string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check the chain, every row in it, what came in, and the totals",
		Long: `verify checks at one moment that the chain is whole, that every row it speaks of
is as it was, that nothing was done beside it, that every SMS with its verdict
and figures is as it was sealed, and that the published totals are what their
rows give. What was touched is named, one line each. The exit code is 0 when all
is well and 1 otherwise.

--head is a head that was printed before, number and hash: SEQ:HASH. Without it
a chain that was written anew as a whole does not show.

--archive checks an archive as tali archive verify does, and that it is the one
behind which an election was taken away: the chain keeps its SHA-256. It may stand
more than once.`,
		Example: `  tali audit verify --config /etc/tali/tali.yaml --head 1234:5f0c...
  tali audit verify --config /etc/tali/tali.yaml --archive /srv/arsip/pilkada-2024`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			printed, err := parseHead(head)
			if err != nil {
				return err
			}
			return withDesk(cmd.Context(), config, func(ctx context.Context, desk *db.DB) error {
				return auditVerify(ctx, cmd.OutOrStdout(), desk, printed, archives)
			})
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its database")
	c.Flags().StringVar(&head, "head", "", "a head that was printed before, SEQ:HASH")
	c.Flags().StringArrayVar(&archives, "archive", nil, "the archive of an election that was taken away")
	return c
}

func newAuditHead() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:   "head",
		Short: "Print the end of the chain, for the record on paper",
		Long: `head prints number, time and hash of the newest event. The hash covers everything
before it: print it every day, sign it, and keep it away from this machine.`,
		Example: `  tali audit head --config /etc/tali/tali.yaml | lp`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withDesk(cmd.Context(), config, func(ctx context.Context, desk *db.DB) error {
				return auditHead(ctx, cmd.OutOrStdout(), desk)
			})
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its database")
	return c
}

// withDesk opens the centre for a command that is no daemon.
func withDesk(ctx context.Context, config string, do func(context.Context, *db.DB) error) (err error) {
	cfg, profile, err := loadConfig(config)
	if err != nil {
		return err
	}
	centre, err := openCentre(ctx, cfg, profile, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, centre.Close()) }()
	return do(ctx, centre.desk)
}

// parseHead reads SEQ:HASH; empty is none.
func parseHead(text string) (db.AuditHead, error) {
	if text == "" {
		return db.AuditHead{}, nil
	}
	number, hash, _ := strings.Cut(text, ":")
	hash = strings.ToLower(strings.ReplaceAll(hash, " ", ""))
	seq, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || seq <= 0 || len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		return db.AuditHead{}, fmt.Errorf("--head %q: write the number, a colon and the 64 hex digits, as tali audit head printed them", text)
	}
	return db.AuditHead{Seq: seq, Hash: hash}, nil
}

func auditVerify(ctx context.Context, out io.Writer, desk *db.DB, printed db.AuditHead, archives []string) error {
	bar := newBar("verifying")
	r, err := desk.VerifyAudit(ctx, printed, bar.set)
	bar.done()
	if err != nil {
		return err
	}
	for _, dir := range archives {
		fault, err := auditArchive(ctx, out, desk, dir)
		if err != nil {
			return err
		}
		r.Faults = append(r.Faults, fault...)
	}
	for _, f := range r.Faults {
		fmt.Fprintln(out, "FAULT:", f)
	}
	fmt.Fprintf(out, "%s, %s sealed, %d waiting for the chain\n", counted(r.Events, "event"), counted(r.Messages, "message"), r.Pending)
	if r.Archived > 0 {
		fmt.Fprintf(out, "%s of elections that were taken away: keys and times are left\n", counted(r.Archived, "message"))
	}
	if r.Head.Seq > 0 {
		fmt.Fprintf(out, "head %d:%s\n", r.Head.Seq, r.Head.Hash)
	}
	if !r.Recount {
		fmt.Fprintln(out, "totals were not counted again: decisions wait for the projector (tali serve); verify once more in a moment")
	}
	if len(r.Faults) > 0 {
		fmt.Fprintf(out, "NOT INTACT: %s\n", counted(len(r.Faults), "fault"))
		return &checkFailed{"the audit chain is not intact"}
	}
	fmt.Fprintln(out, "intact")
	return nil
}

// auditArchive holds an archive against what the chain keeps of it.
func auditArchive(ctx context.Context, out io.Writer, desk *db.DB, dir string) (faults []string, err error) {
	a, err := openArchive(dir, nil)
	if errors.Is(err, archive.ErrDamaged) {
		return []string{err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := desk.RetirementOf(ctx, a.Digest)
	if errors.Is(err, db.ErrNotArchived) {
		return []string{dir + ": SHA256SUMS is not that of an archive behind which this centre took an election away"}, nil
	}
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "%s: whole, %d rows of %s, the archive of retirement %d\n", dir, a.Manifest.Rows(), a.Manifest.Code, r.ID)
	return nil, nil
}

func auditHead(ctx context.Context, out io.Writer, desk *db.DB) error {
	h, err := desk.AuditHead(ctx)
	if err != nil {
		return err
	}
	if h.Seq == 0 {
		return errors.New("the audit chain is empty: tali serve begins it")
	}
	fmt.Fprintf(out, "tali audit head\ntime  %s\nevent %d\nhash ", h.At.UTC().Format("2006-01-02 15:04:05 UTC"), h.Seq)
	for i := 0; i < len(h.Hash); i += 8 {
		fmt.Fprintf(out, " %s", h.Hash[i:i+8])
	}
	fmt.Fprintf(out, "\n\nverify with  --head %d:%s\n", h.Seq, h.Hash)
	return nil
}
