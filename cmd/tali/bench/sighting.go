package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"tali/parser"
)

// sightings is when each station first stood on an open desk, as its stream
// brings the rows.
type sightings struct {
	mu     sync.Mutex
	first  map[string]time.Time // by 13-digit code
	change chan struct{}
	ended  chan struct{}
}

func newSightings(stream io.Reader) *sightings {
	s := &sightings{first: make(map[string]time.Time), change: make(chan struct{}), ended: make(chan struct{})}
	go s.read(stream)
	return s
}

func (s *sightings) read(stream io.Reader) {
	defer close(s.ended)
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		_, row, ok := strings.Cut(lines.Text(), `data-row="c:`)
		if !ok {
			continue
		}
		parts := strings.SplitN(row, ":", 3) // election, station, the rest
		if len(parts) == 3 {
			s.see(parts[1], time.Now())
		}
	}
}

func (s *sightings) see(code string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.first[code].IsZero() {
		return
	}
	s.first[code] = at
	close(s.change)
	s.change = make(chan struct{})
}

// wait returns when the station first stood there.
func (s *sightings) wait(ctx context.Context, code string, most time.Duration) (time.Time, error) {
	late := time.NewTimer(most)
	defer late.Stop()
	for {
		s.mu.Lock()
		at, change := s.first[code], s.change
		s.mu.Unlock()
		if !at.IsZero() {
			return at, nil
		}
		select {
		case <-change:
		case <-s.ended:
			return at, fmt.Errorf("the desk's stream ended before %s came", code)
		case <-late.C:
			return at, fmt.Errorf("%s is not on the open desk after %s", code, most)
		case <-ctx.Done():
			return at, ctx.Err()
		}
	}
}

func (s *sightings) stop(stream io.Closer) {
	_ = stream.Close()
	<-s.ended
}

// contradiction is a right tally of a ballot with that many votes for the first.
func contradiction(b *parser.Ballot, tps string, first int) (string, error) {
	f := make(parser.Figures, b.Rows())
	f[0] = int16(first)
	for _, label := range []parser.Label{parser.LabelS, parser.LabelJ, parser.LabelP, parser.LabelU, parser.LabelD} {
		if i := b.Index(label); i >= 0 {
			f[i] = int16(first)
		}
	}
	return parser.Render(b, parser.TPSCode(tps), f)
}
