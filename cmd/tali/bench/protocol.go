package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"tali/parser"
	"tali/parser/typist"
)

const (
	protocolSeed = 7108
	chunk        = 10_000 // SMS drawn from one seed, whatever the number of cores
	mixedShare   = 5      // one SMS of the mixed scenario for as many with a single fault
	mixedTarget  = 1e-6
	offerTarget  = 0.9995
	// A row mistyped and a K wrong by itself can look just like another row
	// mistyped and a right K. Of the two the second is a thousand times as likely,
	// so that is offered; nothing in the message tells them apart.
	offerFloor = 0.999
)

// Protocol types SMS with one fault each, and those of a whole night with all of
// its mistakes, decides them as a gateway does, and counts what is taken with
// other content than was meant.
func Protocol(ctx context.Context, s Settings) ([]Row, error) {
	t, err := simulate(ctx, s)
	if err != nil {
		return nil, err
	}
	return append(t.faultRows(), t.night.rows()...), nil
}

// tallied is what came of a simulation.
type tallied struct {
	faults []faultCount // as typist.Faults lists them
	night  nightCount
}

func (t *tallied) add(other *tallied) {
	for i := range t.faults {
		t.faults[i].add(&other.faults[i])
	}
	t.night.add(&other.night)
}

// simulation hands chunks of work to all cores. Each chunk draws from a seed of
// its own: the counts do not depend on who works when.
type simulation struct {
	every, nights []*parser.Profile
	faults        []typist.Fault
	perClass      int // SMS
	mixed         int
	next          atomic.Int64
	done          atomic.Int64
	progress      func(done int)
}

func simulate(ctx context.Context, s Settings) (*tallied, error) {
	sim := &simulation{faults: typist.Faults(), mixed: s.SMS / mixedShare}
	sim.perClass = s.SMS / len(sim.faults)
	var err error
	if sim.every, err = everyBallot(); err != nil {
		return nil, err
	}
	if sim.nights, err = pilkada(); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	sim.progress = func(done int) {
		mu.Lock()
		defer mu.Unlock()
		s.progress("SMS", done, sim.perClass*len(sim.faults)+sim.mixed)
	}
	total := &tallied{faults: make([]faultCount, len(sim.faults))}
	group, ctx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			part := &tallied{faults: make([]faultCount, len(sim.faults))}
			err := sim.work(ctx, part)
			mu.Lock()
			defer mu.Unlock()
			total.add(part)
			return err
		})
	}
	return total, group.Wait()
}

// work takes chunks until there are none left.
func (s *simulation) work(ctx context.Context, t *tallied) error {
	chunks := (s.perClass + chunk - 1) / chunk
	booth := newBooth()
	for ctx.Err() == nil {
		i := int(s.next.Add(1)) - 1
		class, part, all := i/chunks, i%chunks, s.perClass
		if class >= len(s.faults) {
			class, part, all = len(s.faults), i-len(s.faults)*chunks, s.mixed
		}
		n := min(chunk, all-part*chunk)
		if n <= 0 {
			return nil
		}
		rng := rand.New(rand.NewPCG(protocolSeed, uint64(class)<<32|uint64(part)))
		if err := s.run(t, booth, rng, class, n); err != nil {
			return err
		}
		s.progress(int(s.done.Add(int64(n))))
	}
	return ctx.Err()
}

// run types and decides one chunk.
func (s *simulation) run(t *tallied, booth *booth, rng *rand.Rand, class, n int) error {
	for range n {
		if class == len(s.faults) {
			p := s.nights[rng.IntN(len(s.nights))]
			if err := t.night.take(booth, p, typist.Night(rng, p.Ballots[rng.IntN(len(p.Ballots))])); err != nil {
				return err
			}
			continue
		}
		p := s.every[rng.IntN(len(s.every))]
		m := typist.Write(rng, p)
		if r := parser.Parse(p, m.Text()); !says(&r, m) {
			return fmt.Errorf("%q is right and not read as it was typed: %+v", m.Text(), r)
		}
		t.faults[class].take(booth, p, m, s.faults[class].Apply(rng, m))
	}
	return nil
}

// says reports whether a report is ready to be taken just as it was typed.
func says(r *parser.Report, m typist.Message) bool {
	return r.Consistent() && r.Ballot == m.Ballot && r.TPS == m.TPS && slices.Equal(r.Figures, m.Figures)
}
