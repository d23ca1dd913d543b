package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tali/cmd/tali/officers"
	"tali/db"
	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/parser"
	"tali/parser/typist"
)

const (
	nightPage     = 1000 // tallies that are kept with one commit
	nightVoters   = 249
	mistakesIn100 = 5
	repeatsIn100  = 3
	nightSeed     = 11
)

// night counts what was texted.
type night struct{ stations, tallies, sms, mistakes, repeats int }

// page is a thousand tallies on their way into the spool.
type page struct {
	rows              []gsm.Stored
	mistakes, repeats int
}

// textNight fills the spool that the gateway will open. Tallies come in an order
// that jumps all over the country; a right one follows a wrong one, and a second
// one the first, in the same page.
func (c *centre) textNight(ctx context.Context, s Settings) (n night, err error) {
	journal, err := spool.Open(ctx, c.spoolPath(), slog.New(slog.DiscardHandler))
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	n = night{stations: s.Stations, tallies: s.Stations * len(c.profile.Ballots)}
	keeper := c.newGateway(journal)
	pages := make(chan *page, 4)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(pages)
		for at := 0; at < n.tallies; at += nightPage {
			p, err := c.nightPage(at, min(at+nightPage, n.tallies), n.tallies)
			if err != nil {
				return err
			}
			select {
			case pages <- p:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	group.Go(func() error {
		kept := 0
		for p := range pages {
			if err := keeper.Keep(ctx, p.rows); err != nil {
				return err
			}
			kept += nightPage
			n.sms, n.mistakes, n.repeats = n.sms+len(p.rows), n.mistakes+p.mistakes, n.repeats+p.repeats
			s.progress("spool", min(kept, n.tallies), n.tallies)
		}
		return nil
	})
	return n, group.Wait()
}

// nightPage texts tallies from to up to of all.
func (c *centre) nightPage(from, to, all int) (*page, error) {
	random := rand.New(rand.NewPCG(nightSeed, uint64(from)))
	p := &page{}
	var again []gsm.Stored
	for i := from; i < to; i++ {
		tally := scattered(i, all)
		b := c.profile.Ballots[tally%len(c.profile.Ballots)]
		station := tally / len(c.profile.Ballots)
		tps := fmt.Sprint(db.NationTPS(station))
		right, err := parser.Render(b, parser.TPSCode(tps), officers.NewForm(b, nightVoters, random))
		if err != nil {
			return nil, err
		}
		texts := []string{right}
		switch chance := random.IntN(100); {
		case chance < mistakesIn100:
			texts = []string{mistaken(right, random), right}
			p.mistakes++
		case chance < mistakesIn100+repeatsIn100:
			texts = append(texts, right)
			p.repeats++
		}
		for k, text := range texts {
			row, err := nightRow(station, text, i, k)
			if err != nil {
				return nil, err
			}
			if k == 0 {
				p.rows = append(p.rows, row)
			} else {
				again = append(again, row)
			}
		}
	}
	p.rows = append(p.rows, again...)
	return p, nil
}

// scattered is a permutation of 0 to all-1.
func scattered(i, all int) int {
	const far = 2_147_483_647 // a prime: it has no divisor in common with all
	return int(uint64(i) * far % uint64(all))
}

// mistaken is the message with one number typed wrongly, which K or the sums show.
func mistaken(right string, random *rand.Rand) string {
	words := strings.Fields(right)
	at := 2 + random.IntN(len(words)-2)
	words[at] = typist.Slip(random, words[at])
	return strings.Join(words, " ")
}

// nightRow is the k-th SMS about tally i, as a modem hands it over.
func nightRow(station int, text string, i, k int) (gsm.Stored, error) {
	at := time.Now().Add(-6*time.Hour + time.Duration(i/400)*time.Second + time.Duration(k)*time.Minute)
	pdus, err := modemsim.SMS{From: db.SamplePhone(station), To: benchModem(), Text: text, At: at}.PDUs()
	if err != nil {
		return gsm.Stored{}, err
	}
	if len(pdus) != 1 {
		return gsm.Stored{}, fmt.Errorf("%q is no single SMS", text)
	}
	return gsm.Stored{Modem: "bench", IMSI: benchIMSI, Store: "SM", PDU: pdus[0], ReadAt: time.Now()}, nil
}
