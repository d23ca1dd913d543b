package db

import (
	"encoding/hex"
	"strconv"
	"time"

	"tali/verify"
)

// array builds a one-dimensional PostgreSQL array in its text form, one
// parameter for a column of a whole batch. It exists for speed: one buffer a
// column, no reflection, no string a value.
type array struct{ b []byte }

// arg is the parameter, good until the array grows or is used again.
func (a *array) arg() []byte {
	if len(a.b) == 0 {
		return []byte("{}")
	}
	return append(a.b, '}')
}

func (a *array) next() {
	if len(a.b) == 0 {
		a.b = append(a.b, '{')
		return
	}
	a.b = append(a.b, ',')
}

func (a *array) null() {
	a.next()
	a.b = append(a.b, "NULL"...)
}

func (a *array) key(k verify.Key) {
	a.next()
	a.b = hex.AppendEncode(a.b, k[:])
}

func (a *array) int(n int64) {
	a.next()
	a.b = strconv.AppendInt(a.b, n, 10)
}

// intOrNull has no row of the registry with number 0.
func (a *array) intOrNull(n int64) {
	if n == 0 {
		a.null()
		return
	}
	a.int(n)
}

func (a *array) bool(v bool) {
	a.next()
	if v {
		a.b = append(a.b, 't')
		return
	}
	a.b = append(a.b, 'f')
}

// time is microseconds since 1970, cheaper to read for the server than a date.
func (a *array) time(t time.Time) {
	if t.IsZero() {
		a.null()
		return
	}
	a.int(t.UnixMicro())
}

func (a *array) text(s string) {
	a.next()
	a.b = append(a.b, '"')
	a.quoted(s)
	a.b = append(a.b, '"')
}

func (a *array) quoted(s string) {
	start := 0
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			a.b = append(append(a.b, s[start:i]...), '\\')
			start = i
		}
	}
	a.b = append(a.b, s[start:]...)
}

// lines is several values in one element: the server splits them, because
// unnest takes arrays of arrays apart to the last value. They hold no newline.
func (a *array) lines(values []string) {
	a.next()
	a.b = append(a.b, '"')
	for i, v := range values {
		if i > 0 {
			a.b = append(a.b, '\n')
		}
		a.quoted(v)
	}
	a.b = append(a.b, '"')
}

// figures is a smallint[] as one element.
func (a *array) figures(f []int16) {
	a.next()
	a.b = append(a.b, `"{`...)
	for i, v := range f {
		if i > 0 {
			a.b = append(a.b, ',')
		}
		a.b = strconv.AppendInt(a.b, int64(v), 10)
	}
	a.b = append(a.b, `}"`...)
}

func (a *array) float(f float64) {
	a.next()
	a.b = strconv.AppendFloat(a.b, f, 'g', -1, 64)
}
