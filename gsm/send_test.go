package gsm

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/warthog618/modem/at"

	"tali/gsm/modemsim"
)

const phone = "+628990000001"

func TestSend(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{SweepInterval: time.Hour}).start().ready()
	texts := []string{"DITERIMA TPS 1: 7 8 9 @£$_{}[]€", strings.Repeat("a", 160)}
	for i, text := range texts {
		sent, err := b.modem.Send(t.Context(), phone, text)
		if err != nil || sent.Reference != i+1 || sent.At.IsZero() {
			t.Errorf("Send = %+v, %v, want reference %d", sent, err, i+1)
		}
	}
	in := b.net.Inbox(phone)
	if len(in) != len(texts) {
		t.Fatalf("%d messages arrived, want %d", len(in), len(texts))
	}
	for i, r := range in {
		if r.Text != texts[i] || r.To != phone || r.Parts != 1 {
			t.Errorf("arrived %+v, want %q", r, texts[i])
		}
	}
	if s := b.modem.Status(); s.Sends != 2 || s.SendFailures != 0 {
		t.Errorf("Sends, SendFailures = %d, %d, want 2, 0", s.Sends, s.SendFailures)
	}
}

func TestSendKeepsNationalNumbers(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{}).start().ready()
	if _, err := b.modem.Send(t.Context(), "08990000001", "HALO"); err != nil {
		t.Fatal(err)
	}
	if in := b.net.Inbox("08990000001"); len(in) != 1 || in[0].To != "08990000001" {
		t.Errorf("arrived %+v, want one for 08990000001 without a country", in)
	}
}

// TestSendStartsAtOnce wants the first octet of AT+CMGS on the line within a few milliseconds.
func TestSendStartsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{SweepInterval: time.Hour}).start().ready()
	var best = time.Hour
	for range 10 {
		begun := time.Now()
		if _, err := b.modem.Send(t.Context(), phone, "HALO"); err != nil {
			t.Fatal(err)
		}
		in := b.net.Inbox(phone)
		best = min(best, in[len(in)-1].Commanded.Sub(begun))
	}
	t.Logf("Send to the first octet at the modem: best of 10 %v", best)
	if best > 20*time.Millisecond {
		t.Errorf("Send took %v to begin", best)
	}
}

func TestSendRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, to, text string }{
		{"too long", phone, strings.Repeat("a", 161)},
		{"too long with extensions", phone, strings.Repeat("€", 81)},
		{"not GSM-7", phone, "выборы"},
		{"name", "TELKOMSEL", "HALO"},
		{"empty number", "", "HALO"},
		{"only a plus", "+", "HALO"},
		{"too many digits", "+123456789012345678901", "HALO"},
		{"command in number", `+62899";+CFUN=0`, "HALO"},
		{"empty text", phone, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := New(Settings{Name: "m1"}, nil, testLog(t))
			_, err := m.Send(t.Context(), c.to, c.text)
			var refused *SendError
			if !errors.As(err, &refused) || !refused.Permanent {
				t.Errorf("Send(%q, %q) = %v, want a permanent refusal", c.to, c.text, err)
			}
			if err != nil && len(c.to) > 5 && strings.Contains(err.Error(), c.to) {
				t.Errorf("error %q shows the number", err)
			}
		})
	}
}

func TestSendOutcomes(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	for _, c := range []struct {
		name string
		rule modemsim.Rule
		want func(error) bool
	}{
		{"temporary", modemsim.Rule{Kind: modemsim.CommandError, Code: 38}, refusedWith("CMS", 38, false)},
		{"permanent", modemsim.Rule{Kind: modemsim.CommandError, Code: 1}, refusedWith("CMS", 1, true)},
		{"unknown cause", modemsim.Rule{Kind: modemsim.CommandError, Code: 500}, refusedWith("CMS", 500, false)},
		{"no reply", modemsim.Rule{Kind: modemsim.Silence}, is(ErrUnknownOutcome)},
		{"late reply", modemsim.Rule{Kind: modemsim.LateReply, Delay: 800 * ms}, is(ErrUnknownOutcome)},
		// The line may go after the OK; then the outcome is known.
		{"hang-up", modemsim.Rule{Kind: modemsim.HangUp, Delay: 20 * ms}, func(err error) bool { return err == nil || errors.Is(err, ErrUnknownOutcome) }},
		{"no prompt", modemsim.Rule{Kind: modemsim.NoPrompt}, refusedWith("", -1, false)},
		{"foreign line", modemsim.Rule{Kind: modemsim.Interleave, Text: "RING"}, is(nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.rule.Command, c.rule.Limit = "+CMGS", 1
			b := newBench(t, modemsim.Options{Faults: modemsim.Plan{c.rule}}, Settings{}).start().ready()
			b.submit(3)
			if _, err := b.modem.Send(t.Context(), phone, "HALO"); !c.want(err) {
				t.Errorf("Send = %v", err)
			}
			b.until("received beside it", b.drained)
			b.until("sending again", func() bool {
				_, err := b.modem.Send(t.Context(), phone, "LAGI")
				return err == nil
			})
			b.check()
		})
	}
}

