package officers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/parser"
)

const patience = 60 * time.Second // of a test for what must come

// stage is a play on a network whose modems nobody reads: the test hands the
// officers their answers.
type stage struct {
	*Play
	t   *testing.T
	ctx context.Context
	ran chan error
}

func newStage(t *testing.T, assignments int) *stage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	network := modemsim.NewNetwork(1)
	t.Cleanup(func() {
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	})
	numbers := []string{"+6289900009001", "+6289900009002"}
	for _, n := range numbers {
		if _, err := network.AddModem(modemsim.Options{Number: n}); err != nil {
			t.Fatal(err)
		}
	}
	s := &stage{t: t, ctx: ctx, ran: make(chan error, 1), Play: &Play{Network: network, Numbers: numbers, Seed: 7}}
	ballots := pilkada(t).Ballots
	for i := range assignments {
		tps, err := parser.NewTPSCode(fmt.Sprint(100001 + i/len(ballots)))
		if err != nil {
			t.Fatal(err)
		}
		s.Assignments = append(s.Assignments, Assignment{
			Station: fmt.Sprintf("7108052002%03d", 1+i/len(ballots)), TPS: tps, Voters: 250,
			Phone: fmt.Sprintf("+62899000001%02d", i/len(ballots)), Ballot: ballots[i%len(ballots)],
		})
	}
	return s
}

func (s *stage) start() {
	go func() { s.ran <- s.Run(s.ctx) }()
}

// texted are the SMS of these phones so far, "phone text" each; parts apart.
func (s *stage) texted() []string {
	s.t.Helper()
	var out []string
	for _, d := range s.Network.Deliveries() {
		sms, err := gsm.Decode(d.PDU)
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, fmt.Sprint("+", strings.TrimPrefix(d.From, "+"), " to ", d.To, " ", sms.Text))
	}
	return out
}

// await waits until so many SMS have been texted.
func (s *stage) await(count int) {
	s.t.Helper()
	err := s.Network.Wait(s.ctx, func() bool { return len(s.Network.Deliveries()) >= count })
	if err != nil {
		s.t.Fatalf("%d SMS texted, want %d: %v", len(s.Network.Deliveries()), count, err)
	}
}

func (s *stage) answer(text string) {
	s.read(s.ctx, modemsim.Received{To: s.Assignments[0].Phone, Text: text})
}

func (s *stage) end() {
	s.t.Helper()
	if err := <-s.ran; err != nil {
		s.t.Fatalf("Run = %v", err)
	}
}

func TestPlayIsTheSameForASeed(t *testing.T) {
	t.Parallel()
	perform := func(seed uint64) []string {
		s := newStage(t, 60)
		s.Seed = seed
		s.start()
		s.await(60)
		for i := range s.Assignments { // receipts for all, so that Run ends
			a := s.Assignments[i]
			s.wait(a)
			s.read(s.ctx, modemsim.Received{To: a.Phone, Text: "DITERIMA " + a.Ballot.Keyword + " TPS " + string(a.TPS)})
		}
		s.end()
		return s.texted()
	}
	one, two, other := perform(7), perform(7), perform(8)
	if !slices.Equal(one, two) {
		t.Errorf("the same seed played\n%s\nand\n%s", strings.Join(one, "\n"), strings.Join(two, "\n"))
	}
	if slices.Equal(one, other) {
		t.Error("two seeds played the same")
	}
	adverts, strangers := 0, 0
	for _, sms := range one {
		if strings.Contains(sms, "Paket data") {
			adverts++
		}
		if strings.HasPrefix(sms, "+62899009") {
			strangers++
		}
	}
	if adverts != 3 || strangers != 2 {
		t.Errorf("%d adverts and %d strangers among 60 reports, want 3 and 2", adverts, strangers)
	}
}

// wait waits until an assignment has been texted.
func (s *stage) wait(a Assignment) {
	s.t.Helper()
	err := s.Network.Wait(s.ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.ContainsFunc(s.waiting[a.Phone], func(o *officer) bool { return o.Ballot == a.Ballot && o.tries > 0 })
	})
	if err != nil {
		s.t.Fatalf("%s of %s never reported: %v", a.Ballot.Keyword, a.Station, err)
	}
}

