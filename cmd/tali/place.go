package main

import (
	"fmt"
	"strconv"
	"strings"

	"tali/cmd/tali/sheet"
	"tali/db"
)

// coordinates are those of a station; both 0 when unknown.
type coordinates struct{ latitude, longitude float64 }

// place reads where a station is.
func place(r sheet.Row) (at coordinates, problem *db.RowError) {
	for _, c := range []struct {
		column string
		limit  float64
		into   *float64
	}{{"latitude", 90, &at.latitude}, {"longitude", 180, &at.longitude}} {
		text := r.Get(c.column)
		if text == "" {
			continue
		}
		v, ok := degrees(text)
		if !ok || v < -c.limit || v > c.limit {
			return at, &db.RowError{Line: r.Line, Column: c.column, Reason: fmt.Sprintf(
				"%q is no angle: write degrees from -%.0f to %.0f, such as 0.9167", text, c.limit, c.limit)}
		}
		*c.into = v
	}
	if (r.Get("latitude") == "") != (r.Get("longitude") == "") {
		return at, &db.RowError{Line: r.Line, Column: "latitude", Reason: "latitude and longitude are given together or not at all"}
	}
	return at, nil
}

// degrees reads a decimal number, with the comma of Indonesian spreadsheets too.
func degrees(text string) (float64, bool) {
	if strings.Trim(text, "+-0123456789.,") != "" {
		return 0, false // ParseFloat would take NaN and hexadecimal
	}
	v, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	return v, err == nil
}
