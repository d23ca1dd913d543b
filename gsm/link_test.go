package gsm

import (
	"errors"
	"testing"
	"time"
)

// connect dials a peer without an owner.
func connect(t *testing.T, p *peer) *link {
	t.Helper()
	l, err := dial(p.device, 0, fast(), testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

// TestLateAnswerIsNobodys lets an OK come after its command's time: no later delete may be told by it that it
// succeeded.
func TestLateAnswerIsNobodys(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.script["+CMGD=1"] = func() string {
		<-time.After(350 * time.Millisecond)
		return "OK\r\n"
	}
	p.on("+CMGD=2", "+CMS ERROR: 500\r\n")
	l := connect(t, p)
	if _, err := l.cmd(250*time.Millisecond, "+CMGD=1"); !errors.Is(err, errSilent) {
		t.Fatalf("late delete = %v, want %v", err, errSilent)
	}
	if _, err := l.cmd(l.limits.del, "+CMGD=2"); !errors.Is(err, errSilent) {
		t.Errorf("command out of step = %v, want %v and nothing asked", err, errSilent)
	}
	if n := p.count("+CMGD=2"); n != 0 {
		t.Fatalf("%d commands out of step, want none", n)
	}
	if err := l.resync(t.Context()); err != nil {
		t.Fatalf("resync = %v", err)
	}
	var refused *SendError
	if _, err := l.cmd(l.limits.del, "+CMGD=2"); !errors.As(err, &refused) || refused.Code != 500 {
		t.Errorf("delete after resync = %v, want its own +CMS ERROR: 500", err)
	}
}

// TestResyncNeedsOwnAnswers does not take two OKs for a line in step.
func TestResyncNeedsOwnAnswers(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.on("+CMGF?", "OK\r\n")
	l := connect(t, p)
	if err := l.resync(t.Context()); !errors.Is(err, errSilent) {
		t.Errorf("resync without own answers = %v, want %v", err, errSilent)
	}
	if _, err := l.cmd(l.limits.short, "+CMGD=1"); !errors.Is(err, errSilent) {
		t.Errorf("command after a failed resync = %v, want %v", err, errSilent)
	}
}

func TestSyncGivesUp(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.on("", "")
	l := connect(t, p)
	if err := l.sync(t.Context(), 0); !errors.Is(err, errSilent) {
		t.Errorf("sync with a silent modem = %v, want %v", err, errSilent)
	}
	if n := p.count(""); n != attempts {
		t.Errorf("%d times AT, want %d", n, attempts)
	}
}

func TestSyncEndsWithTheLine(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.script[""] = func() string {
		p.master.Close()
		return ""
	}
	l := connect(t, p)
	if err := l.sync(t.Context(), 0); !errors.Is(err, errHangup) {
		t.Errorf("sync = %v, want %v", err, errHangup)
	}
}