func TestOfficerActsOnAnswers(t *testing.T) {
	t.Parallel()
	again := "PERIKSA PILGUB TPS 10000120: jumlah calon 301, tapi suara sah tertulis 310."
	for _, c := range []struct {
		name    string
		answers []string
		texts   int // SMS after the first try
		gaveUp  int
	}{
		{"a receipt ends it", []string{"DITERIMA PILGUB TPS 10000120: 1=1"}, 0, 0},
		{"a question is answered", []string{again, "DITERIMA PILGUB TPS 10000120"}, 1, 0},
		{"an interim answer is waited out", []string{"SMS PILGUB TPS 10000120 sudah diterima. Jangan kirim ulang, bukti menyusul.", "DITERIMA PILGUB"}, 0, 0},
		{"held is enough", []string{again, again, "SUDAH ADA laporan PILGUB dgn angka beda. SMS ini DITAHAN, petugas akan menelepon."}, 2, 0},
		{"four tries and no more", []string{again, again, again, again}, 3, 1},
		{"an answer without a ballot counts", []string{"KODE TPS 10013550 bukan kode TPS Anda.", "DITERIMA PILGUB"}, 1, 0},
		{"an answer about another ballot does not", []string{"PERIKSA PILBUP TPS 10000120: K tidak.", "DITERIMA PILGUB"}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, 2)
			s.Assignments[1].Phone = "+6289900000199" // keeps PILBUP a ballot of the play
			s.start()
			s.wait(s.Assignments[0])
			s.wait(s.Assignments[1])
			s.read(s.ctx, modemsim.Received{To: s.Assignments[1].Phone, Text: "DITERIMA PILBUP"})
			first := s.first()
			for i, text := range c.answers {
				s.awaitTries(min(i+1, c.texts+1))
				s.answer(text)
			}
			s.end()
			if got := s.first() - first; got != c.texts {
				t.Errorf("%d more SMS, want %d: %q", got, c.texts, s.texted())
			}
			if got := s.GaveUp(); got != c.gaveUp {
				t.Errorf("GaveUp() = %d, want %d", got, c.gaveUp)
			}
		})
	}
}

// first counts the SMS of the first officer that are as the form has it.
func (s *stage) first() (n int) {
	s.t.Helper()
	o, err := s.officer(s.Assignments[0])
	if err != nil {
		s.t.Fatal(err)
	}
	for _, sms := range s.texted() {
		if sms == o.Phone+" to "+o.number+" "+o.right {
			n++
		}
	}
	return n
}

func (s *stage) awaitTries(tries int) {
	s.t.Helper()
	phone := s.Assignments[0].Phone
	err := s.Network.Wait(s.ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		list := s.waiting[phone]
		return len(list) == 1 && list[0].tries >= tries
	})
	if err != nil {
		s.t.Fatalf("the officer has not tried %d times: %v", tries, err)
	}
}

func TestPlayEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2)
	ctx, cancel := context.WithCancel(s.ctx)
	s.Every, s.Patience = time.Hour, time.Hour
	go func() { s.ran <- s.Run(ctx) }()
	s.await(1)
	cancel()
	if err := <-s.ran; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want %v", err, context.Canceled)
	}
	before := len(s.Network.Deliveries())
	s.Patience = 0
	s.answer("PERIKSA") // nobody is left to look at it
	s.retries.Wait()
	if after := len(s.Network.Deliveries()); after != before {
		t.Errorf("%d SMS after the end", after-before)
	}
}

func TestPlayNamesWhatCannotBePlayed(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	s.Assignments[0].TPS = "10013504"
	if err := s.Run(s.ctx); err == nil || !strings.Contains(err.Error(), "station 7108052002001") {
		t.Errorf("Run with a wrong TPS code = %v, want the station named", err)
	}
	s = newStage(t, 1)
	s.Numbers = []string{"+6289900009009"}
	if err := s.Run(s.ctx); err == nil || !strings.Contains(err.Error(), "no such modem") {
		t.Errorf("Run without the modem = %v, want it named", err)
	}
}

// Whoever hears nothing texts again, after an ever longer while, and does not
// give up: the machine may just be slow.
func TestSilenceIsNoRefusal(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	s.start()
	s.await(1)
	s.wait(s.Assignments[0])
	texts := len(s.Network.Deliveries())
	for range 3 * maxTries {
		s.mu.Lock()
		s.waiting[s.Assignments[0].Phone][0].at = time.Now().Add(-time.Hour)
		s.mu.Unlock()
		if err := s.askAgain(); err != nil {
			t.Fatal(err)
		}
	}
	s.await(texts + 3*maxTries)
	s.answer("DITERIMA " + s.Assignments[0].Ballot.Keyword + " TPS " + string(s.Assignments[0].TPS))
	s.end()
	if n := s.GaveUp(); n != 0 {
		t.Errorf("%d officers gave up", n)
	}
}
