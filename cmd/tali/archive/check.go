package archive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tali/db"
)

// Archive is a directory that was checked and found whole.
type Archive struct {
	Manifest Manifest
	Digest   []byte            // SHA-256 of its list of sums
	Signer   ed25519.PublicKey // who signed it
	dir      string
}

// Open checks signature, sums, and every row of an archive. signer is who must have
// signed it; nil: whoever the archive itself names. The error names every file that
// is not as it was.
func Open(dir string, signer ed25519.PublicKey, progress Progress) (*Archive, error) {
	c := checker{dir: dir, progress: progress}
	c.check(signer)
	if len(c.faults) > 0 {
		return nil, fmt.Errorf("%s: %w: %s", dir, ErrDamaged, strings.Join(c.faults, "; "))
	}
	return &Archive{Manifest: c.manifest, Digest: digestOf(c.sums), Signer: c.signer, dir: dir}, nil
}

// checker collects what is wrong with a directory.
type checker struct {
	dir      string
	progress Progress
	sums     []byte
	signer   ed25519.PublicKey
	manifest Manifest
	faults   []string
}

func (c *checker) fault(file, format string, args ...any) {
	c.faults = append(c.faults, file+": "+fmt.Sprintf(format, args...))
}

func (c *checker) check(signer ed25519.PublicKey) {
	var err error
	if c.sums, err = c.small(sumsFile); err != nil {
		c.fault(sumsFile, "%v", err)
		return
	}
	c.signature(signer)
	entries, err := parseSums(c.sums)
	if err != nil {
		c.fault(sumsFile, "%v", err)
		return
	}
	c.strangers(entries)
	whole := make(map[string]bool)
	for i, e := range entries {
		c.progress("checking sums", i+1, len(entries))
		whole[e.name] = c.sum(e)
	}
	if whole[manifestFile] {
		c.tables(whole)
	} else if _, listed := whole[manifestFile]; !listed {
		c.fault(manifestFile, "it is not in %s", sumsFile)
	}
}

// signature checks who signed the sums. A signer of the caller's counts alone.
func (c *checker) signature(signer ed25519.PublicKey) {
	text, err := c.small(publicKeyFile)
	if err != nil {
		c.fault(publicKeyFile, "%v", err)
		return
	}
	own, err := ParsePublicKey(text)
	if err != nil {
		c.fault(publicKeyFile, "%v", err)
		return
	}
	if c.signer = own; signer != nil && !signer.Equal(own) {
		c.fault(publicKeyFile, "it is not the key that was given")
		c.signer = signer
	}
	signature, err := c.small(signatureFile)
	if err != nil {
		c.fault(signatureFile, "%v", err)
		return
	}
	if !ed25519.Verify(c.signer, c.sums, signature) {
		c.fault(signatureFile, "the signature does not fit %s and %s: one of the three was changed", sumsFile, publicKeyFile)
	}
}

// ParsePublicKey reads an Ed25519 key as openssl pkey -pubout writes it.
func ParsePublicKey(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block in it")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("a %T, Ed25519 is needed", parsed)
	}
	return key, nil
}

// most is the largest file that is no table.
const most = 1 << 20

func (c *checker) small(name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(c.dir, name))
	if err != nil {
		return nil, missing(err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(content) > most {
		err = fmt.Errorf("it has more than %d bytes", most)
	}
	return content, err
}

// missing shortens the error of a file that cannot be opened: its name is told.
func missing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("it is missing")
	}
	return err
}

func parseSums(text []byte) ([]entry, error) {
	var out []entry
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != sha256.Size || name == "" || name != filepath.Base(name) {
			return nil, fmt.Errorf("%q is no line of sums", line)
		}
		out = append(out, entry{sum, name})
	}
	if !bytes.Equal(sumsText(out), text) {
		return nil, errors.New("it is not as tali writes it")
	}
	return out, nil
}

// strangers finds files that the sums do not speak of.
func (c *checker) strangers(entries []entry) {
	files, err := os.ReadDir(c.dir)
	if err != nil {
		c.fault(c.dir, "%v", err)
	}
	for _, f := range files {
		known := slices.Contains([]string{sumsFile, signatureFile, publicKeyFile}, f.Name()) ||
			slices.ContainsFunc(entries, func(e entry) bool { return e.name == f.Name() })
		if !known {
			c.fault(f.Name(), "it is not in %s", sumsFile)
		}
	}
}

func (c *checker) sum(e entry) bool {
	f, err := os.Open(filepath.Join(c.dir, e.name))
	if err != nil {
		c.fault(e.name, "%v", missing(err))
		return false
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		c.fault(e.name, "%v", err)
		return false
	}
	if hex.EncodeToString(sum.Sum(nil)) != e.sum {
		c.fault(e.name, "its SHA-256 is not that of %s", sumsFile)
		return false
	}
	return true
}

// tables reads every row again. Those whose sum is wrong are named already.
func (c *checker) tables(whole map[string]bool) {
	text, err := c.small(manifestFile)
	if err == nil {
		err = json.Unmarshal(text, &c.manifest)
	}
	if err == nil && c.manifest.Format != formatVersion {
		err = fmt.Errorf("its format is %d, this tali reads %d", c.manifest.Format, formatVersion)
	}
	if err != nil {
		c.fault(manifestFile, "%v", err)
		return
	}
	for _, t := range c.manifest.Tables {
		ok, listed := whole[t.File]
		if !listed {
			c.fault(manifestFile, "%s is not in %s", t.File, sumsFile)
		}
		if !ok {
			continue
		}
		got, err := c.read(t)
		if err == nil && got != t.TableSum {
			err = fmt.Errorf("it has %d rows with digest %s, the centre had %d with %s", got.Rows, got.Digest, t.Rows, t.Digest)
		}
		if err != nil {
			c.fault(t.File, "%v", err)
		}
	}
}

func (c *checker) read(t Table) (db.TableSum, error) {
	f, err := os.Open(filepath.Join(c.dir, t.File))
	if err != nil {
		return db.TableSum{}, err
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return db.TableSum{}, err
	}
	return sumRows(unpacked, t.Name, func(rows int64) { c.progress("reading "+t.Name, int(rows), int(t.Rows)) })
}

// Show writes the rows of a table as they stand in the archive.
func (a *Archive) Show(out io.Writer, name string) error {
	i := slices.IndexFunc(a.Manifest.Tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return fmt.Errorf("no table %q in it", name)
	}
	f, err := os.Open(filepath.Join(a.dir, a.Manifest.Tables[i].File))
	if err != nil {
		return err
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, unpacked)
	return err
}
