package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"tali/db"
)

// Names in the archive.
const (
	dumpFile     = "centre.pgdump"
	manifestFile = "manifest.json"
	sumsFile     = "SHA256SUMS"
)

// Manifest says what a backup holds.
type Manifest struct {
	Format      int                `json:"format"`
	At          time.Time          `json:"at"`
	Program     string             `json:"program"`
	Election    string             `json:"election"`
	Schema      int64              `json:"schema"`
	Incarnation string             `json:"incarnation"`
	Postgres    int                `json:"postgres"` // server_version_num
	HeadEvent   int64              `json:"audit_event"`
	HeadHash    string             `json:"audit_hash"`
	Tables      []db.TableSum      `json:"tables"`
	Sequences   []db.SequenceValue `json:"sequences"`
	Files       []Entry            `json:"files"`
}

// Entry is a file of the archive.
type Entry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (m *Manifest) take(s db.Survey) {
	m.Schema, m.Incarnation, m.Postgres = s.Schema, s.Incarnation, s.Server
	m.HeadEvent, m.HeadHash = s.Head.Seq, s.Head.Hash
	m.Tables, m.Sequences = s.Tables, s.Sequences
}

// Survey is what a copy is held against.
func (m Manifest) Survey() db.Survey {
	return db.Survey{Schema: m.Schema, Incarnation: m.Incarnation, Server: m.Postgres,
		Head: db.AuditHead{Seq: m.HeadEvent, Hash: m.HeadHash}, Tables: m.Tables, Sequences: m.Sequences}
}

// Rows is the number of rows in all tables.
func (m Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

// block is the unit of a tar archive, and the length of a header.
const block = 512

// writer fills an archive. The dump comes first and its header last: nobody knows
// its size before.
type writer struct {
	file    *os.File
	at      time.Time
	entries []Entry
	rest    *tar.Writer
}

func newWriter(f *os.File) (*writer, error) {
	_, err := f.Write(make([]byte, block))
	return &writer{file: f, at: time.Now()}, err
}

func (w *writer) header(name string, size int64, mode int64) *tar.Header {
	return &tar.Header{Name: name, Size: size, Mode: mode, ModTime: w.at, Format: tar.FormatGNU}
}

// dump writes the dump and its header.
func (w *writer) dump(from io.Reader) error {
	sum := sha256.New()
	buffered := bufio.NewWriterSize(w.file, 1<<20)
	size, err := io.Copy(io.MultiWriter(buffered, sum), from)
	if err == nil {
		_, err = buffered.Write(make([]byte, (block-size%block)%block))
	}
	if err = errors.Join(err, buffered.Flush()); err != nil {
		return err
	}
	var head bytes.Buffer
	if err := tar.NewWriter(&head).WriteHeader(w.header(dumpFile, size, 0o600)); err != nil {
		return err
	}
	if head.Len() != block {
		return fmt.Errorf("the header of the dump has %d bytes", head.Len())
	}
	if _, err := w.file.WriteAt(head.Bytes(), 0); err != nil {
		return err
	}
	w.note(dumpFile, size, sum)
	w.rest = tar.NewWriter(w.file)
	return nil
}

func (w *writer) note(name string, size int64, sum hash.Hash) {
	w.entries = append(w.entries, Entry{name, size, hex.EncodeToString(sum.Sum(nil))})
}

func (w *writer) put(f File) error {
	if err := w.rest.WriteHeader(w.header(f.Name, int64(len(f.Content)), int64(f.Mode.Perm()))); err != nil {
		return err
	}
	if _, err := w.rest.Write(f.Content); err != nil {
		return err
	}
	sum := sha256.New()
	sum.Write(f.Content)
	w.note(f.Name, int64(len(f.Content)), sum)
	return nil
}

// seal ends the archive with the manifest and the sums of everything.
func (w *writer) seal(m Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := w.put(File{manifestFile, append(text, '\n'), 0o600}); err != nil {
		return err
	}
	if err := w.put(File{sumsFile, sums(w.entries), 0o600}); err != nil {
		return err
	}
	return w.rest.Close()
}

// sums are entries as sha256sum -c reads them.
func sums(entries []Entry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%s  %s\n", e.SHA256, e.Name)
	}
	return b.Bytes()
}

// Archive is a backup whose sums hold.
type Archive struct {
	Manifest Manifest
	path     string
	entries  []Entry
	small    map[string]File // everything but the dump
}

// ErrDamaged says that a file is no whole backup.
var ErrDamaged = errors.New("this is no whole backup of tali, or it was damaged")

// most is the largest file beside the dump.
const most = 64 << 20

// Open reads a backup through and checks every sum.
func Open(path string, progress Progress) (*Archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	a := &Archive{path: path, small: make(map[string]File)}
	counted := &meter{Reader: f, step: func(done int) { progress("checking, MiB", done>>20, int(info.Size()>>20)) }}
	if err := a.read(tar.NewReader(bufio.NewReaderSize(counted, 1<<20))); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	}
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	}
	return a, nil
}

func (a *Archive) read(t *tar.Reader) error {
	for {
		head, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		sum := sha256.New()
		var content bytes.Buffer
		into := io.Writer(sum)
		if head.Name != dumpFile {
			if head.Size > most {
				return fmt.Errorf("%q has %d bytes", head.Name, head.Size)
			}
			into = io.MultiWriter(sum, &content)
		}
		if _, err := io.Copy(into, t); err != nil {
			return err
		}
		a.entries = append(a.entries, Entry{head.Name, head.Size, hex.EncodeToString(sum.Sum(nil))})
		a.small[head.Name] = File{head.Name, content.Bytes(), head.FileInfo().Mode().Perm()}
	}
}

// check holds what was read against the sums and the manifest.
func (a *Archive) check() error {
	n := len(a.entries)
	if n < 3 || a.entries[0].Name != dumpFile || a.entries[n-2].Name != manifestFile || a.entries[n-1].Name != sumsFile {
		return errors.New("its files are not those of a backup, or its end is missing")
	}
	said := strings.SplitAfter(string(a.small[sumsFile].Content), "\n")
	for i, line := range strings.SplitAfter(string(sums(a.entries[:n-1])), "\n") {
		if i >= len(said) || said[i] != line {
			return fmt.Errorf("the sum of %s is not that of %s", a.entries[min(i, n-2)].Name, sumsFile)
		}
	}
	if err := json.Unmarshal(a.small[manifestFile].Content, &a.Manifest); err != nil {
		return err
	}
	if a.Manifest.Format != formatVersion {
		return fmt.Errorf("its format is %d, this tali reads %d", a.Manifest.Format, formatVersion)
	}
	if !slices.Equal(a.Manifest.Files, a.entries[:n-2]) {
		return fmt.Errorf("%s speaks of other files", manifestFile)
	}
	return nil
}

// Files are what the backup holds beside the database.
func (a *Archive) Files() []File {
	var out []File
	for _, e := range a.entries[1 : len(a.entries)-2] {
		out = append(out, a.small[e.Name])
	}
	return out
}

func (a *Archive) size(name string) int64 {
	for _, e := range a.entries {
		if e.Name == name {
			return e.Size
		}
	}
	return 0
}

// openDump opens the dump alone; it is the first file.
func (a *Archive) openDump() (io.ReadCloser, error) {
	f, err := os.Open(a.path)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, block, a.size(dumpFile)), f}, nil
}
