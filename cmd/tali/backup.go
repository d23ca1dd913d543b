package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tali/cmd/tali/backup"
	"tali/configs"
	"tali/db"
	"tali/db/cluster"
)

func newBackup() *cobra.Command {
	var config, owner, out string
	var keys bool
	c := &cobra.Command{
		Use:   "backup",
		Short: "Put the whole centre into one file",
		Long: `backup writes the central database as it is at one moment, the election's profile,
and a manifest with the number of rows and a digest of every table into one file
that only you can read. It may run while the election runs. --out names a new
file, or a directory in which the file gets a name of its own.

The file holds phone numbers and SMS: keep it as you keep the database. With
--keys it also holds the configuration with its passwords and the key files: who
has it can forge the codes on the cards.

PostgreSQL's own pg_dump does the copying. With a database of yours, --owner
connects as its owner, as for tali migrate. Either the whole file is there at the
end or nothing. The spools of the gateways are not in it: they are their own
second copy of the last days.`,
		Example: `  tali backup --out /mnt/usb/ --config /etc/tali/tali.yaml
  tali backup --out pagi.tar --config tali.yaml --owner "host=db user=tali_owner dbname=tali sslmode=..."`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, profile, err := loadConfig(config)
			if err != nil {
				return err
			}
			files, err := beside(config, cfg, keys)
			if err != nil {
				return err
			}
			path := backupPath(out, profile.ID, time.Now())
			return withOwner(cmd.Context(), cfg, owner, func(ctx context.Context, o *ownerSite) error {
				if err := o.centre.CheckVersion(ctx); err != nil {
					return err
				}
				progress := &bars{}
				defer progress.done()
				m, err := backup.Source{
					Owner: o.dsn, Centre: o.centre, Files: files, Program: version, Election: profile.ID, Progress: progress.set,
				}.Write(ctx, path)
				if err != nil {
					return fmt.Errorf("backup to %s: %w; nothing was written", path, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d tables, %d rows, schema %d, incarnation %s\n", path, len(m.Tables), m.Rows(), m.Schema, m.Incarnation)
				detail := fmt.Sprintf("%d tables, %d rows, schema %d", len(m.Tables), m.Rows(), m.Schema)
				return o.centre.RecordEvent(ctx, db.Event{Kind: db.EventExported, Subject: "backup", Detail: detail})
			})
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its election and database")
	c.Flags().StringVar(&owner, "owner", "", "DSN of the database's owner, with sslmode; needless with the private server")
	c.Flags().StringVar(&out, "out", "", "new file, or a directory")
	c.Flags().BoolVar(&keys, "keys", false, "put the configuration and the key files in too")
	_ = c.MarkFlagRequired("out") // the flag exists: defined above
	return c
}

// backupPath is the file itself, or one with a name of its own in a directory.
func backupPath(out, election string, now time.Time) string {
	info, err := os.Stat(out)
	if (err == nil && info.IsDir()) || strings.HasSuffix(out, string(filepath.Separator)) {
		return filepath.Join(out, "tali-"+election+"-"+now.UTC().Format("20060102-150405")+".tar")
	}
	return out
}

// beside are the files that a centre needs beside its database.
func beside(config string, cfg configs.Config, keys bool) ([]backup.File, error) {
	profile, err := configs.ProfileText(cfg.Election)
	if err != nil {
		return nil, err
	}
	out := []backup.File{{Name: "profile.yaml", Content: profile, Mode: 0o644}}
	if !keys {
		return out, nil
	}
	seal := filepath.Join(cfg.DataDir, sealFile)
	if _, err := os.Stat(seal); errors.Is(err, fs.ErrNotExist) {
		seal = "" // no desk has run here yet
	}
	for name, path := range map[string]string{
		"secret/tali.yaml": config, "secret/auth.key": cfg.Auth.MasterKeyFile, "secret/" + sealFile: seal,
		"secret/desk-tls.crt": cfg.Desk.TLSCert, "secret/desk-tls.key": cfg.Desk.TLSKey,
		"secret/feed-tls.crt": cfg.Feed.TLSCert, "secret/feed-tls.key": cfg.Feed.TLSKey,
	} {
		if path == "" {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("--keys: %w", err)
		}
		out = append(out, backup.File{Name: name, Content: content, Mode: 0o600})
	}
	return out, nil
}

// ownerSite is the centre as its owner sees it.
type ownerSite struct {
	server *cluster.Server // nil with a DSN of the operator's
	dsn    string
	centre *db.DB
}

// withOwner opens the centre as its owner. Nothing is migrated.
func withOwner(ctx context.Context, cfg configs.Config, owner string, do func(context.Context, *ownerSite) error) (err error) {
	o := ownerSite{dsn: owner}
	switch private := cfg.Database.DSN == ""; {
	case private && owner != "":
		return errors.New("--owner is for a database of yours; database.dsn is empty, so this centre has its private server")
	case !private && owner == "":
		return errors.New("--owner is missing: database.dsn names a database of yours, and only its owner may read all of it")
	case private:
		if err := refuseDemo(cfg.DataDir); err != nil {
			return err
		}
		if o.server, err = cluster.Start(ctx, cluster.Options{Dir: filepath.Join(cfg.DataDir, "postgres")}); err != nil {
			return fmt.Errorf("private PostgreSQL: %w", err)
		}
		defer func() { err = errors.Join(err, o.server.Close()) }()
		o.dsn = o.server.DSN(cluster.Owner, cluster.Database)
	}
	if o.centre, err = db.Open(ctx, o.dsn, slog.New(slog.DiscardHandler)); err != nil {
		return fmt.Errorf("--owner: %w", err)
	}
	defer func() { err = errors.Join(err, o.centre.Close()) }()
	return do(ctx, &o)
}

// unpack writes what a backup holds beside the database into a directory. It
// overwrites nothing.
func unpack(files []backup.File, dir string) error {
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return fmt.Errorf("--files: the backup names a file %q", f.Name)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("--files: %w", err)
		}
		if err := writeNew(path, f.Content, f.Mode); err != nil {
			return fmt.Errorf("--files: %w", err)
		}
	}
	return nil
}

// writeNew writes a file that was not there.
func writeNew(path string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return syncDir(filepath.Dir(path))
}
