package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"tali/db"
)

// longest is the largest row that is read: far above what an SMS can fill.
const longest = 64 << 20

// rowSum counts rows of COPY's text form and digests them as the centre does: by
// the SHA-256 of what PostgreSQL writes for a row as a value.
type rowSum struct {
	rows        int64
	first, next big.Int
	value       []byte
}

// add takes one line without its end.
func (s *rowSum) add(line []byte) error {
	var err error
	if s.value, err = rowValue(s.value[:0], line); err != nil {
		return err
	}
	sum := sha256.Sum256(s.value)
	var half big.Int
	for i, total := range []*big.Int{&s.first, &s.next} {
		total.Add(total, half.SetInt64(int64(binary.BigEndian.Uint64(sum[8*i:]))))
	}
	s.rows++
	return nil
}

func (s *rowSum) table(name string) db.TableSum {
	return db.TableSum{Name: name, Rows: s.rows, Digest: s.first.String() + "/" + s.next.String()}
}

// sumRows reads a copied table, a line of names above it, to its end.
func sumRows(r io.Reader, name string, step func(rows int64)) (db.TableSum, error) {
	var s rowSum
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<16), longest)
	if !lines.Scan() {
		return db.TableSum{}, errors.Join(errors.New("no line of names"), lines.Err())
	}
	for lines.Scan() {
		if err := s.add(lines.Bytes()); err != nil {
			return db.TableSum{}, fmt.Errorf("row %d: %w", s.rows+1, err)
		}
		step(s.rows)
	}
	return s.table(name), lines.Err()
}

// rowValue appends what PostgreSQL writes for a row as one value, given the row as
// COPY writes it.
func rowValue(out, line []byte) ([]byte, error) {
	out = append(out, '(')
	for i, field := range bytes.Split(line, []byte{'\t'}) {
		if i > 0 {
			out = append(out, ',')
		}
		if string(field) == `\N` {
			continue
		}
		plain, err := unescape(field)
		if err != nil {
			return nil, err
		}
		out = appendField(out, plain)
	}
	return append(out, ')'), nil
}

func appendField(out, plain []byte) []byte {
	if len(plain) > 0 && !bytes.ContainsAny(plain, "\"\\(), \t\n\v\f\r") {
		return append(out, plain...)
	}
	out = append(out, '"')
	for _, c := range plain {
		if c == '"' || c == '\\' {
			out = append(out, c)
		}
		out = append(out, c)
	}
	return append(out, '"')
}

// unescape undoes what COPY does to a field: it writes these and no others.
func unescape(field []byte) ([]byte, error) {
	const letters, meant = `bfnrtv\`, "\b\f\n\r\t\v\\"
	if !bytes.Contains(field, []byte{'\\'}) {
		return field, nil
	}
	out := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		if field[i] != '\\' {
			out = append(out, field[i])
			continue
		}
		if i++; i == len(field) {
			return nil, errors.New("a backslash at the end of a field")
		}
		at := strings.IndexByte(letters, field[i])
		if at < 0 {
			return nil, fmt.Errorf(`\%c in a field`, field[i])
		}
		out = append(out, meant[at])
	}
	return out, nil
}
