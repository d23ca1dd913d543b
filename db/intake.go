package db

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"tali/parser"
	"tali/verify"
)

// Inbound is a message as a gateway's spool hands it on.
type Inbound struct {
	verify.Message
	IMSI      string
	PDUs      []string  // raw, hex, by part
	InterimAt time.Time // of the interim answer; zero if none
}

// Batch is what one gateway has waiting.
type Batch struct {
	Gateway  string
	Program  string // version of this program: verdicts name who decided
	Profile  *parser.Profile
	Own      []string // numbers of our own modems, E.164
	Key      []byte   // of the regency, that codes are checked with; nil where the election asks for none
	Messages []Inbound
}

// Limits of one batch's life.
const (
	intakeTries   = 8
	intakePause   = 4 * time.Millisecond // doubles with each try
	intakeTimeout = 30 * time.Second     // where the caller set none
)

// Intake decides and stores a batch, in order, and returns a verdict for each
// message. Messages that the centre has already come back as known and change
// nothing, so that a batch whose outcome was unknown is simply offered again.
// ErrUnavailable: nothing was stored. ErrUnknownOutcome: offer it again.
//
// A value that the server refuses never holds up the others: the batch is
// halved until the message is alone, and that one is stored as damaged.
func (d *DB) Intake(ctx context.Context, b Batch) ([]verify.Verdict, error) {
	in, err := d.newIntake(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("intake of %d messages: %w", len(b.Messages), err)
	}
	select {
	case in.lane = <-d.lanes:
		defer func() { d.lanes <- in.lane }()
	case <-ctx.Done():
		return nil, fmt.Errorf("intake of %d messages: %w", len(b.Messages), classify(ctx.Err()))
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, intakeTimeout)
		defer cancel()
	}
	if err := in.store(ctx, 0, len(b.Messages)); err != nil {
		return nil, fmt.Errorf("intake of %d messages: %w", len(b.Messages), err)
	}
	return in.verdicts, nil
}

// intake is one batch on its way into the centre.
type intake struct {
	d        *DB
	batch    Batch
	row      profileRow
	lane     int
	stmts    intakeStatements
	own      map[string]bool
	ballots  map[string]int16 // digit of a first keyword
	keywords [10]string       // and back

	phones   []string         // of the senders, E.164 where it can be
	reports  []*parser.Report // nil where there was no text to read
	verdicts []verify.Verdict
}

func (d *DB) newIntake(ctx context.Context, b Batch) (*intake, error) {
	row, err := d.profile(ctx, b.Profile)
	if err != nil {
		return nil, err
	}
	in := &intake{
		d: d, batch: b, row: row,
		own:      make(map[string]bool, len(b.Own)),
		ballots:  make(map[string]int16, len(b.Profile.Ballots)),
		phones:   make([]string, len(b.Messages)),
		reports:  make([]*parser.Report, len(b.Messages)),
		verdicts: make([]verify.Verdict, len(b.Messages)),
	}
	if in.stmts, err = d.intakeStatements(ctx); err != nil {
		return nil, err
	}
	for _, number := range b.Own {
		in.own[number] = true
	}
	for _, ballot := range b.Profile.Ballots {
		digit := int16(ballot.Digit - '0')
		in.ballots[ballot.Keyword] = digit
		in.keywords[digit] = ballot.Keyword
	}
	for i := range b.Messages {
		in.read(i)
	}
	return in, nil
}

// read parses a message before any lock is held.
func (in *intake) read(i int) {
	m := &in.batch.Messages[i]
	in.phones[i] = m.Sender
	if phone, kind := parser.ParsePhone(m.Sender); kind == parser.PhoneNumber {
		in.phones[i] = phone
	}
	if m.Kind == verify.MessageText {
		report := parser.Parse(in.batch.Profile, m.Text)
		in.reports[i] = &report
	}
}

// store brings messages lo to hi in, in halves where the server refuses one.
func (in *intake) store(ctx context.Context, lo, hi int) error {
	err := in.retry(ctx, func() error { return in.transact(ctx, lo, hi) })
	if err == nil || !badData(err) {
		return err
	}
	if hi-lo <= 1 {
		return in.storeDamaged(ctx, lo, err)
	}
	mid := lo + (hi-lo)/2
	if err := in.store(ctx, lo, mid); err != nil {
		return err
	}
	return in.store(ctx, mid, hi)
}

