package archive

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tali/db"
	"tali/db/cluster"
)

// Source is an election that is to be archived.
type Source struct {
	Owner    string // DSN of the database's owner
	Centre   *db.DB // the same
	Election db.Retirement
	Key      ed25519.PrivateKey
	Program  string // version of tali
	Progress Progress
}

// Write makes an archive at a path where nothing is yet.
func (s Source) Write(ctx context.Context, path string) (a *Archive, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is there already: an archive is never overwritten, name another directory", path)
	}
	path = filepath.Clean(path)
	part, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-") // mode 0700
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	if err := s.fill(ctx, part); err != nil {
		return nil, err
	}
	if a, err = Open(part, s.Key.Public().(ed25519.PublicKey), s.Progress); err != nil {
		return nil, fmt.Errorf("reading it back: %w", err)
	}
	if err := errors.Join(syncDir(part), ctx.Err()); err != nil {
		return nil, err
	}
	if err := os.Rename(part, path); err != nil {
		return nil, err
	}
	a.dir = path
	return a, syncDir(filepath.Dir(path))
}

// fill writes the tables, what explains them, the sums and the signature.
func (s Source) fill(ctx context.Context, dir string) error {
	m := Manifest{Format: formatVersion, At: time.Now().UTC().Truncate(time.Second), Program: s.Program, Schema: db.KnownSchema(),
		Election: s.Election.Election, Code: s.Election.Code, Name: s.Election.Name}
	head, err := s.Centre.AuditHead(ctx)
	if err != nil {
		return err
	}
	m.HeadEvent, m.HeadHash = head.Seq, head.Hash
	w := writer{dir: dir}
	err = s.Centre.ArchiveOf(ctx, s.Election.Election, func(snapshot string, tables []db.TableSum) error {
		for i, t := range db.RetiredTables() {
			table := Table{TableSum: tables[i], File: t.Name + tableSuffix}
			if err := w.file(table.File, func(out io.Writer) error { return s.copy(ctx, out, t, snapshot, table.Rows) }); err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
			m.Tables = append(m.Tables, table)
		}
		return nil
	})
	if err != nil {
		return err
	}
	schema, err := s.schema(ctx)
	if err != nil {
		return err
	}
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	for _, f := range []struct{ name, content string }{{schemaFile, schema}, {readmeFile, readme(m)}, {manifestFile, string(manifest) + "\n"}} {
		if err := w.put(f.name, []byte(f.content)); err != nil {
			return err
		}
	}
	return w.seal(s.Key)
}

// copy brings the rows of a table, compressed, to where they belong.
func (s Source) copy(ctx context.Context, to io.Writer, t db.RetiredTable, snapshot string, rows int64) error {
	major, err := s.Centre.ServerMajor(ctx)
	if err != nil {
		return err
	}
	tools, err := cluster.FindTools(major)
	if err != nil {
		return err
	}
	args := []string{"--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"}
	for _, statement := range t.Copying(s.Election.Election, snapshot) {
		args = append(args, "--command="+statement)
	}
	cmd, err := tools.Command(ctx, "psql", s.Owner, args...)
	if err != nil {
		return err
	}
	packed := gzip.NewWriter(to)
	var said strings.Builder
	out := &rowMeter{Writer: packed, step: func(done int) { s.Progress("archiving "+t.Name, done, int(rows)) }}
	cmd.Stdout, cmd.Stderr = out, &said
	ended := cmd.Run()
	switch {
	case out.err != nil: // psql ended because nobody took what it said
		return out.err
	case ended != nil:
		line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return fmt.Errorf("psql: %w: %s", ended, line)
	}
	return packed.Close()
}

// rowMeter counts the lines that go through it, and keeps the first error.
type rowMeter struct {
	io.Writer
	rows int
	err  error
	step func(done int)
}

func (m *rowMeter) Write(p []byte) (int, error) {
	for _, c := range p {
		if c == '\n' {
			m.rows++
		}
	}
	m.step(m.rows)
	n, err := m.Writer.Write(p)
	m.err = errors.Join(m.err, err)
	return n, err
}

// schema is a script that makes the tables in any PostgreSQL.
func (s Source) schema(ctx context.Context) (string, error) {
	var b strings.Builder
	made := make(map[string]bool)
	for _, t := range db.RetiredTables() {
		columns, err := s.Centre.RetiredColumns(ctx, t)
		if err != nil {
			return "", err
		}
		schema, _, _ := strings.Cut(t.Name, ".")
		if !made[schema] {
			fmt.Fprintf(&b, "CREATE SCHEMA %s;\n", schema)
		}
		made[schema] = true
		fmt.Fprintf(&b, "CREATE TABLE %s (", t.Name)
		for i, c := range columns {
			fmt.Fprintf(&b, "%s\n  %s %s", map[bool]string{true: ","}[i > 0], c.Name, c.Type)
		}
		b.WriteString("\n);\n")
	}
	return b.String(), nil
}

// writer writes files into a directory and hashes them meanwhile.
type writer struct {
	dir     string
	entries []entry
}

func (w *writer) file(name string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(filepath.Join(w.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(f, sum), 1<<20)
	err = fill(buffered)
	if err == nil {
		err = errors.Join(buffered.Flush(), f.Sync())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	w.entries = append(w.entries, entry{hex.EncodeToString(sum.Sum(nil)), name})
	return nil
}

func (w *writer) put(name string, content []byte) error {
	return w.file(name, func(out io.Writer) error {
		_, err := out.Write(content)
		return err
	})
}

// seal writes the sums of all files so far, the signature, and the key to check it.
func (w *writer) seal(key ed25519.PrivateKey) error {
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	sums := sumsText(w.entries)
	return errors.Join(w.put(sumsFile, sums), w.put(signatureFile, ed25519.Sign(key, sums)),
		w.put(publicKeyFile, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
}

// syncDir makes the names in a directory last as long as their bytes.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
