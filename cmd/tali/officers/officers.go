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
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
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

	mu      sync.Mutex
	waiting map[string][]*officer // by phone: reports without a receipt yet
}

const maxTries = 4 // an officer gives up and would telephone

type officer struct {
	Assignment
	random *rand.Rand
	right  string // the SMS as it should be
	number string // the gateway number on this officer's card
	tries  int
}

// Run lets the officers report one after the other until all have or ctx ends.
// Answers that come later are still acted on while the network lives.
func (p *Play) Run(ctx context.Context) error {
	p.mu.Lock()
	p.waiting = make(map[string][]*officer)
	p.mu.Unlock()
	p.Network.OnReceive(func(r modemsim.Received) { p.read(ctx, r) })

	order := rand.New(rand.NewPCG(p.Seed, 1)).Perm(len(p.Assignments))
	for i, at := range order {
		o, err := p.officer(p.Assignments[at])
		if err != nil {
			return err
		}
		if err := p.report(o, slipOf(o.random)); err != nil {
			return err
		}
		if err := p.bystander(o.random, i); err != nil {
			return err
		}
		if !wait(ctx, p.Every/2+time.Duration(o.random.Int64N(int64(p.Every)+1))) {
			return ctx.Err()
		}
	}
	return nil
}

func (p *Play) officer(a Assignment) (*officer, error) {
	h := fnv.New64a()
	fmt.Fprint(h, a.Station, a.Ballot.Keyword)
	random := rand.New(rand.NewPCG(p.Seed, h.Sum64()))
	right, err := parser.Render(a.Ballot, a.TPS, NewForm(a.Ballot, a.Voters, random))
	if err != nil {
		return nil, fmt.Errorf("form of station %s: %w", a.Station, err)
	}
	return &officer{
		Assignment: a, random: random, right: right,
		number: p.Numbers[random.IntN(len(p.Numbers))],
	}, nil
}

// report texts the form with one slip, and remembers that an answer is awaited.
func (p *Play) report(o *officer, s slip) error {
	p.mu.Lock()
	o.tries++
	if o.tries == 1 {
		p.waiting[o.Phone] = append(p.waiting[o.Phone], o)
	}
	p.mu.Unlock()
	for _, sms := range s(o) {
		if _, err := p.Network.Submit(sms); err != nil {
			return fmt.Errorf("texting for station %s: %w", o.Station, err)
		}
	}
	return nil
}

// read acts on an answer: a receipt ends the report, anything else is a reason
// to look at the paper again and text what stands there.
func (p *Play) read(ctx context.Context, r modemsim.Received) {
	o, settled := p.awaiting(r)
	if o == nil || settled || o.tries >= maxTries {
		return
	}
	go func() {
		if wait(ctx, p.Patience) {
			_ = p.report(o, slipless) // the network may be closing: nobody is left to tell
		}
	}()
}

// awaiting finds the report that an answer is about, and takes it off the list
// when the answer settles it.
func (p *Play) awaiting(r modemsim.Received) (o *officer, settled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.waiting[r.To]
	for i, o := range list {
		if len(list) > 1 && !strings.Contains(r.Text, o.Ballot.Keyword) {
			continue
		}
		if settles(r.Text) {
			p.waiting[r.To] = append(list[:i:i], list[i+1:]...)
			return o, true
		}
		return o, false
	}
	return nil, false
}

func settles(answer string) bool {
	for _, word := range []string{"DITERIMA", "SUDAH ADA", "Laporan yang sama", "DICATAT"} {
		if strings.HasPrefix(answer, word) {
			return true
		}
	}
	return false
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
