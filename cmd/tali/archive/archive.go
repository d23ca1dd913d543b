// Package archive puts the rows of an election that is over into a directory, and
// checks such a directory. It holds one compressed file for each table, in the text
// form of PostgreSQL's COPY; a manifest that counts and digests them; SHA-256 sums
// of all files, and an Ed25519 signature over the sums. Everybody's gzip,
// sha256sum, openssl and psql read it: README.txt in it says how.
//
// Invariants:
//   - an archive has its name only once it is whole, on the disk, and was read back
//     and found to be what the centre counted;
//   - checking trusts nothing in the directory but what its signature covers.
package archive

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"tali/db"
)

// formatVersion rises when an older tali could not read the directory.
const formatVersion = 1

// Names of the files that are no tables.
const (
	manifestFile  = "manifest.json"
	schemaFile    = "schema.sql"
	readmeFile    = "README.txt"
	sumsFile      = "SHA256SUMS"
	signatureFile = "SHA256SUMS.sig"
	publicKeyFile = "public.pem"
	tableSuffix   = ".tsv.gz"
)

// ErrDamaged says that a directory is no whole archive.
var ErrDamaged = errors.New("this is no whole archive of tali, or it was damaged")

// Progress is told how far a step has come; a total of 0 is unknown.
type Progress func(what string, done, total int)

// Manifest says what an archive holds.
type Manifest struct {
	Format    int       `json:"format"`
	At        time.Time `json:"at"`
	Program   string    `json:"program"`
	Schema    int64     `json:"schema"`
	Election  int16     `json:"election_id"` // number in the centre
	Code      string    `json:"election"`
	Name      string    `json:"name"`
	HeadEvent int64     `json:"audit_event"`
	HeadHash  string    `json:"audit_hash"`
	Tables    []Table   `json:"tables"`
}

// Table is one table of an archive.
type Table struct {
	db.TableSum
	File string `json:"file"`
}

// Sums are the tables as the centre counts them.
func (m Manifest) Sums() []db.TableSum {
	var out []db.TableSum
	for _, t := range m.Tables {
		out = append(out, t.TableSum)
	}
	return out
}

// Rows is the number of rows in all tables.
func (m Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

// entry is a line of the list of sums.
type entry struct {
	sum  string // hex
	name string
}

// sumsText is the list as sha256sum -c reads it.
func sumsText(entries []entry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%s  %s\n", e.sum, e.name)
	}
	return b.Bytes()
}

// digestOf is what the audit chain keeps of an archive.
func digestOf(sums []byte) []byte {
	digest := sha256.Sum256(sums)
	return digest[:]
}
