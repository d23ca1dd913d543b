package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"tali/parser"
	"tali/verify"
)

// tryResult is the JSON of a verdict. Its names are an interface: tests and
// operators rely on them.
type tryResult struct {
	Outcome    verify.Outcome   `json:"outcome"`
	Reason     string           `json:"reason"`
	Ballot     string           `json:"ballot"`
	TPS        string           `json:"tps"`
	Figures    map[string]int16 `json:"figures"`
	K          tryCheck         `json:"k"`
	Failed     []tryFailure     `json:"failed"`
	Suggestion *trySuggestion   `json:"suggestion"`
	Flags      []verify.Flag    `json:"flags"`
	Reply      string           `json:"reply"`
}

type tryCheck struct {
	Given string `json:"given"`
	OK    bool   `json:"ok"`
}

type tryFailure struct {
	Relation parser.Relation `json:"relation"`
	Want     int             `json:"want"`
	Got      int             `json:"got"`
}

// trySuggestion is the row that was probably meant otherwise. From is null where
// the row was left out.
type trySuggestion struct {
	Row  string `json:"row"`
	From *int   `json:"from"`
	To   int    `json:"to"`
}

func newTrySuggestion(b *parser.Ballot, s *verify.Suggestion) *trySuggestion {
	if b == nil || s == nil {
		return nil
	}
	out := &trySuggestion{Row: rowKey(b, s.Row), To: s.To}
	if s.From >= 0 {
		out.From = &s.From
	}
	return out
}

func newTryResult(v verify.Verdict, r *parser.Report) tryResult {
	out := tryResult{
		Outcome: v.Outcome, Reason: v.Reason, TPS: string(r.TPS),
		Figures: map[string]int16{}, K: tryCheck{r.K.Given, r.K.OK},
		Failed: []tryFailure{}, Flags: []verify.Flag{},
	}
	if r.Ballot != nil {
		out.Ballot = r.Ballot.Keyword
		for i, f := range r.Figures {
			out.Figures[rowKey(r.Ballot, i)] = f
		}
	}
	for _, c := range r.Broken {
		out.Failed = append(out.Failed, tryFailure{c.Relation, c.Want, c.Got})
	}
	out.Suggestion = newTrySuggestion(r.Ballot, v.Suggestion)
	if v.Entry != nil {
		out.Flags = append(out.Flags, v.Entry.Flags...)
	}
	if v.Reply != nil {
		out.Reply = v.Reply.Text
	}
	return out
}

// rowKey is the number of a contestant or the letter of a labelled row.
func rowKey(b *parser.Ballot, i int) string {
	if i < b.N() {
		return strconv.Itoa(i + 1)
	}
	return string(rune(b.LabelAt(i)))
}

func printVerdict(w io.Writer, v verify.Verdict, r *parser.Report) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s", name)
		fmt.Fprintf(&b, format+"\n", args...)
	}
	if r.Ballot != nil {
		line("read", "%s, TPS %s", r.Ballot.Title, r.TPS)
		for i, f := range r.Figures {
			line("", "%3s  %-28s %4d", rowKey(r.Ballot, i), r.Ballot.RowName(i), f)
		}
	}
	if r.K.Given != "" {
		line("K", "%s: %s", r.K.Given, describeCheck(r))
	}
	for _, c := range r.Broken {
		line("fails", "%s: %d stands there, the other rows give %d", c.Relation, c.Got, c.Want)
	}
	if r.Problem != nil {
		line("problem", "%s", describeProblem(r.Problem))
	}
	line("verdict", "%s (%s)", v.Outcome, v.Reason)
	if s := newTrySuggestion(r.Ballot, v.Suggestion); s != nil {
		line("suggests", "%s = %d", s.Row, s.To)
	}
	if v.Asks != nil {
		line("asks", "%s", v.Asks.Kind)
	}
	if v.Entry != nil {
		line("entry", "%s, revision %d, flags %v", v.Entry.State, v.Entry.Revision, v.Entry.Flags)
	}
	if code := describeCode(v, r); code != "" {
		line("code", "%s", code)
	}
	if v.Reply == nil {
		line("reply", "none")
	} else {
		line("reply", "%s", v.Reply.Text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// describeProblem says where the reading ended, as far as that is known.
func describeProblem(p *parser.Problem) string {
	text := string(p.Code)
	if p.Word > 0 {
		text += fmt.Sprintf(" at word %d %q", p.Word, p.Found)
	}
	if p.Expected != "" {
		text += ": expected " + p.Expected
	}
	if p.Need > 0 {
		text += fmt.Sprintf(" (%d figures of %d)", p.Read, p.Need)
	}
	return text
}

// describeCode says what the authenticity code proves; empty where none was read.
func describeCode(v verify.Verdict, r *parser.Report) string {
	switch {
	case v.Raises != nil:
		return "right, the entry is now proven as " + string(v.Raises.Assurance)
	case v.Reason == "auth_wrong":
		return "wrong"
	case r.Auth.Kind == parser.AuthNone:
		return ""
	case v.Entry != nil:
		return "right, proven as " + string(v.Entry.Assurance)
	case v.Outcome == verify.OutcomeSame:
		return "right, and proves nothing new"
	}
	return "not checked"
}

func describeCheck(r *parser.Report) string {
	switch {
	case !r.Complete():
		return "not checked, the figures do not fit"
	case r.K.OK:
		return "holds"
	}
	return "does not hold"
}
