package parser

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the .want files of testdata")

// TestGolden reads testdata/*.sms, one SMS each, against the .want beside it. A
// name that begins with off_ is read with A off, one with pair_ with a single
// pair for PILBUP against KOLOM KOSONG.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.sms"))
	if err != nil || len(files) < 40 {
		t.Fatalf("testdata holds %d cases, %v", len(files), err)
	}
	profiles := map[string]*Profile{
		"off":  testProfile(t, authMode(AuthOff)),
		"pair": testProfile(t, contestants("PILBUP", 2)),
	}
	usual := testProfile(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".sms")
		t.Run(name, func(t *testing.T) {
			sms, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := usual
			if prefix, _, ok := strings.Cut(name, "_"); ok && profiles[prefix] != nil {
				p = profiles[prefix]
			}
			text := strings.TrimSuffix(string(sms), "\n")
			got := describe(Parse(p, text))
			want := strings.TrimSuffix(file, ".sms") + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			expected, err := os.ReadFile(want)
			if err != nil || got != string(expected) {
				t.Errorf("Parse(%.200q) =\n%swant\n%s%v (-update writes it)", text, got, expected, err)
			}
		})
	}
}

// describe writes a report one fact a line, leaving out what is not set.
func describe(r Report) string {
	var out strings.Builder
	line := func(name string, set bool, value any) {
		if set {
			fmt.Fprintf(&out, "%-9s %v\n", name, value)
		}
	}
	line("kind", true, r.Kind)
	line("service", r.Service != "", r.Service)
	line("ralat", r.Ralat, fmt.Sprintf("%q", r.Proof))
	if r.Ballot != nil {
		line("ballot", true, r.Ballot.Keyword)
	}
	line("tps", r.TPS != "", fmt.Sprintf("%s valid=%v", r.TPS, r.TPS.Valid()))
	line("figures", r.Figures != nil, r.Figures)
	line("k", r.K.Given != "", fmt.Sprintf("%s ok=%v", r.K.Given, r.K.OK))
	line("auth", r.Auth.Kind != AuthNone, fmt.Sprintf("%s %s", r.Auth.Kind, r.Auth.Code))
	for _, c := range r.Broken {
		line("broken", true, fmt.Sprintf("%s: stands %d, adds up to %d", c.Relation, c.Got, c.Want))
	}
	if p := r.Problem; p != nil {
		line("problem", true, fmt.Sprintf("%s at word %d: found %q, expected %q, read %d of %d",
			p.Code, p.Word, p.Found, p.Expected, p.Read, p.Need))
		if p.OtherBallot != nil {
			line("other", true, fmt.Sprintf("%s %s", p.OtherBallot.Keyword, p.OtherTPS))
		}
	}
	line("numbers", r.Numbers != nil, strings.Join(r.Numbers, " "))
	describeAnswer(line, r)
	line("verdict", r.Kind == KindTally, map[bool]string{true: "consistent", false: "not consistent"}[r.Consistent()])
	return out.String()
}

func describeAnswer(line func(string, bool, any), r Report) {
	if r.Kind != KindFollowUp {
		return
	}
	a := r.Answer
	if a.Ballot != nil {
		line("answer", true, "ballot "+a.Ballot.Keyword)
	}
	line("answer", a.Yes, "yes")
	line("answer", a.Form, "form")
	for _, f := range a.Fixes {
		if f.Label != 0 {
			line("answer", true, fmt.Sprintf("%c = %d", f.Label, f.Figure))
		} else {
			line("answer", true, fmt.Sprintf("row %d = %d", f.Row, f.Figure))
		}
	}
	line("answer", a.K != "", "K "+a.K)
	line("answer", a.Auth.Kind != AuthNone, fmt.Sprintf("%s %s", a.Auth.Kind, a.Auth.Code))
	line("answer", a.TPS != "", fmt.Sprintf("tps %s valid=%v", a.TPS, a.TPS.Valid()))
}