// retry runs do again while it loses races.
func (in *intake) retry(ctx context.Context, do func() error) error {
	for try := range intakeTries {
		err := do()
		if err == nil || !again(err) || try == intakeTries-1 {
			return err
		}
		in.d.log.Debug("intake tried again", "attempt", try+1, "err", err)
		pause := time.NewTimer(intakePause<<try/2 + rand.N(intakePause<<try))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return classify(ctx.Err())
		}
	}
	return nil
}

// transact is the one transaction of a batch.
func (in *intake) transact(ctx context.Context, lo, hi int) error {
	return in.d.hot.within(ctx, func(t *transaction) error {
		k := in.newKnown(hi - lo)
		if err := in.loadOfficers(ctx, t, k, lo, hi); err != nil {
			return err
		}
		if err := in.lock(ctx, t, k, lo, hi); err != nil {
			return err
		}
		// Statements of their own: the one that waits for a lock still reads
		// what was there before it waited.
		if err := in.loadFacts(ctx, t, k, lo, hi); err != nil {
			return err
		}
		w := in.newRows(hi - lo)
		for i := lo; i < hi; i++ {
			if err := in.decide(k, w, i); err != nil {
				return err
			}
		}
		if err := in.write(ctx, t, k, w); err != nil {
			return err
		}
		return in.writeCodes(ctx, t, lo, hi)
	})
}

// decide makes the verdict on message i and prepares its rows.
func (in *intake) decide(k *known, w *rows, i int) error {
	m := &in.batch.Messages[i]
	k.officerAt(in.phones[i], m.ReceivedAt)
	v := verify.Decide(in.batch.Profile, m.Message, in.reports[i], &k.facts)
	in.verdicts[i] = v
	if v.Outcome == verify.OutcomeKnown {
		return nil
	}
	k.facts.Apply(m.Message, v)
	k.ask(&v)
	station := int64(0)
	if v.Station != nil {
		var err error
		if station, err = strconv.ParseInt(v.Station.Code, 10, 64); err != nil {
			return fmt.Errorf("station %q: %w", v.Station.Code, err)
		}
	}
	return w.add(in, k, i, station)
}

// storeDamaged keeps a message that the server refused as it was: the bytes
// that cannot be stored are replaced, the raw PDUs still hold them. The staff
// see it in quarantine.
func (in *intake) storeDamaged(ctx context.Context, i int, cause error) error {
	reason := "sqlstate_" + code(cause)
	in.d.log.Warn("message stored as damaged", "msg", fmt.Sprintf("%x", in.batch.Messages[i].Key), "err", cause)
	original := in.batch.Messages[i]
	defer func() { in.batch.Messages[i] = original }()
	var err error
	for _, clean := range []func(*Inbound){cleanBytes, bareMinimum} {
		clean(&in.batch.Messages[i])
		err = in.retry(ctx, func() error { return in.transactDamaged(ctx, i, reason) })
		if err == nil || !badData(err) {
			return err
		}
	}
	return err
}

func (in *intake) transactDamaged(ctx context.Context, i int, reason string) error {
	return in.d.hot.within(ctx, func(t *transaction) error {
		k := in.newKnown(1)
		if err := in.loadKnown(ctx, t, k, i, i+1); err != nil {
			return err
		}
		in.verdicts[i] = verify.Verdict{Outcome: verify.OutcomeKnown, Reason: "known", Phone: printable(in.phones[i])}
		w := in.newRows(1)
		if !k.facts.Known[in.batch.Messages[i].Key] {
			in.verdicts[i] = verify.Verdict{
				Outcome: verify.OutcomeDamaged, Reason: reason, Phone: printable(in.phones[i]), Quarantine: true,
			}
			if err := w.add(in, k, i, 0); err != nil {
				return err
			}
		}
		return in.write(ctx, t, k, w)
	})
}

// cleanBytes replaces what PostgreSQL's text cannot hold.
func cleanBytes(m *Inbound) {
	m.Text = printable(m.Text)
	m.Sender = printable(m.Sender)
	m.Modem, m.IMSI, m.Interim = printable(m.Modem), printable(m.IMSI), printable(m.Interim)
	pdus := make([]string, len(m.PDUs))
	for i, p := range m.PDUs {
		pdus[i] = printable(p)
	}
	m.PDUs = pdus
}

// bareMinimum drops what else might be refused.
func bareMinimum(m *Inbound) {
	m.Kind = verify.MessageUnreadable
	m.SentAt, m.InterimAt = time.Time{}, time.Time{}
	if year := m.ReceivedAt.Year(); year < 2000 || year > 9999 {
		m.ReceivedAt = time.Unix(0, 0)
	}
}

func printable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
