// Package officers plays the KPPS officers of a rehearsal: each holds the paper
// form of one station, texts it through a virtual network, makes the mistakes
// that tired people make, reads the answer and tries again. demo and bench use
// it; nothing of it can reach a real modem.
//
// Forms, phones and mistakes are invented and follow from a seed, so that a
// second start plays the same election.
package officers

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"tali/gsm/modemsim"
	"tali/parser"
)

// Assignment is one officer with one ballot of one station to report.
type Assignment struct {
	Station string // 13-digit code
	TPS     parser.TPSCode
	Voters  int // registered at the station
	Phone   string
	Ballot  *parser.Ballot
}

// Play is one performance.
type Play struct {
	Network     *modemsim.Network
	Numbers     []string // of the gateway's modems
	Assignments []Assignment
	Seed        uint64
	Every       time.Duration // between two officers who start to report
	Patience    time.Duration // between an answer and the next try

	retries sync.WaitGroup // of officers who look at their paper again

	mu      sync.Mutex
	waiting map[string][]*officer // by phone: reports without an end yet
	texted  int                   // how often anybody has reported
	gaveUp  int
	over    bool          // Run returns: no retry begins any more
	ended   chan struct{} // told, without waiting, of every report that ends
}

const maxTries = 4 // refused so often, an officer gives up and would telephone

type officer struct {
	Assignment
	random *rand.Rand
	right  string // the SMS as it should be
	number string // the gateway number on this officer's card

	tries  int // texts so far; these belong to who holds Play.mu
	unrest int // those that only silence brought about
	last   int // Play.texted at the last try
	at     time.Time
	said   string // the last SMS of it
}

// Run lets the officers report one after the other and returns when each has a
// receipt or has given up, or when ctx ends. A Play runs once.
func (p *Play) Run(ctx context.Context) error {
	p.mu.Lock()
	p.waiting = make(map[string][]*officer)
	p.ended = make(chan struct{}, 1)
	p.mu.Unlock()
	p.Network.OnReceive(func(r modemsim.Received) { p.read(ctx, r) })
	defer p.leave()

	order := rand.New(rand.NewPCG(p.Seed, 1)).Perm(len(p.Assignments))
	for i, at := range order {
		o, err := p.officer(p.Assignments[at])
		if err != nil {
			return err
		}
		if err := p.begin(o, i); err != nil {
			return err
		}
		if !wait(ctx, p.Every/2+time.Duration(o.random.Int64N(int64(p.Every)+1))) {
			return ctx.Err()
		}
	}
	restless := time.NewTicker(p.restless())
	defer restless.Stop()
	for p.open() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
		case <-restless.C:
			if err := p.askAgain(); err != nil {
				return err
			}
		}
	}
	return nil
}

// restless is how long an officer waits for an answer before texting once more.
// It is longer than a second: the same text in the same second is, to the
// network, the same SMS.
func (p *Play) restless() time.Duration { return max(2*time.Second, 20*p.Patience) }

// askAgain has everybody text the right SMS who heard nothing for too long, each
// time after a longer while. Silence makes nobody give up: a slow machine is no
// refusal.
func (p *Play) askAgain() error {
	p.mu.Lock()
	var quiet []*officer
	for _, list := range p.waiting {
		for _, o := range list {
			if time.Since(o.at) >= p.restless()<<min(o.unrest, 5) {
				o.unrest++
				quiet = append(quiet, o)
			}
		}
	}
	p.mu.Unlock()
	for _, o := range quiet {
		if right := slipless(o); p.note(o, right) {
			if err := p.text(o, right); err != nil {
				return err
			}
		}
	}
	return nil
}

// leave waits for those who are about to text again.
func (p *Play) leave() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.retries.Wait()
}

// GaveUp counts the officers who were never understood.
func (p *Play) GaveUp() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gaveUp
}

// open counts the reports without an end.
func (p *Play) open() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, list := range p.waiting {
		n += len(list)
	}
	return n
}

