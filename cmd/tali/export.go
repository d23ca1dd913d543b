package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tali/db"
	"tali/parser"
)

// exportNote stands in every bundle.
const exportNote = "Data sementara, bukan hasil resmi KPU"

func newExport() *cobra.Command {
	var config, out, key string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the published results as a signed bundle",
		Long: `export writes what is published of the election at one moment into a new
directory: the tables of the results interface as CSV and JSON, a manifest, the
SHA-256 of every file, and an Ed25519 signature over these. Whoever gets the
bundle checks it with tools of their own:

  sha256sum -c SHA256SUMS
  openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig

public.pem in the bundle is for convenience: compare it with the key that you
publish elsewhere. Make the signing key once, and keep it:

  openssl genpkey -algorithm ed25519 -out export.key && chmod 600 export.key

Exports are events of the audit chain. When something fails, the disk is full for
one, nothing is left behind.`,
		Example: `  tali export --out hasil-20241127 --key export.key --config /etc/tali/tali.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			signing, err := readSigningKey(key)
			if err != nil {
				return err
			}
			if err := checkNew(out); err != nil {
				return err
			}
			_, profile, err := loadConfig(config)
			if err != nil {
				return err
			}
			return withDesk(cmd.Context(), config, func(ctx context.Context, desk *db.DB) error {
				e := export{desk: desk, profile: profile, out: out, key: signing}
				if err := e.run(ctx); err != nil {
					return fmt.Errorf("export to %s: %w; nothing was written", out, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d rows at event %d of the feed, signed\n", out, e.rows, e.moment.Feed)
				return nil
			})
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its election and database")
	c.Flags().StringVar(&out, "out", "", "new directory for the bundle")
	c.Flags().StringVar(&key, "key", "", "Ed25519 private key, PEM (PKCS #8)")
	_, _ = c.MarkFlagRequired("out"), c.MarkFlagRequired("key") // both exist: defined above
	return c
}

// export is one bundle on its way to the disk.
type export struct {
	desk    *db.DB
	profile *parser.Profile
	out     string
	key     ed25519.PrivateKey
	rows    int
	moment  db.ResultsMoment
}

// run writes beside the place where the bundle belongs and moves it there when
// it is whole and the export is on record.
func (e *export) run(ctx context.Context) (err error) {
	part, err := os.MkdirTemp(filepath.Dir(filepath.Clean(e.out)), "."+filepath.Base(e.out)+".part-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	bar := newBar("exporting")
	defer bar.done()
	b := &bundle{dir: part, progress: bar.set}
	defer b.abandon()
	if e.moment, err = e.desk.ExportResults(ctx, e.profile.ID, b); err != nil {
		return err
	}
	if err := b.finish(); err != nil {
		return err
	}
	e.rows = b.all
	sums, err := b.seal(manifest{
		Election: e.profile.ID, Phase: string(e.profile.Phase), At: e.moment.At, Interface: e.moment.Interface, Feed: e.moment.Feed, Note: exportNote,
	}, e.key)
	if err != nil {
		return err
	}
	detail := fmt.Sprintf("%d rows at event %d, SHA256SUMS %s", e.rows, e.moment.Feed, sums)
	if err := e.desk.RecordEvent(ctx, db.Event{Kind: db.EventExported, Subject: "bundle", Detail: detail}); err != nil {
		return err
	}
	if err := os.Chmod(part, 0o755); err != nil {
		return err
	}
	return os.Rename(part, e.out)
}

func checkNew(dir string) error {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--out %s: it is there already: name a new directory", dir)
	}
	return nil
}

// readSigningKey reads a PKCS #8 Ed25519 key that nobody else can read.
func readSigningKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("--key: %w: make one with: openssl genpkey -algorithm ed25519 -out %s", err, path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("--key %s: others can read it: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("--key %s: no PEM block in it", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("--key %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("--key %s: a %T, Ed25519 is needed", path, parsed)
	}
	return key, nil
}
