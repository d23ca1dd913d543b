package modemsim

import (
	"reflect"
	"regexp"
	"testing"
	"time"
)

func nowMillis() int64 { return time.Now().UnixMilli() }

func TestParseLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line string
		want       []command
		ok, bad    bool
	}{
		{"empty", "", nil, false, false},
		{"junk", "hello", nil, false, false},
		{"bare", "AT", nil, true, false},
		{"lower case", "at+cmgl=4", []command{{"+CMGL", assign, "4"}}, true, false},
		{"junk before", "\x01\x02AT+CSQ", []command{{"+CSQ", execute, ""}}, true, false},
		{"forms", "AT+A;+B?;+C=?;+D=1,2", []command{
			{"+A", execute, ""}, {"+B", query, ""}, {"+C", test, ""}, {"+D", assign, "1,2"}}, true, false},
		{"basic run", "ATE0V1Q0&F&D2", []command{
			{"E", execute, "0"}, {"V", execute, "1"}, {"Q", execute, "0"}, {"&F", execute, ""}, {"&D", execute, "2"}}, true, false},
		{"basic then extended", "ATE0+CMEE=1", []command{{"E", execute, "0"}, {"+CMEE", assign, "1"}}, true, false},
		{"semicolon in quotes", `AT+CUSD=1,"a;b";+CSQ`, []command{{"+CUSD", assign, `1,"a;b"`}, {"+CSQ", execute, ""}}, true, false},
		{"vendor", "AT^CURC=0;$X;*Y;#Z;%Q", []command{
			{"^CURC", assign, "0"}, {"$X", execute, ""}, {"*Y", execute, ""}, {"#Z", execute, ""}, {"%Q", execute, ""}}, true, false},
		{"register", "ATS0=1S3?", []command{{"S", execute, "0"}, {"S", execute, "3"}}, true, false},
		{"dial", "ATD*99#;+CSQ", []command{{"D", execute, "*99#;+CSQ"}}, true, false},
		{"no name", "AT+", nil, true, true},
		{"stray digit", "AT+CSQ;5", []command{{"+CSQ", execute, ""}}, true, true},
		{"stray tail", "AT+CSQ!", nil, true, true},
		{"lone ampersand", "AT&", nil, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok, err := parseLine(tt.line)
			if !reflect.DeepEqual(got, tt.want) || ok != tt.ok || (err != nil) != tt.bad {
				t.Errorf("parseLine(%q) = %v, %v, %v, want %v, %v, error %v", tt.line, got, ok, err, tt.want, tt.ok, tt.bad)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"":                     {""},
		"1":                    {"1"},
		`"SM", "ME",1`:         {"SM", "ME", "1"},
		`1,"*888#;a,b",15`:     {"1", "*888#;a,b", "15"},
		",,2":                  {"", "", "2"},
		`"unclosed, and so on`: {"unclosed, and so on"},
	} {
		if got := arguments(in); !reflect.DeepEqual(got, want) {
			t.Errorf("arguments(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		data     bool
		want     []token
	}{
		{"one line", "AT\r", false, []token{{tokenLine, "AT"}}},
		{"CR LF", "AT\r\nATI\r\n", false, []token{{tokenLine, "AT"}, {tokenLine, "ATI"}}},
		{"half a line", "AT+CM", false, nil},
		{"escape voids", "AT+X\x1bAT\r", false, []token{{tokenLine, "AT"}}},
		{"backspace", "ATX\bI\r\b\b", false, []token{{tokenLine, "ATI"}}},
		{"NUL and Ctrl-Z", "A\x00T\x1a\r", false, []token{{tokenLine, "AT"}}},
		{"data", "00FF\x1aAT\r", true, []token{{tokenData, "00FF"}, {tokenLine, "AT"}}},
		{"data of lines", "a\r\nb\x1a", true, []token{{tokenData, "a\r\nb"}}},
		{"data cancelled", "00\x1bAT\r", true, []token{{kind: tokenCancel}, {tokenLine, "AT"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tokens(tt.in, tt.data, len(tt.in)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("tokens(%q) = %+v, want %+v", tt.in, got, tt.want)
			}
		})
	}
}

// tokens reads a whole input in pieces of n bytes.
func tokens(in string, data bool, n int) []token {
	r := reader{data: data}
	var out []token
	for p := []byte(in); len(p) > 0; {
		piece := p[:min(n, len(p))]
		tok, used := r.next(piece)
		p = p[used:]
		if tok.kind != tokenNone {
			out = append(out, tok)
		}
	}
	return out
}

// FuzzReader checks that cutting a line into pieces changes nothing, that
// nothing grows without limit, and that whatever is a command is carried out.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{"AT\r", "ATE0V1+CMGF=0;+CPMS=\"SM\",\"ME\"\r\n", "AT+CMGS=20\r0011\x1a", "\x1b\rAT&F\b\x00\r", `AT+X="a;b;`} {
		f.Add(seed, false, 3)
		f.Add(seed, true, 1)
	}
	f.Fuzz(func(t *testing.T, in string, data bool, n int) {
		n = max(1, min(n, 64))
		whole, cut := tokens(in, data, len(in)+1), tokens(in, data, n)
		if !reflect.DeepEqual(whole, cut) {
			t.Fatalf("%q in pieces of %d = %+v, want %+v", in, n, cut, whole)
		}
		for _, tok := range whole {
			if len(tok.text) > maxData {
				t.Fatalf("%q has a token of %d bytes", in, len(tok.text))
			}
			if tok.kind != tokenLine {
				continue
			}
			cmds, ok, _ := parseLine(tok.text)
			if ok != regexp.MustCompile("(?i:at)").MatchString(tok.text) {
				t.Fatalf("parseLine(%q) ok = %v", tok.text, ok)
			}
			for _, c := range cmds {
				if c.name == "" {
					t.Fatalf("parseLine(%q) has a command without name", tok.text)
				}
				arguments(c.args)
			}
		}
	})
}
