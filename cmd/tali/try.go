package main

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
registry from a table instead of the database: what was read, which check fails,
what is decided, and the answer that the officer would get. Nothing is stored
and nothing is sent. Without --registry it knows the invented officers of the
demo, so that the examples below work on any machine.

TEXT "-" reads one SMS a line from standard input and writes one JSON line each;
the lines are a conversation: what was accepted stands for the next, and a
question that was asked is open for the lines behind it.

With --key, authenticity codes are checked as the cards of the stations have them;
--auth tries another mode than the profile's.`,
		Example: `  tali try "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"
  tali try --json "PILBUP 10013505 145 89 67 310 12 322 322 330 322 2 6 71674"
  tali try --at "2024-11-27 15:42" --from 089900000108 STATUS
  tali try --auth required --key bolmut.key - < sms.txt
  tali try - < sms.txt`,
		Args: oneArg("one SMS TEXT in quotes, or - for lines from standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.notes = cmd.ErrOrStderr()
			t, err := newTrial(o)
			if err != nil {
				return err
			}
			if args[0] == "-" {
				return t.each(cmd.InOrStdin(), cmd.OutOrStdout())
			}
			if len(args[0]) > maxLine {
				return errLongLine
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
	c.Flags().StringVar(&o.registry, "registry", "", "table of officers and stations, CSV or XLSX: name, phone, station_code, tps_code, village, voters, card")
	c.Flags().StringVar(&o.at, "at", "", "when the SMS arrives, local time of the election as \"2024-11-27 15:42\" (default now)")
	c.Flags().StringVar(&o.auth, "auth", "", "authenticity codes: off, accepted or required (default as in the profile)")
	c.Flags().StringVar(&o.key, "key", "", "key file that codes are checked with: of tali key new or tali key derive")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

type tryOptions struct {
	profile, from, registry, at string
	auth, key                   string
	json                        bool
	notes                       io.Writer
}

// trial is a gateway without modem and centre: what it learns, it keeps in Facts.
type trial struct {
	profile  *parser.Profile
	registry *verify.Registry
	facts    *verify.Facts
	from     string    // as told; empty: whoever fits the SMS
	last     string    // sender of the SMS before
	at       time.Time // when every SMS arrives; zero: now
	count    uint64
}

func newTrial(o tryOptions) (*trial, error) {
	p, key, err := o.election()
	if err != nil {
		return nil, err
	}
	t := &trial{profile: p, from: o.from}
	if o.at != "" {
		if t.at, err = time.ParseInLocation("2006-01-02 15:04", o.at, p.Zone); err != nil {
			return nil, fmt.Errorf("--at %q: write date and time as \"2024-11-27 15:42\"", o.at)
		}
	}
	registry, err := tryRegistry(o.registry, o.notes)
	if err != nil {
		return nil, err
	}
	if err := checkTexts(p, registry); err != nil {
		return nil, err
	}
	t.registry = registry
	phones := []string{o.from}
	for _, officer := range registry.Officers {
		phones = append(phones, officer.Phone)
	}
	t.facts = registry.Facts(phones...)
	t.facts.RegencyKey = key
	return t, nil
}

// election is the profile with the mode of codes that was asked for, and the key
// that they are checked with.
func (o tryOptions) election() (*parser.Profile, []byte, error) {
	p, err := configs.LoadProfile(o.profile)
	if err != nil {
		return nil, nil, err
	}
	switch mode := parser.AuthMode(o.auth); mode {
	case "", p.Auth:
	case parser.AuthOff, parser.AuthAccepted, parser.AuthRequired:
		if p, err = configs.WithAuth(p, mode); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, fmt.Errorf("--auth %q: write off, accepted or required", o.auth)
	}
	switch {
	case p.Auth == parser.AuthOff && o.key != "":
		return nil, nil, errors.New("--key: this election has no authenticity codes: add --auth accepted or --auth required")
	case p.Auth == parser.AuthOff:
		return p, nil, nil
	case o.key == "":
		return nil, nil, fmt.Errorf("--key: authenticity codes are %s: name a key file, or add --auth off", p.Auth)
	}
	key, err := regencyKeyFrom(o.key, p)
	if err != nil {
		return nil, nil, fmt.Errorf("--key: %w", err)
	}
	return p, key, nil
}

// decide takes one more SMS of the conversation.
func (t *trial) decide(text string) (verify.Verdict, *parser.Report) {
	report := parser.Parse(t.profile, text)
	t.count++
	t.last = t.sender(&report)
	var random [16]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	at := t.at
	if at.IsZero() {
		at = time.Now()
	}
	m := verify.Message{
		Kind: verify.MessageText, Sender: t.last, Text: text,
		SentAt: at, ReceivedAt: at,
		Gateway: "try", Modem: "try", Proof: parser.NewProof(random[:]),
	}
	binary.BigEndian.PutUint64(m.Key[8:], t.count)
	v := verify.Decide(t.profile, m, &report, t.facts)
	t.facts.Apply(m, v)
	if v.Report != nil { // an answer: the tally that it makes whole
		return v, v.Report
	}
	return v, &report
}

// sender is who texts: as told, else whoever texted before where this is an
// answer, else the first officer of the station named.
func (t *trial) sender(r *parser.Report) string {
	answers := r.Kind == parser.KindFollowUp || r.Kind == parser.KindCourtesy
	switch {
	case t.from != "":
		return t.from
	case answers && t.last != "":
		return t.last
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
	lines.Buffer(nil, maxLine)
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		v, r := t.decide(lines.Text())
		if err := encoder.Encode(newTryResult(v, r)); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d: %w", t.count+1, errLongLine)
	}
	return lines.Err()
}

const maxLine = 1 << 20 // bytes; the longest SMS that a network takes has 40,000

var errLongLine = errors.New("longer than 1 MB: no SMS is")
