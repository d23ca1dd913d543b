package modemsim

import (
	"errors"
	"strings"
)

// The control characters of an AT line.
const (
	bs    = 0x08
	lf    = '\n'
	cr    = '\r'
	ctrlZ = 0x1a
	esc   = 0x1b
)

// The longest command line and message that are taken.
const (
	maxLine = 2048
	maxData = 8192
)

type tokenKind int

const (
	tokenNone   tokenKind = iota // more input is needed
	tokenLine                    // a command line, without its CR
	tokenData                    // the text or PDU given at a prompt, ended by Ctrl-Z
	tokenCancel                  // ESC at a prompt
)

type token struct {
	kind tokenKind
	text string
}

// reader cuts the client's bytes into command lines and message data. The
// zero value reads commands.
type reader struct {
	buf  []byte
	data bool // a prompt is open
}

// partial says that a line was begun.
func (r *reader) partial() bool { return len(r.buf) > 0 }

// next takes bytes of p until a token is complete, and says how many it took.
func (r *reader) next(p []byte) (token, int) {
	for i, c := range p {
		if r.data {
			if t, ok := r.dataByte(c); ok {
				return t, i + 1
			}
			continue
		}
		switch c {
		case cr:
			return token{tokenLine, r.take()}, i + 1
		case lf, 0, ctrlZ:
		case esc: // whatever was typed is void
			r.buf = r.buf[:0]
		case bs:
			r.buf = r.buf[:max(0, len(r.buf)-1)]
		default:
			if len(r.buf) < maxLine {
				r.buf = append(r.buf, c)
			}
		}
	}
	return token{}, len(p)
}

func (r *reader) dataByte(c byte) (token, bool) {
	switch c {
	case ctrlZ:
		r.data = false
		return token{tokenData, r.take()}, true
	case esc:
		r.data, r.buf = false, r.buf[:0]
		return token{kind: tokenCancel}, true
	case bs:
		r.buf = r.buf[:max(0, len(r.buf)-1)]
	default:
		if len(r.buf) < maxData {
			r.buf = append(r.buf, c)
		}
	}
	return token{}, false
}

func (r *reader) take() string {
	s := string(r.buf)
	r.buf = r.buf[:0]
	return s
}

type operation int

const (
	execute operation = iota // AT+X, ATX1
	assign                   // AT+X=...
	query                    // AT+X?
	test                     // AT+X=?
)

// command is one of those that a line may hold.
type command struct {
	name string // E, &F, +CMGL, upper case
	op   operation
	args string // unparsed
}

var errSyntax = errors.New("not an AT command")

// parseLine splits a command line (ITU-T V.250 §5.2). ok is false where it
// does not hold AT at all: modems stay silent then. Junk before AT is skipped.
func parseLine(line string) (cmds []command, ok bool, err error) {
	rest, ok := afterAT(line)
	if !ok {
		return nil, false, nil
	}
	for {
		rest = strings.TrimLeft(rest, " ;")
		if rest == "" {
			return cmds, true, nil
		}
		var c command
		switch {
		case strings.IndexByte("+^*$#%", rest[0]) >= 0:
			c, rest = parseExtended(rest)
		case rest[0] == '&' || isLetter(rest[0]):
			c, rest = parseBasic(rest)
		default:
			return cmds, true, errSyntax
		}
		if c.name == "" {
			return cmds, true, errSyntax
		}
		cmds = append(cmds, c)
	}
}

// afterAT works on bytes: upper-casing noise would change its length.
func afterAT(line string) (string, bool) {
	for i := 1; i < len(line); i++ {
		if line[i-1]|0x20 == 'a' && line[i]|0x20 == 't' {
			return line[i+1:], true
		}
	}
	return "", false
}

// parseExtended reads +NAME, +NAME?, +NAME=? or +NAME=arguments up to the
// next semicolon outside quotes.
func parseExtended(s string) (command, string) {
	i := 1
	for i < len(s) && (isLetter(s[i]) || isDigit(s[i])) {
		i++
	}
	c := command{name: strings.ToUpper(s[:i])}
	if i == 1 {
		return command{}, ""
	}
	end := i
	for quoted := false; end < len(s) && (quoted || s[end] != ';'); end++ {
		if s[end] == '"' {
			quoted = !quoted
		}
	}
	switch tail := strings.TrimSpace(s[i:end]); {
	case tail == "":
	case tail == "?":
		c.op = query
	case tail == "=?":
		c.op = test
	case tail[0] == '=':
		c.op, c.args = assign, tail[1:]
	default:
		return command{}, ""
	}
	return c, s[end:]
}

// parseBasic reads a letter, &letter or S-register with its number; no
// semicolon follows. D takes the rest of the line.
func parseBasic(s string) (command, string) {
	i := 1
	if s[0] == '&' {
		if len(s) < 2 || !isLetter(s[1]) {
			return command{}, ""
		}
		i = 2
	}
	name := strings.ToUpper(s[:i])
	if name == "D" {
		return command{name: name, args: s[i:]}, ""
	}
	end := i
	for end < len(s) && isDigit(s[end]) {
		end++
	}
	c := command{name: name, args: s[i:end]}
	if name == "S" && end < len(s) && (s[end] == '=' || s[end] == '?') {
		for end++; end < len(s) && isDigit(s[end]); end++ {
		}
	}
	return c, s[end:]
}

// arguments splits at commas outside quotes, and takes the quotes off.
func arguments(s string) []string {
	var args []string
	var arg strings.Builder
	quoted := false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			args = append(args, strings.TrimSpace(arg.String()))
			arg.Reset()
		default:
			arg.WriteByte(c)
		}
	}
	return append(args, strings.TrimSpace(arg.String()))
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