func (p *Play) officer(a Assignment) (*officer, error) {
	h := fnv.New64a()
	fmt.Fprint(h, a.Station, a.Ballot.Keyword)
	random := rand.New(rand.NewPCG(p.Seed, h.Sum64()))
	right, err := parser.Render(a.Ballot, a.TPS, newForm(a.Ballot, a.Voters, p.cast(a, random), random))
	if err != nil {
		return nil, fmt.Errorf("form of station %s: %w", a.Station, err)
	}
	return &officer{
		Assignment: a, random: random, right: right,
		number: p.Numbers[random.IntN(len(p.Numbers))],
	}, nil
}

// cast is how many people voted on a ballot: who came to a station got all of
// its ballots, and seldom leaves one out.
func (p *Play) cast(a Assignment, random *rand.Rand) int {
	h := fnv.New64a()
	fmt.Fprint(h, a.Station)
	came := turnout(a.Voters, rand.New(rand.NewPCG(p.Seed, h.Sum64())))
	if random.IntN(10) == 0 {
		came -= random.IntN(4)
	}
	return came
}

// begin makes the i-th officer report for the first time, with whatever slip.
func (p *Play) begin(o *officer, i int) error {
	p.mu.Lock()
	p.waiting[o.Phone] = append(p.waiting[o.Phone], o)
	p.mu.Unlock()
	texts := slipOf(o.random)(o)
	p.note(o, texts)
	if err := p.text(o, texts); err != nil {
		return err
	}
	return p.bystander(o.random, i)
}

// note counts a try, unless the report has ended meanwhile.
func (p *Play) note(o *officer, texts []modemsim.SMS) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.waiting[o.Phone] {
		if w == o {
			p.texted++
			o.tries++
			o.last = p.texted
			o.at = time.Now()
			o.said = texts[len(texts)-1].Text
			return true
		}
	}
	return false
}

func (p *Play) text(o *officer, texts []modemsim.SMS) error {
	for _, sms := range texts {
		if _, err := p.Network.Submit(sms); err != nil {
			return fmt.Errorf("texting for station %s: %w", o.Station, err)
		}
	}
	return nil
}

// read acts on an answer. It runs on the modem's goroutine and must not wait.
func (p *Play) read(ctx context.Context, r modemsim.Received) {
	o := p.tryAgain(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if o == nil || p.over {
		return
	}
	p.retries.Go(func() {
		right := slipless(o)
		if !wait(ctx, p.Patience) || !p.note(o, right) {
			return
		}
		if err := p.text(o, right); err != nil && !errors.Is(err, modemsim.ErrClosed) {
			p.end(o, true) // no modem has this number: the officer telephones
		}
	})
}

// tryAgain is the officer who has to text again after this answer, nil when
// nobody has to.
func (p *Play) tryAgain(r modemsim.Received) *officer {
	p.mu.Lock()
	o := about(p.waiting[r.To], p.ballots(), r.Text)
	tired := o != nil && o.tries-o.unrest >= maxTries
	p.mu.Unlock()
	switch kind := kindOf(r.Text); {
	case o == nil || kind == answerWait:
		return nil
	case kind == answerEnd:
		p.end(o, false)
		return nil
	case tired:
		p.end(o, true)
		return nil
	}
	return o
}

// end takes a report off the list.
func (p *Play) end(o *officer, gaveUp bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range p.waiting[o.Phone] {
		if w != o {
			continue
		}
		list := p.waiting[o.Phone]
		p.waiting[o.Phone] = append(list[:i:i], list[i+1:]...)
		if gaveUp {
			p.gaveUp++
		}
	}
	select {
	case p.ended <- struct{}{}:
	default: // Run has a look waiting already
	}
}

// ballots are the keywords that an answer may name.
func (p *Play) ballots() map[string]bool {
	out := make(map[string]bool)
	for _, a := range p.Assignments {
		out[a.Ballot.Keyword] = true
	}
	return out
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
