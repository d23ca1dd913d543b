package verify

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"tali/parser"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// scenario is a few messages to one test registry, decided in order.
type scenario struct {
	name  string
	auth  parser.AuthMode // empty: off
	facts func(f *Facts)  // what is known beforehand; nil for nothing
	steps []turn
}

// turn is one message and what it must come to: outcome, reason and kind of the
// reply ("-" for none).
type turn struct {
	clock string
	from  string
	text  string
	edit  func(m *Message)
	want  string
}

// run decides the scenarios and compares what came of them with their golden
// files, which a person can read through.
func run(t *testing.T, group string, scenarios []scenario) {
	t.Helper()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			golden(t, strings.ReplaceAll(group+"_"+s.name, " ", "_"), s.play(t))
		})
	}
}

func (s scenario) play(t *testing.T) string {
	p, f := testProfile(t), testFacts(t)
	var out strings.Builder
	if s.auth != "" {
		p, f.RegencyKey = authProfile(t, s.auth), regencyKey()
		fmt.Fprintf(&out, "known     A is %s\n\n", s.auth)
	}
	if s.facts != nil {
		s.facts(f)
		tellFacts(&out, f)
	}
	for i, turn := range s.steps {
		m := message(i+1, turn.from, turn.text, at(turn.clock))
		if turn.edit != nil {
			turn.edit(&m)
		}
		v := Decide(p, m, nil, f)
		f.Apply(m, v)
		if got := summary(v); got != turn.want {
			t.Errorf("Decide(%q) = %s, want %s", m.Text, got, turn.want)
		}
		tellMessage(&out, m)
		tellVerdict(&out, v)
	}
	return out.String()
}

func summary(v Verdict) string {
	kind := "-"
	if v.Reply != nil {
		kind = v.Reply.Kind
	}
	return fmt.Sprintf("%s/%s/%s", v.Outcome, v.Reason, kind)
}

func tellFacts(out *strings.Builder, f *Facts) {
	var lines []string
	for key, c := range f.Cases {
		if c.Closed {
			lines = append(lines, fmt.Sprintf("known     %s %s closed by the staff", key.Station, key.Ballot))
		}
		for _, t := range append(slices.Clone(c.Others), present(c)...) {
			lines = append(lines, fmt.Sprintf("known     %s %s revision %d %s since %s, proof %q to %q: %v",
				key.Station, key.Ballot, t.Revision, t.State, t.At.In(zone).Format("15:04"), t.Proof, t.ProofTo, t.Figures))
		}
	}
	for phone := range f.UnknownAnswered {
		lines = append(lines, "known     "+phone+" had its neutral answer today")
	}
	if f.UnknownThisHour > 0 {
		lines = append(lines, fmt.Sprintf("known     %d neutral answers this hour", f.UnknownThisHour))
	}
	for key, q := range f.Questions {
		lines = append(lines, fmt.Sprintf("known     %s %s was asked %s at %s: %q", key.Phone, key.Ballot, q.Kind, q.At.In(zone).Format("15:04"), q.Draft))
	}
	sort.Strings(lines)
	for _, l := range lines {
		fmt.Fprintln(out, l)
	}
	if len(lines) > 0 {
		fmt.Fprintln(out)
	}
}

func present(c *Case) []Tally {
	if c.Present == nil {
		return nil
	}
	return []Tally{*c.Present}
}

func tellMessage(out *strings.Builder, m Message) {
	fmt.Fprintf(out, "%s     %s (%s)", m.ReceivedAt.In(zone).Format("15:04"), m.Sender, m.Kind)
	if m.Interim != "" {
		fmt.Fprintf(out, ", answered meanwhile: %s", m.Interim)
	}
	fmt.Fprintf(out, "\nSMS       %s\n", m.Text)
}

func tellVerdict(out *strings.Builder, v Verdict) {
	fmt.Fprintf(out, "verdict   %s, %s", v.Outcome, v.Reason)
	if v.Quarantine {
		fmt.Fprint(out, ", for the staff")
	}
	if v.Station != nil {
		fmt.Fprintf(out, ", %s TPS %03d", v.Station.Village, v.Station.Number)
	}
	fmt.Fprintln(out)
	if r := v.Report; r != nil && r.Complete() {
		fmt.Fprintf(out, "read      %s %s %v K %s %v, broken %v\n", r.Ballot.Keyword, r.TPS, r.Figures, r.K.Given, r.K.OK, r.Broken)
	}
	if e := v.Entry; e != nil {
		fmt.Fprintf(out, "entry     %s %s revision %d %s %s, proof %q, flags %v\n",
			e.Case.Station, e.Case.Ballot, e.Revision, e.State, e.Assurance, e.Proof, e.Flags)
	}
	tellCodes(out, v)
	tellQuestions(out, v)
	if v.Reply == nil {
		fmt.Fprint(out, "reply     (none)\n\n")
		return
	}
	n, _ := Septets(v.Reply.Text)
	fmt.Fprintf(out, "reply     %s, priority %d, %d characters\n          %s\n\n", v.Reply.Kind, v.Reply.Priority, n, v.Reply.Text)
}

func tellCodes(out *strings.Builder, v Verdict) {
	if s := v.Spends; s != nil {
		fmt.Fprintf(out, "spent     code %s of card %d, by %s revision %d\n", s.Code, s.Generation, s.Ballot, s.Revision)
	}
	if t := v.Tried; t != nil {
		fmt.Fprintf(out, "tried     code %s of card %d\n", t.Code, t.Generation)
	}
	if r := v.Raises; r != nil {
		fmt.Fprintf(out, "raised    %s %s revision %d to %s\n", r.Case.Station, r.Case.Ballot, r.Revision, r.Assurance)
	}
}

func tellQuestions(out *strings.Builder, v Verdict) {
	if s := v.Suggestion; s != nil {
		fmt.Fprintf(out, "suggests  row %d from %d to %d\n", s.Row+1, s.From, s.To)
	}
	for _, key := range v.Settles {
		fmt.Fprintf(out, "settled   %s of %s\n", key.Ballot, key.Phone)
	}
	if q := v.Asks; q != nil {
		fmt.Fprintf(out, "asks      %s about %q, station %q\n", q.Kind, q.Draft, q.Station)
		if q.Offer != "" {
			fmt.Fprintf(out, "offers    %q\n", q.Offer)
		}
		if q.K != "" {
			fmt.Fprintf(out, "about K   %s since %s\n", q.K, q.KAt.In(zone).Format("15:04"))
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run go test ./verify -update)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run go test ./verify -update and read the diff)\ngot\n%s\nwant\n%s", file, got, want)
	}
}

// The good forms of the scenarios: 400 voters and 410 ballots at Boroko.
const (
	good      = "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86 71754"
	goodOther = "PILBUP 10013505 143 100 67 310 12 322 322 410 322 2 86 71752"
)

func TestGoodForms(t *testing.T) {
	b := ballot('7', "PILBUP", parser.FormFull, "calon", 3)
	for text, f := range map[string]parser.Figures{
		good:      form(b, []int{145, 98, 67}, 12, 2, 410),
		goodOther: form(b, []int{143, 100, 67}, 12, 2, 410),
	} {
		if sms, err := parser.Render(b, tpsA, f); err != nil || sms != text {
			t.Errorf("Render = %q, %v, want %q", sms, err, text)
		}
	}
}
