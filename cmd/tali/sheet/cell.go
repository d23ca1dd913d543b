package sheet

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"tali/parser"
)

// spreadsheetErrors are what a formula leaves when it fails.
var spreadsheetErrors = map[string]bool{
	"#N/A": true, "#REF!": true, "#VALUE!": true, "#NAME?": true, "#DIV/0!": true, "#NUM!": true, "#NULL!": true,
}

// cell reads one cell; a reason says why it cannot.
func (t *table) cell(raw string, c Column) (value, reason string) {
	value = strings.TrimSpace(raw)
	switch {
	case value == "":
		return "", ""
	case len(value) > t.opts.MaxCell:
		return "", fmt.Sprintf("is longer than %d bytes", t.opts.MaxCell)
	case spreadsheetErrors[value]:
		return "", "is an error of the spreadsheet: mend the formula or write the value"
	case strings.IndexFunc(value, hidden) >= 0:
		return "", "holds a line break or an invisible character: type it again"
	}
	switch c.Kind {
	case Digits:
		return digits(value, c.Length)
	case Number:
		return number(value)
	case Phone:
		return phone(value)
	}
	return value, ""
}

// hidden reports characters that nobody sees: in a name they could make the
// desk show something other than what is stored.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar ||
		r == '\u2028' || r == '\u2029'
}

var (
	floating = regexp.MustCompile(`^([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})$`)
	wholeTen = regexp.MustCompile(`^([0-9]+)[.,]0$`)
	allDigit = regexp.MustCompile(`^[0-9]+$`)
)

const roundedReason = "was rounded by the spreadsheet: format the column as text and enter the value again"

// whole undoes what spreadsheets make of long digit strings: 7.108012001003E+12
// and 300.0. It refuses where digits are lost: 7.10801E+12 may have been a
// million different codes.
func whole(s string) (string, string) {
	s = strings.TrimPrefix(s, "'") // Excel's mark of a text
	if m := wholeTen.FindStringSubmatch(s); m != nil {
		return m[1], ""
	}
	m := floating.FindStringSubmatch(s)
	if m == nil {
		return s, ""
	}
	exponent, err := strconv.Atoi(m[3])
	// 15 digits are what a spreadsheet keeps of a number.
	if err != nil || len(m[2]) != exponent || exponent > 14 {
		return "", roundedReason
	}
	return m[1] + m[2], ""
}

func digits(value string, length int) (string, string) {
	s, reason := whole(value)
	if reason != "" {
		return "", reason
	}
	s = strings.NewReplacer(".", "", " ", "", "\u00a0", "").Replace(s)
	switch {
	case !allDigit.MatchString(s):
		return "", "is no code: digits only"
	case length > 0 && len(s) < length:
		return "", fmt.Sprintf("has %d digits, not %d: a part or leading zeros were lost, format the column as text", len(s), length)
	case length > 0 && len(s) > length:
		return "", fmt.Sprintf("has %d digits, not %d", len(s), length)
	}
	return s, ""
}

func number(value string) (string, string) {
	s, reason := whole(value)
	if reason != "" {
		return "", reason
	}
	if !allDigit.MatchString(s) {
		return "", "is no whole number: digits only, without dots or commas"
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return "", "is too large a number"
	}
	return strconv.FormatInt(n, 10), ""
}

// mobile is an Indonesian mobile number whose leading zero a spreadsheet
// dropped: 8 and 8 to 11 digits more. Nothing else that staff type without a
// sign begins like this.
var mobile = regexp.MustCompile(`^8[1-9][0-9]{7,10}$`)

var (
	e164      = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)
	bareStart = regexp.MustCompile(`^(\+|0|62)`)
)

func phone(value string) (string, string) {
	s, reason := whole(value)
	if reason != "" {
		return "", reason
	}
	if mobile.MatchString(strings.NewReplacer("-", "", " ", "").Replace(s)) {
		s = "0" + s
	}
	if !bareStart.MatchString(strings.TrimLeft(s, "( ")) {
		return "", "is no phone number: write +62812... or 0812..., the column formatted as text"
	}
	number, kind := parser.ParsePhone(s)
	switch {
	case kind != parser.PhoneNumber:
		return "", "is no phone number: write +62812... or 0812..., the column formatted as text"
	case !e164.MatchString(number):
		return "", "has too many or too few digits for a phone number"
	}
	return number, ""
}