func is(want error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) && (want != nil || err == nil) }
}

func refusedWith(kind string, code int, permanent bool) func(error) bool {
	return func(err error) bool {
		var e *SendError
		return errors.As(err, &e) && e.Kind == kind && e.Code == code && e.Permanent == permanent
	}
}

// TestSendBetweenDeletes wants a reply to overtake the deletes of a long listing.
func TestSendBetweenDeletes(t *testing.T) {
	t.Parallel()
	slow := modemsim.Plan{{Kind: modemsim.LateReply, Command: "+CMGD", Delay: 20 * time.Millisecond}}
	b := newBench(t, modemsim.Options{Slots: 50, Faults: slow}, Settings{SweepInterval: time.Hour})
	b.submit(40)
	b.start()
	b.until("rows kept before the first deletes are over", func() bool { return b.modem.Status().Kept == 40 })
	if n := b.sim.Stored(); n < 30 {
		t.Fatalf("%d messages stored when the keeper had them, want nearly 40", n)
	}
	if _, err := b.modem.Send(t.Context(), phone, "HALO"); err != nil {
		t.Fatal(err)
	}
	if n := b.sim.Stored(); n < 25 {
		t.Errorf("reply left when %d slots were still to delete, want it between two deletes", n)
	}
	b.until("drained", b.drained)
	b.check()
}

func TestSendIsSerialised(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{}).start().ready()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := b.modem.Send(t.Context(), phone, "HALO"); err != nil {
				t.Errorf("Send = %v", err)
			}
		})
	}
	all.Wait()
	if n := len(b.net.Inbox(phone)); n != 20 {
		t.Errorf("%d messages arrived, want 20", n)
	}
}

func TestSendGivesUpWaiting(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{SendTime: 400 * time.Millisecond}, Settings{}).start().ready()
	first := make(chan error, 1)
	go func() {
		_, err := b.modem.Send(t.Context(), phone, "HALO")
		first <- err
	}()
	b.until("the first is being sent", b.modem.sending.Load)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := b.modem.Send(ctx, phone, "LAGI"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Send = %v, want %v", err, context.DeadlineExceeded)
	}
	// Run ends in an orderly way: what is being sent learns its outcome.
	b.stop()
	if err := <-first; err != nil {
		t.Errorf("Send under way at the end of Run = %v, want nil", err)
	}
	if n := len(b.net.Inbox(phone)); n != 1 {
		t.Errorf("%d messages arrived, want 1", n)
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	other := errors.New("other")
	for _, c := range []struct {
		err  error
		want string
		perm bool
	}{
		{at.CMSError("1"), "+CMS ERROR: 1", true},
		{at.CMSError("42"), "+CMS ERROR: 42", false},
		{at.CMSError("304"), "+CMS ERROR: 304", true},
		{at.CMSError("network timeout"), "+CMS ERROR: network timeout", false},
		{at.CMEError("10"), "+CME ERROR: 10", false},
		{at.ErrError, "ERROR", false},
		{other, "other", false},
	} {
		err := refusal(c.err)
		var e *SendError
		if err.Error() != c.want || errors.As(err, &e) && e.Permanent != c.perm {
			t.Errorf("refusal(%v) = %#v, want %q, permanent %v", c.err, err, c.want, c.perm)
		}
	}
}
