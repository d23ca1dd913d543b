package gateway_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"tali/cmd/tali/officers"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/parser"
	"tali/verify"
)

// sms is one message of the night and what must become of it.
type sms struct {
	keys    []string // that its row at the centre may have, without dashes; one of them, once
	from    *player
	phone   string
	text    string
	again   []string // keys of the same sent once more by the phone
	ids     []modemsim.ID
	at      time.Time
	want    verify.Outcome
	figures parser.Figures // that an entry of it must hold; nil where it makes none
	then    func()         // what its sender knows once it is decided
}

// player is an officer who texts, waits until the centre has decided, and goes
// on from there: what must become of each SMS does not depend on which modem
// is slow.
type player struct {
	i        int
	phone    string
	ballot   *parser.Ballot
	stamp    time.Time // SCTS of the last SMS: no two of one phone may share one
	ref      uint16
	form     parser.Figures // on the table
	stands   parser.Figures // at the centre
	slipped  bool           // the last tally had one row wrong
	conflict bool
	inbox    int // SMS read already
}

// crowd is all that text.
type crowd struct {
	*rig
	random  *rand.Rand
	players []*player
	pool    *sqlx.DB
	perTick int           // SMS in
	tick    time.Duration // each of these

	mu    sync.Mutex
	sent  []*sms
	open  map[string]*sms // by each key: not decided yet
	left  int             // of them
	wrong []string        // verdicts that are not what they must be
	slow  time.Duration   // longest wait for a verdict
}

func newCrowd(r *rig, seed uint64, pool *sqlx.DB) *crowd {
	c := &crowd{rig: r, random: rand.New(rand.NewPCG(seed, 2)), pool: pool, open: make(map[string]*sms)}
	for i := range r.officers {
		b := r.profile.Ballots[i%len(r.profile.Ballots)]
		c.players = append(c.players, &player{i: i, phone: phone(i), ballot: b, form: officers.NewForm(b, 400, c.random)})
	}
	return c
}

// run texts until ctx ends. free holds who may text.
func (c *crowd) run(ctx context.Context) error {
	free := append([]*player(nil), c.players...)
	c.random.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	ticker := time.NewTicker(c.tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		decided, err := c.settle(ctx)
		if err != nil {
			return err
		}
		free = append(free, decided...)
		n := min(c.perTick, len(free))
		for _, p := range free[:n] {
			if err := c.submit(c.next(p)); err != nil {
				return err
			}
		}
		free = free[n:]
		if c.random.IntN(10) == 0 {
			if err := c.submit(c.bystander()); err != nil {
				return err
			}
		}
	}
}

func (c *crowd) texted() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sent)
}

func (c *crowd) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left
}

// next is what an officer texts next.
func (c *crowd) next(p *player) *sms {
	m := &sms{from: p, phone: p.phone}
	if p.stands == nil {
		c.first(p, m)
	} else {
		c.later(p, m)
	}
	return m
}

var offered = regexp.MustCompile(`Balas (\S+=\d+) jika benar`)

// first is an SMS of somebody whose tally is not in yet.
func (c *crowd) first(p *player, m *sms) {
	accepted := func() {
		m.want, m.figures = verify.OutcomeAccepted, p.form
		m.then = func() { p.stands, p.slipped = p.form, false }
	}
	m.text = c.render(p, p.form)
	if answer := c.offer(p); p.slipped && answer != "" {
		m.text = answer
		accepted()
		return
	}
	switch n := c.random.IntN(100); {
	case n < 50 || p.slipped:
		accepted()
	case n < 68:
		m.text, m.want = c.slip(m.text), verify.OutcomeFigures
		m.then = func() { p.slipped = true }
	case n < 80:
		m.text, m.want = c.wrongK(m.text), verify.OutcomeFigures
	case n < 90:
		m.text, m.want = m.text[:len(m.text)/2], verify.OutcomeStructure
	default:
		m.text, m.want = "UJI", verify.OutcomeService
	}
}

