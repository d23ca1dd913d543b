// Package backup puts a centre into one file, and back. The file is a tar archive:
// a dump by PostgreSQL's own pg_dump, what else a centre needs, a manifest that
// counts and digests every table at the moment of the dump, and SHA-256 sums of
// all that. Everybody's tar, sha256sum and pg_restore read it.
//
// Invariants:
//   - a backup has its name only once it is whole and on the disk;
//   - nothing of a file is used before all of its sums have been checked;
//   - a restore that fails leaves the database as it was, or shut to gateways and
//     desk with a line that says so.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tali/db"
	"tali/db/cluster"
)

// formatVersion rises when an older tali could not read the file.
const formatVersion = 1

// Progress is told how far a step has come; a total of 0 is unknown.
type Progress func(what string, done, total int)

// File is something beside the database that a centre needs.
type File struct {
	Name    string // in the archive, with slashes
	Content []byte
	Mode    fs.FileMode
}

// Source is what is to be put into a file.
type Source struct {
	Owner    string // DSN of the database's owner
	Centre   *db.DB // the same
	Files    []File
	Program  string // version of tali
	Election string // id of the profile
	Progress Progress
}

// Write makes a backup at a path where nothing is yet.
func (s Source) Write(ctx context.Context, path string) (m Manifest, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%s is there already: a backup is never overwritten, name another file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-") // mode 0600
	if err != nil {
		return m, err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // it is removed
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if m, err = s.fill(ctx, f); err != nil {
		return m, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return m, err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return m, err
	}
	return m, syncDir(filepath.Dir(path))
}

// fill writes dump, files, manifest and sums, in this order.
func (s Source) fill(ctx context.Context, f *os.File) (Manifest, error) {
	a, err := newWriter(f)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{Format: formatVersion, At: time.Now().UTC().Truncate(time.Second), Program: s.Program, Election: s.Election}
	survey, err := s.Centre.Survey(ctx,
		func(snapshot string) error { return s.dump(ctx, a, snapshot) },
		func(done, total int) { s.Progress("tables", done, total) })
	if err != nil {
		return m, err
	}
	m.take(survey)
	for _, file := range s.Files {
		if err := a.put(file); err != nil {
			return m, err
		}
	}
	m.Files = a.entries
	return m, a.seal(m)
}

// dump copies what pg_dump says of a snapshot into the archive.
func (s Source) dump(ctx context.Context, a *writer, snapshot string) error {
	major, err := s.Centre.ServerMajor(ctx)
	if err != nil {
		return err
	}
	tools, err := cluster.FindTools(major)
	if err != nil {
		return err
	}
	cmd, err := tools.Command(ctx, "pg_dump", s.Owner, "--format=custom", "--snapshot="+snapshot)
	if err != nil {
		return err
	}
	var said lastWords
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("pg_dump: %w", err)
	}
	copied := a.dump(&meter{Reader: out, step: func(done int) { s.Progress("dump, MiB", done>>20, 0) }})
	if copied != nil { // a full disk: pg_dump would write into a pipe that nobody reads
		_ = cmd.Process.Kill()
	}
	ended := cmd.Wait()
	if copied != nil {
		return copied
	}
	return said.with("pg_dump", ended)
}

// lastWords keeps the end of what a program says on standard error.
type lastWords struct{ text []byte }

func (w *lastWords) Write(p []byte) (int, error) {
	const most = 1 << 11
	w.text = append(w.text, p...)
	if len(w.text) > most {
		w.text = w.text[len(w.text)-most:]
	}
	return len(p), nil
}

// with adds the last line to how the program ended.
func (w *lastWords) with(program string, err error) error {
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(w.text)), "\n")
	for _, line := range lines { // the first error is the cause of the others
		if strings.Contains(line, "rror:") {
			return fmt.Errorf("%s: %w: %s", program, err, line)
		}
	}
	return fmt.Errorf("%s: %w: %s", program, err, lines[len(lines)-1])
}

// meter counts what is read.
type meter struct {
	io.Reader
	done int
	step func(done int)
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	m.done += n
	m.step(m.done)
	return n, err
}

// Load runs the dump of an archive into the database of an owner, in one
// transaction that begins with a script, which may be empty, and ends with
// another.
func (a *Archive) Load(ctx context.Context, owner string, major int, before, after string, progress Progress) error {
	tools, err := cluster.FindTools(major)
	if err != nil {
		return err
	}
	if tools.Major() < a.Manifest.Postgres/10000 {
		return fmt.Errorf("the backup is of PostgreSQL %d, this server is %d: restore into that version or a newer one",
			a.Manifest.Postgres/10000, major)
	}
	dump, err := a.openDump()
	if err != nil {
		return err
	}
	defer dump.Close()
	args := []string{"--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"}
	if before != "" {
		args = append(args, "--command="+before)
	}
	script, err := tools.Command(ctx, "pg_restore", owner, "--no-owner", "--file=-")
	if err != nil {
		return err
	}
	size := int(a.size(dumpFile))
	script.Stdin = &meter{Reader: dump, step: func(done int) { progress("restoring, MiB", done>>20, size>>20) }}
	load, err := tools.Command(ctx, "psql", owner, append(args, "--file=-", "--command="+after)...)
	if err != nil {
		return err
	}
	return pipe(script, load)
}

// pipe runs two programs, the output of the one the input of the other.
func pipe(from, to *exec.Cmd) error {
	var fromSaid, toSaid lastWords
	from.Stderr, to.Stderr = &fromSaid, &toSaid
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	from.Stdout, to.Stdin = write, read
	started := to.Start()
	_ = read.Close() // the program has its own
	if started != nil {
		return errors.Join(started, write.Close())
	}
	first := from.Run()
	if first != nil { // an end of file would commit half of it
		_ = to.Process.Kill()
	}
	_ = write.Close()
	second := to.Wait()
	if first != nil && second != nil && len(toSaid.text) > 0 { // the first ended because the second did
		return toSaid.with("psql", second)
	}
	return errors.Join(fromSaid.with("pg_restore", first), toSaid.with("psql", second))
}

// syncDir makes the name of a new file last as long as its bytes.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
