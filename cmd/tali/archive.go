package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tali/cmd/tali/archive"
	"tali/configs"
	"tali/db"
)

func newArchive() *cobra.Command {
	var config, owner, out, key string
	c := &cobra.Command{
		Use:   "archive ELECTION",
		Short: "Write an election that is over into a signed directory, to be read without tali",
		Long: `archive writes the rows that would go with an election (SMS, verdicts, entries,
replies, questions) into a new directory: a compressed text file for each table, a
manifest with number of rows and digest of each, SHA-256 sums, and an Ed25519
signature. Everything is read back and compared with the centre before the
directory gets its name; when something fails, the disk is full for one, nothing
is left behind. ELECTION is its code, as tali retain lists it.

Nothing is taken out of the centre: that is tali retain. README.txt in the directory
says how to check and read it with gzip, sha256sum, openssl and psql alone.

The directory holds phone numbers and SMS, and only you can read it. Sign with the
key of tali export, or make one, and keep it:

  openssl genpkey -algorithm ed25519 -out export.key && chmod 600 export.key

With a database of yours, --owner connects as its owner, as for tali migrate.`,
		Example: `  tali archive pilkada-2024 --out /srv/arsip/pilkada-2024 --key export.key --config /etc/tali/tali.yaml
  tali archive verify /srv/arsip/pilkada-2024
  tali archive show /srv/arsip/pilkada-2024 tally.entry | head`,
		Args: oneArg("one ELECTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			signing, err := readSigningKey(key)
			if err != nil {
				return err
			}
			return withOldCentre(cmd.Context(), config, owner, func(ctx context.Context, o *ownerSite) error {
				election, err := oneElection(ctx, o.centre, args[0], time.Now())
				if err != nil {
					return err
				}
				if election.Retired {
					return fmt.Errorf("%s was taken away already: there is nothing left to archive", election.Code)
				}
				progress := &bars{}
				defer progress.done()
				a, err := archive.Source{
					Owner: o.dsn, Centre: o.centre, Election: election, Key: signing, Program: version, Progress: progress.set,
				}.Write(ctx, out)
				if err != nil {
					return fmt.Errorf("archive to %s: %w; nothing was written", out, err)
				}
				progress.done()
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d tables, %d rows of %s, read back and signed\nSHA256SUMS %x\n",
					out, len(a.Manifest.Tables), a.Manifest.Rows(), election.Code, a.Digest)
				for _, u := range election.Unfinished {
					fmt.Fprintf(cmd.OutOrStdout(), "not finished: %s; archive it anew before it is taken away\n", u)
				}
				detail := fmt.Sprintf("%s, %d rows, SHA256SUMS %x", election.Code, a.Manifest.Rows(), a.Digest)
				return o.centre.RecordEvent(ctx, db.Event{Kind: db.EventExported, Subject: "archive", Detail: detail})
			})
		},
	}
	ownerFlags(c, &config, &owner)
	c.Flags().StringVar(&out, "out", "", "new directory for the archive")
	c.Flags().StringVar(&key, "key", "", "Ed25519 private key, PEM (PKCS #8)")
	_, _ = c.MarkFlagRequired("out"), c.MarkFlagRequired("key") // both exist: defined above
	c.AddCommand(newArchiveVerify(), newArchiveShow())
	return c
}

func newArchiveVerify() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use:   "verify DIR",
		Short: "Check signature, sums and every row of an archive, without the centre",
		Long: `verify checks the signature of an archive, the SHA-256 of every file, that no file
is missing or was added, and that the rows are as many and the same as the centre
counted when they were archived. What is not as it was is named, and the exit code
is 1. It needs no database.

--key is the public key that must have signed it. Without it the archive's own
counts, whose fingerprint is printed: compare it with what you published. Whether
it is the archive behind which an election was taken away, the centre knows: tali
audit verify --archive DIR.`,
		Example: `  tali archive verify /srv/arsip/pilkada-2024 --key public.pem`,
		Args:    oneArg("one DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			signer, err := readPublicKey(key)
			if err != nil {
				return err
			}
			a, err := openArchive(args[0], signer)
			if err != nil {
				return err
			}
			m := a.Manifest
			fmt.Fprintf(cmd.OutOrStdout(), "%s: whole: %d tables, %d rows of %s, as they were %s\nsigned by %s, SHA256SUMS %x\n",
				args[0], len(m.Tables), m.Rows(), m.Code, m.At.Format("2006-01-02 15:04:05 UTC"), fingerprint(a.Signer), a.Digest)
			return nil
		},
	}
	c.Flags().StringVar(&key, "key", "", "Ed25519 public key, PEM, that must have signed it")
	return c
}

func newArchiveShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show DIR [TABLE]",
		Short: "List the tables of an archive, or print the rows of one",
		Long: `show checks an archive as tali archive verify does and lists its tables with their
rows. With TABLE it prints these: a line of names, then one row a line, columns
between tabs, \N for no value. It needs no database. To put questions to an archive,
load it into an empty database as README.txt in it says.`,
		Example: `  tali archive show /srv/arsip/pilkada-2024
  tali archive show /srv/arsip/pilkada-2024 intake.message | grep 6289900000001`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := openArchive(args[0], nil)
			if err != nil {
				return err
			}
			if len(args) == 2 {
				if err := a.Show(cmd.OutOrStdout(), args[1]); err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				return nil
			}
			for _, t := range a.Manifest.Tables {
				fmt.Fprintf(cmd.OutOrStdout(), "%-16s %10d rows\n", t.Name, t.Rows)
			}
			return nil
		},
	}
}

// ownerFlags are those of a command that works as the owner of the database.
func ownerFlags(c *cobra.Command, config, owner *string) {
	c.Flags().StringVar(config, "config", "", "configuration file, for its database")
	c.Flags().StringVar(owner, "owner", "", "DSN of the database's owner, with sslmode; needless with the private server")
}

// withOldCentre opens a centre as its owner for what is over in it.
func withOldCentre(ctx context.Context, config, owner string, do func(context.Context, *ownerSite) error) error {
	cfg, err := configs.Load(config)
	if err != nil {
		return err
	}
	return withOwner(ctx, cfg, owner, func(ctx context.Context, o *ownerSite) error {
		if err := o.centre.CheckVersion(ctx); err != nil {
			return err
		}
		return do(ctx, o)
	})
}

// oneElection finds an election by its code.
func oneElection(ctx context.Context, centre *db.DB, code string, before time.Time) (db.Retirement, error) {
	if code == "" {
		return db.Retirement{}, errors.New("ELECTION is empty: write its code, as tali retain lists it")
	}
	all, err := centre.Retirements(ctx, code, before)
	if err != nil {
		return db.Retirement{}, err
	}
	if len(all) == 0 {
		return db.Retirement{}, fmt.Errorf("no election %q in this centre: tali retain lists them", code)
	}
	return all[0], nil
}

// openArchive checks an archive behind a progress bar.
func openArchive(dir string, signer ed25519.PublicKey) (*archive.Archive, error) {
	progress := &bars{}
	defer progress.done()
	return archive.Open(dir, signer, progress.set)
}

// readPublicKey reads the key that must have signed; an empty path is none.
func readPublicKey(path string) (ed25519.PublicKey, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	key, err := archive.ParsePublicKey(text)
	if err != nil {
		return nil, fmt.Errorf("--key %s: %w", path, err)
	}
	return key, nil
}

// fingerprint is short enough to be read aloud.
func fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}
