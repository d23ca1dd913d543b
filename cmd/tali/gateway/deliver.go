package gateway

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tali/db"
	"tali/db/spool"
	"tali/verify"
)

const (
	deliverLoop = "deliver"

	lanes       = 2   // connections that write to the centre at once
	batchSize   = 400 // messages in one transaction, at most
	firstRetry  = 100 * time.Millisecond
	lastRetry   = time.Second // a promoted standby is to be found soon
	idleRecheck = time.Second // a wake may be lost to a crash of the loop that raises it
)

// deliver hands spooled messages to the centre, in order for each sender, until
// ctx ends. While the centre is away the spool grows and nothing is held here.
func (g *Gateway) deliver(ctx context.Context) error {
	retry := firstRetry
	for {
		g.rounds.mark(deliverLoop)
		wake := g.waiting.Wait()
		err := g.drain(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			g.answered()
			retry = firstRetry
			if !pause(ctx, wake, idleRecheck) {
				return ctx.Err()
			}
			continue
		}
		switch {
		case errors.Is(err, spool.ErrFull): // the centre is not to blame
			g.Log.Warn("what was handed over cannot be marked, and is offered again", "err", err)
		case g.centre.Lost(time.Now()):
			g.Log.Warn("centre away, spooling", "err", err)
		}
		if !pause(ctx, nil, retry) {
			return ctx.Err()
		}
		retry = min(retry*2, lastRetry)
	}
}

// drain pages through the spool until nothing waits, or a lane fails. Pages are
// read, and batches marked, while the lanes write others.
func (g *Gateway) drain(ctx context.Context) error {
	if err := g.meet(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	marks := make(chan []int64, lanes)
	var queues [lanes]chan []spool.Message
	var writing sync.WaitGroup
	for i := range queues {
		queues[i] = make(chan []spool.Message, 1)
		writing.Add(1)
		group.Go(func() error {
			defer writing.Done()
			return g.lane(ctx, queues[i], marks)
		})
	}
	group.Go(func() error { return g.mark(ctx, marks) })
	group.Go(func() error {
		err := g.page(ctx, queues[:])
		for _, q := range queues {
			close(q)
		}
		writing.Wait()
		close(marks)
		return err
	})
	return group.Wait()
}

// page hands on full batches as long as more waits than one page holds: what is
// left over of a lane's share goes with its next one.
func (g *Gateway) page(ctx context.Context, queues []chan []spool.Message) error {
	var shares [lanes][]spool.Message
	for after := int64(0); ; {
		page, err := g.Spool.Waiting(ctx, after, lanes*batchSize)
		if err != nil {
			return err
		}
		last := len(page) < lanes*batchSize
		for i, more := range byLane(page) {
			shares[i] = append(shares[i], more...)
			if shares[i], err = enqueue(ctx, queues[i], shares[i], last); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
		after = page[len(page)-1].Seq
	}
}

// enqueue hands on full batches, and the rest when all of it is to go. It
// returns what stays.
func enqueue(ctx context.Context, queue chan<- []spool.Message, share []spool.Message, all bool) ([]spool.Message, error) {
	for len(share) >= batchSize || (all && len(share) > 0) {
		n := min(len(share), batchSize)
		select {
		case queue <- share[:n:n]:
			share = share[n:]
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return share, nil
}

// byLane keeps all messages of one sender in one lane, so that they reach the
// centre in the order in which they arrived.
func byLane(page []spool.Message) [lanes][]spool.Message {
	var out [lanes][]spool.Message
	for _, m := range page {
		h := fnv.New32a()
		h.Write([]byte(m.Sender))
		i := h.Sum32() % lanes
		out[i] = append(out[i], m)
	}
	return out
}

func (g *Gateway) lane(ctx context.Context, queue <-chan []spool.Message, marks chan<- []int64) error {
	for batch := range queue {
		if err := g.handOver(ctx, batch); err != nil {
			return err
		}
		seqs := make([]int64, len(batch))
		for i, m := range batch {
			seqs[i] = m.Seq
		}
		select {
		case marks <- seqs:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// mark notes in the spool what the centre has committed. A crash before it
// repeats a batch; the centre knows its keys.
func (g *Gateway) mark(ctx context.Context, marks <-chan []int64) error {
	for seqs := range marks {
		for more := true; more; { // whatever waits shares one commit
			select {
			case next, ok := <-marks:
				seqs, more = append(seqs, next...), ok
			default:
				more = false
			}
		}
		if err := g.Spool.Delivered(ctx, seqs, time.Now()); err != nil {
			return err
		}
		g.fail.pass(afterMark)
	}
	return nil
}

// handOver writes one batch to the centre.
func (g *Gateway) handOver(ctx context.Context, batch []spool.Message) error {
	inbound := make([]db.Inbound, len(batch))
	for i, m := range batch {
		inbound[i] = g.inbound(m)
	}
	g.fail.pass(beforeIntake)
	verdicts, err := g.Centre.Intake(ctx, db.Batch{
		Gateway: g.Name, Program: g.Version, Profile: g.Profile, Own: g.own, Key: g.RegencyKey, Messages: inbound,
	})
	if err != nil {
		return err
	}
	g.fail.pass(afterIntake)
	g.answered()
	g.rounds.mark(deliverLoop) // a backlog is one long round
	g.replies.Raise()
	if err := g.reports(ctx, batch); err != nil {
		return err
	}
	g.counts.decided(verdicts)
	for i, v := range verdicts {
		if v.Station != nil {
			g.loads.about(batch[i].Modem, v.Station.Code, batch[i].ReceivedAt)
		}
	}
	g.note(ctx, batch, verdicts)
	return nil
}

// answered notes that the centre has answered, unless it was lost meanwhile. What
// it has for the officers waits for nothing more.
func (g *Gateway) answered() {
	if !g.centre.Met() {
		return
	}
	if away := g.centre.Found(time.Now()); away > 0 {
		g.Log.Info("centre back", "away", away.Round(time.Second))
		g.replies.Raise()
	}
}

// inbound is what the centre needs of a spooled message. The proof code is drawn
// here, so that the decision itself stays free of chance.
func (g *Gateway) inbound(m spool.Message) db.Inbound {
	return db.Inbound{
		Message: verify.Message{
			Key:        m.Key,
			Kind:       verify.MessageKind(m.Kind),
			Sender:     m.Sender,
			Text:       m.Text,
			SentAt:     m.SentAt,
			ReceivedAt: m.ReceivedAt,
			Gateway:    g.Name,
			Modem:      m.Modem,
			Interim:    m.Interim,
			Proof:      g.proofs.of(m.Key),
		},
		IMSI:      m.IMSI,
		PDUs:      m.PDUs,
		InterimAt: m.InterimAt,
	}
}

func (g *Gateway) note(ctx context.Context, batch []spool.Message, verdicts []verify.Verdict) {
	if !g.Log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	for i, v := range verdicts {
		g.Log.Info("decided", "msg", batch[i].Seq, "from", mask(batch[i].Sender), "state", v.Outcome, "reason", v.Reason)
	}
}