// later is an SMS of somebody whose tally stands.
func (c *crowd) later(p *player, m *sms) {
	m.text = c.render(p, p.stands)
	proof := c.proof(p)
	switch n := c.random.IntN(100); {
	case n < 25:
		m.want = verify.OutcomeSame
	case n < 60 && proof != "":
		form := officers.NewForm(p.ballot, 400, c.random)
		m.text, m.want, m.figures = "RALAT "+proof+" "+c.render(p, form), verify.OutcomeAccepted, form
		m.then = func() { p.stands = form }
	case n < 65 && !p.conflict:
		form := officers.NewForm(p.ballot, 400, c.random)
		m.text, m.want, m.figures = c.render(p, form), verify.OutcomeConflict, form
		m.then = func() { p.conflict = true }
	case n < 80:
		m.text, m.want = "STATUS", verify.OutcomeService
	default:
		m.text, m.want = "UJI", verify.OutcomeService
	}
}

// bystander is an advert or a stranger.
func (c *crowd) bystander() *sms {
	n := c.random.IntN(1000)
	if n%2 == 0 {
		return &sms{phone: "PROMO", text: fmt.Sprintf("Paket data murah hari ini saja! %d", c.texted()), want: verify.OutcomeIgnored}
	}
	return &sms{phone: phone(900000 + n), text: fmt.Sprintf("halo %d", c.texted()), want: verify.OutcomeUnknown}
}

func (c *crowd) render(p *player, f parser.Figures) string {
	text, err := parser.Render(p.ballot, parser.TPSCode(c.officers[p.i].Stations[0].TPS), f)
	if err != nil {
		panic(err) // forms of NewForm hold
	}
	return text
}

// slip has one digit of one row wrong.
func (c *crowd) slip(text string) string {
	w := strings.Fields(text)
	at := 2 + c.random.IntN(len(w)-3)
	digits := []byte(w[at])
	i := c.random.IntN(len(digits))
	digits[i] = '0' + (digits[i]-'0'+1+byte(c.random.IntN(8)))%10
	w[at] = string(digits)
	return strings.Join(w, " ")
}

func (c *crowd) wrongK(text string) string {
	b := []byte(text)
	i := len(b) - 1 - c.random.IntN(3)
	b[i] = '0' + (b[i]-'0'+1)%10
	return string(b)
}

// offer is the answer that an SMS which p has not read yet asks for.
func (c *crowd) offer(p *player) string {
	inbox := c.network.Inbox(p.phone)
	var answer string
	for _, got := range inbox[min(p.inbox, len(inbox)):] {
		if m := offered.FindStringSubmatch(got.Text); m != nil {
			answer = m[1]
		}
	}
	p.inbox = len(inbox)
	return answer
}

// proof is the code of the receipt for what stands; empty until it has come.
func (c *crowd) proof(p *player) string {
	inbox := c.network.Inbox(p.phone)
	figures := fmt.Sprintf(": 1=%d 2=%d 3=%d ", p.stands[0], p.stands[1], p.stands[2])
	for _, got := range inbox {
		if strings.HasPrefix(got.Text, "DITERIMA") && strings.Contains(got.Text, figures) {
			return got.Text[strings.LastIndexByte(got.Text, ' ')+1:]
		}
	}
	return ""
}

// draw is the modem that somebody texts to. A paced line carries little more
// than one SMS in a second: it gets a third of what the others do.
func (c *crowd) draw() int {
	to := c.random.IntN(len(c.modems))
	if slow(to) && c.random.IntN(3) > 0 {
		return to - 1
	}
	return to
}

