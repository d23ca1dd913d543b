package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"tali/db"
)

// Names of the bundle's files that are no tables.
const (
	manifestFile  = "manifest.json"
	sumsFile      = "SHA256SUMS"
	signatureFile = "SHA256SUMS.sig"
	publicKeyFile = "public.pem"
)

// bundle writes an export into a directory: each table as CSV and as JSON.
type bundle struct {
	dir      string
	progress db.Progress
	columns  []string
	csv      *csv.Writer
	open     []*bundleFile // of the table that is being written: CSV, JSON
	files    []manifestEntry
	rows     int // of this table
	all      int
}

// manifestEntry is one file of the bundle.
type manifestEntry struct {
	File   string `json:"file"`
	Rows   int    `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// manifest says what the bundle is.
type manifest struct {
	Election  string          `json:"election"`
	Phase     string          `json:"phase"`
	At        string          `json:"at"`
	Interface int             `json:"interface"`
	Feed      int64           `json:"urutan"`
	Note      string          `json:"note"`
	Files     []manifestEntry `json:"files"`
}

// bundleFile is a file that is hashed while it is written.
type bundleFile struct {
	name string
	file *os.File
	buf  *bufio.Writer
	sum  hash.Hash
	size int64
}

func createBundleFile(dir, name string) (*bundleFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	b := &bundleFile{name: name, file: f, sum: sha256.New()}
	b.buf = bufio.NewWriterSize(io.MultiWriter(f, b.sum), 1<<16)
	return b, nil
}

func (b *bundleFile) Write(p []byte) (int, error) {
	b.size += int64(len(p))
	return b.buf.Write(p)
}

// close brings the file onto the disk.
func (b *bundleFile) close(rows int) (manifestEntry, error) {
	err := errors.Join(b.buf.Flush(), b.file.Sync(), b.file.Close())
	return manifestEntry{b.name, rows, b.size, hex.EncodeToString(b.sum.Sum(nil))}, err
}

// Table is db.ResultsSink's.
func (b *bundle) Table(t db.ResultsTable) error {
	if err := b.finish(); err != nil {
		return err
	}
	b.columns = t.Columns
	for _, kind := range []string{".csv", ".json"} {
		f, err := createBundleFile(b.dir, t.Name+kind)
		if err != nil {
			return err
		}
		b.open = append(b.open, f)
	}
	b.csv = csv.NewWriter(b.open[0])
	return b.csv.Write(t.Columns)
}

// Row is db.ResultsSink's.
func (b *bundle) Row(object []byte) error {
	lead := ",\n"
	if b.rows == 0 {
		lead = "[\n"
	}
	if _, err := b.open[1].Write(append([]byte(lead), object...)); err != nil {
		return err
	}
	values, err := db.ResultsFields(b.columns, object)
	if err != nil {
		return err
	}
	b.rows++
	b.all++
	if b.progress != nil {
		b.progress(b.all, 0)
	}
	return b.csv.Write(values)
}

// finish ends the table that is being written.
func (b *bundle) finish() error {
	if len(b.open) == 0 {
		return nil
	}
	end := "\n]\n"
	if b.rows == 0 {
		end = "[]\n"
	}
	_, err := b.open[1].Write([]byte(end))
	b.csv.Flush()
	err = errors.Join(err, b.csv.Error())
	for _, f := range b.open {
		entry, closed := f.close(b.rows)
		err = errors.Join(err, closed)
		b.files = append(b.files, entry)
	}
	b.open, b.rows = nil, 0
	return err
}

// abandon closes what an export that failed has left open.
func (b *bundle) abandon() {
	for _, f := range b.open {
		_ = f.file.Close() // the directory is removed
	}
}

// seal writes the manifest, the sums of all files, and the signature over the
// sums; it returns the hash of the sums.
func (b *bundle) seal(m manifest, key ed25519.PrivateKey) (string, error) {
	m.Files = b.files
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return "", err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", err
	}
	for name, content := range map[string][]byte{
		manifestFile:  append(text, '\n'),
		publicKeyFile: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
	} {
		entry, err := b.put(name, content)
		if err != nil {
			return "", err
		}
		if name == manifestFile {
			b.files = append(b.files, entry)
		}
	}
	var sums bytes.Buffer
	for _, f := range b.files {
		fmt.Fprintf(&sums, "%s  %s\n", f.SHA256, f.File)
	}
	entry, err := b.put(sumsFile, sums.Bytes())
	if err != nil {
		return "", err
	}
	_, err = b.put(signatureFile, ed25519.Sign(key, sums.Bytes()))
	return entry.SHA256, err
}

func (b *bundle) put(name string, content []byte) (manifestEntry, error) {
	f, err := createBundleFile(b.dir, name)
	if err != nil {
		return manifestEntry{}, err
	}
	_, err = f.Write(content)
	entry, closed := f.close(0)
	return entry, errors.Join(err, closed)
}
