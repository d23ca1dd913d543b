package gateway_test

import (
	"strings"
	"testing"
)

// TestAnswersReachTheirQuestion asks over a real line, ends the gateway and
// starts another, which takes the answer that the phone gives to it.
func TestAnswersReachTheirQuestion(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{stations: 10})
	stop := r.start()
	words := strings.Fields(r.tally(0, 145))
	words[3] = "89" // of 98
	r.text(phone(0), 0, strings.Join(words, " "))
	if got := r.awaitReplies(phone(0), 1)[0].Text; !strings.Contains(got, "Balas 2=98 jika benar") {
		t.Fatalf("question = %q", got)
	}
	stop()
	r.start()
	r.text(phone(0), 0, "2=98 pak")
	receipt := r.awaitReplies(phone(0), 2)[1].Text
	if !strings.HasPrefix(receipt, "DITERIMA PILBUP") {
		t.Fatalf("answer to 2=98: %q", receipt)
	}
	proof := strings.Fields(receipt[strings.Index(receipt, "RALAT "):])[1]
	r.text(phone(0), 0, "RALAT "+proof+" "+r.tally(0, 146))
	if got := r.awaitReplies(phone(0), 3)[2].Text; !strings.HasPrefix(got, "DITERIMA PILBUP") || !strings.Contains(got, "1=146") {
		t.Errorf("answer to the RALAT: %q", got)
	}
	if n := r.count(`SELECT count(*) FROM tally.standing WHERE entry = 2 AND state = 'masuk' AND held = 0`); n != 1 {
		t.Errorf("%d cases stand at their second entry, want 1", n)
	}
	if n := r.count(`SELECT count(*) FROM intake.question`); n != 0 {
		t.Errorf("%d questions open, want none", n)
	}
	r.audit()
}