// submit sends one SMS to a modem drawn by lot; one in six is long.
func (c *crowd) submit(m *sms) error {
	at := time.Now().Truncate(time.Second)
	var ref uint16
	if p := m.from; p != nil {
		if !at.After(p.stamp) {
			at = p.stamp.Add(time.Second)
		}
		p.stamp = at
		p.ref++
		ref = p.ref
	}
	to := c.draw()
	s := modemsim.SMS{From: m.phone, To: modemNumber(to), Text: m.text, At: at.In(time.FixedZone("WITA", 8*60*60))}
	if m.figures != nil && c.random.IntN(6) == 0 {
		s.Encoding, s.ForceParts, s.Reference, s.RefWidth = modemsim.UCS2, 2+c.random.IntN(2), ref, 8*(1+c.random.IntN(2))
	}
	pdus, err := s.PDUs()
	if err != nil {
		return err
	}
	m.keys = messageKeys(sims(to), pdus)
	m.at = time.Now()
	c.mu.Lock()
	c.sent = append(c.sent, m)
	for _, key := range m.keys {
		c.open[key] = m
	}
	c.left++
	c.mu.Unlock()
	for _, i := range c.random.Perm(len(pdus)) {
		id, err := c.network.SubmitPDU(modemNumber(to), pdus[i])
		if err != nil {
			return err
		}
		m.ids = append(m.ids, id)
	}
	return nil
}

// sims are those on which an SMS to a modem may be read: its own, and the guest's
// where it lay in the modem's memory unread when the SIM was changed.
func sims(to int) []string { return []string{imsi(to), modemsim.GuestIMSI} }

// messageKeys are the keys that an SMS may have, each part read on any of these SIMs.
func messageKeys(sims, pdus []string) []string {
	partKeys := make([][][]byte, len(pdus))
	for i, pdu := range pdus {
		for _, sim := range sims {
			key := gsm.Key(sim, pdu)
			partKeys[i] = append(partKeys[i], key[:])
		}
	}
	var keys []string
	for _, parts := range product(partKeys) {
		sum := parts[0]
		if len(parts) > 1 {
			hash := sha256.Sum256(slices.Concat(parts...))
			sum = hash[:]
		}
		keys = append(keys, fmt.Sprintf("%x", sum[:16]))
	}
	return keys
}

// product is every way to take one of each.
func product(choices [][][]byte) [][][]byte {
	out := [][][]byte{nil}
	for _, choice := range choices {
		var longer [][][]byte
		for _, begun := range out {
			for _, c := range choice {
				longer = append(longer, append(slices.Clip(begun), c))
			}
		}
		out = longer
	}
	return out
}

const decidedNow = `
SELECT replace(message::text, '-', '') AS key, outcome, reason FROM intake.verdict WHERE message = ANY ($1::uuid[])`

// settle asks the centre, past everything that is wrong with the gateway, what
// it has decided, and returns who may text again. A centre that is stopped has
// decided nothing.
func (c *crowd) settle(ctx context.Context) ([]*player, error) {
	c.mu.Lock()
	keys := make([]string, 0, len(c.open))
	for key := range c.open {
		keys = append(keys, key)
	}
	c.mu.Unlock()
	var rows []struct{ Key, Outcome, Reason string }
	if err := c.pool.SelectContext(ctx, &rows, decidedNow, pq.Array(keys)); err != nil {
		var refused *pq.Error
		if errors.As(err, &refused) && !strings.HasPrefix(string(refused.Code), "57") {
			return nil, fmt.Errorf("reading verdicts: %w", err)
		}
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var free []*player
	for _, row := range rows {
		m := c.open[row.Key]
		if m == nil {
			continue // it is there twice: the audit tells
		}
		for _, key := range m.keys {
			delete(c.open, key)
		}
		c.left--
		c.slow = max(c.slow, time.Since(m.at))
		if string(m.want) != row.Outcome {
			c.wrong = append(c.wrong, fmt.Sprintf("%q from %s: %s (%s), want %s", m.text, m.phone, row.Outcome, row.Reason, m.want))
		}
		if m.from == nil {
			continue
		}
		if m.then != nil {
			m.then()
		}
		free = append(free, m.from)
	}
	return free, nil
}

// slowest is the longest that an SMS has waited for its verdict.
func (c *crowd) slowest() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slow
}
