package main

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tali/configs"
	"tali/parser"
	"tali/verify"
)

func newTry() *cobra.Command {
	var o tryOptions
	c := &cobra.Command{
		Use:   "try TEXT",
		Short: "Show what the gateway would read, decide and answer; no database",
		Long: `try runs one SMS through the same reading and deciding as the gateway, with a
registry from a table instead of the database. Without --registry it knows the
invented officers of the demo.

TEXT "-" reads one SMS a line from standard input and writes one JSON line each;
the lines are a conversation: what was accepted stands for the next.`,
		Example: `  tali try "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"
  tali try --json "PILBUP 10013505 145 89 67 310 12 322 322 330 322 2 6 71674"
  tali try - < sms.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := newTrial(o)
			if err != nil {
				return err
			}
			if args[0] == "-" {
				return t.each(cmd.InOrStdin(), cmd.OutOrStdout())
			}
			v, r := t.decide(args[0])
			if o.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(newTryResult(v, r))
			}
			return printVerdict(cmd.OutOrStdout(), v, r)
		},
	}
	c.Flags().StringVar(&o.profile, "profile", configs.Default().Election, "election profile: a name or a file")
	c.Flags().StringVar(&o.from, "from", "", "phone of the sender (default: the officer of the TPS that TEXT names, or the first)")
	c.Flags().StringVar(&o.registry, "registry", "", "table of officers and stations, CSV or XLSX: name, phone, station_code, tps_code, village, voters")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

type tryOptions struct {
	profile, from, registry string
	json                    bool
}

// trial is a gateway without modem and centre: what it learns, it keeps in Facts.
type trial struct {
	profile  *parser.Profile
	registry *verify.Registry
	facts    *verify.Facts
	from     string
	count    uint64
}

func newTrial(o tryOptions) (*trial, error) {
	p, err := configs.LoadProfile(o.profile)
	if err != nil {
		return nil, err
	}
	registry, err := tryRegistry(o.registry)
	if err != nil {
		return nil, err
	}
	t := &trial{profile: p, registry: registry, from: o.from}
	phones := []string{o.from}
	for _, officer := range registry.Officers {
		phones = append(phones, officer.Phone)
	}
	t.facts = registry.Facts(phones...)
	return t, nil
}

// decide takes one more SMS of the conversation.
func (t *trial) decide(text string) (verify.Verdict, *parser.Report) {
	report := parser.Parse(t.profile, text)
	t.count++
	var random [16]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	m := verify.Message{
		Kind: verify.MessageText, Sender: t.sender(&report), Text: text,
		SentAt: time.Now(), ReceivedAt: time.Now(),
		Gateway: "try", Modem: "try", Proof: parser.NewProof(random[:]),
	}
	binary.BigEndian.PutUint64(m.Key[8:], t.count)
	v := verify.Decide(t.profile, m, &report, t.facts)
	t.facts.Apply(m, v)
	return v, &report
}

// sender is who texts: as told, else the first officer of the station named.
func (t *trial) sender(r *parser.Report) string {
	if t.from != "" {
		return t.from
	}
	for _, o := range t.registry.Officers {
		for _, s := range o.Stations {
			if s.TPS == string(r.TPS) {
				return o.Phone
			}
		}
	}
	if len(t.registry.Officers) == 0 {
		return ""
	}
	return t.registry.Officers[0].Phone
}

func (t *trial) each(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		v, r := t.decide(lines.Text())
		if err := encoder.Encode(newTryResult(v, r)); err != nil {
			return err
		}
	}
	return lines.Err()
}

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
	Suggestion *struct{}        `json:"suggestion"` // none are made yet
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
		line("K", "%s: %s", r.K.Given, map[bool]string{true: "holds", false: "does not hold"}[r.K.OK])
	}
	for _, c := range r.Broken {
		line("fails", "%s: %d stands there, the other rows give %d", c.Relation, c.Got, c.Want)
	}
	if r.Problem != nil {
		line("problem", "%s at word %d %q: expected %s (%d figures of %d)",
			r.Problem.Code, r.Problem.Word, r.Problem.Found, r.Problem.Expected, r.Problem.Read, r.Problem.Need)
	}
	line("verdict", "%s (%s)", v.Outcome, v.Reason)
	if v.Entry != nil {
		line("entry", "%s, revision %d, flags %v", v.Entry.State, v.Entry.Revision, v.Entry.Flags)
	}
	if v.Reply == nil {
		line("reply", "none")
	} else {
		line("reply", "%s", v.Reply.Text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
