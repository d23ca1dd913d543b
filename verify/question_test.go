package verify

import (
	"maps"
	"testing"
)

// An election whose texts lack a question is told what it was told without one.
func TestNoTextNoQuestion(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	p.Texts = maps.Clone(p.Texts)
	for kind := range p.Texts {
		if len(kind) > 4 && kind[:4] == "ask_" {
			delete(p.Texts, kind)
		}
	}
	for text, want := range map[string]string{
		slipRow: KindRelation, slipValid: KindForm, slipSwap: KindK, slipBallot: KindOtherBallot, slipTPS: KindWrongTPS,
		slipNoK: KindNoK, slipDoubled: KindTooMany, slipOmitted: KindTooFew,
	} {
		v := Decide(p, message(1, phoneA, text, at("15:00")), nil, testFacts(t))
		if v.Asks != nil || v.Reply == nil || v.Reply.Kind != want {
			t.Errorf("Decide(%q) = %s, asks %v, want %s and no question", text, summary(v), v.Asks, want)
		}
	}
}

func TestDraftReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	for _, text := range []string{slipRow, slipTPS, slipNoK, slipOmitted, "RALAT 7F3K2 " + slipRow, "RALAT " + slipRow,
		"RALAT salah " + slipRow, "PILBUP 145 98 67 310 12 322 322 410 322 2 86 71754", "PILBUP 10013505 1450 98 67 310 12 322 322 410 322 2 86 71754"} {
		m := message(1, phoneA, text, at("15:00"))
		v := Decide(p, m, nil, testFacts(t))
		if v.Asks == nil {
			t.Fatalf("Decide(%q) asks nothing", text)
		}
		if got := readDraft(v.Asks.Draft).String(); got != v.Asks.Draft {
			t.Errorf("a draft of %q reads %q, writes %q", text, v.Asks.Draft, got)
		}
		again := Decide(p, message(2, phoneA, v.Asks.Draft, at("15:00")), nil, testFacts(t))
		if summary(again) != summary(v) || again.Asks.Draft != v.Asks.Draft || again.Report.Ralat != v.Report.Ralat {
			t.Errorf("the draft %q is decided %s, the message %s", v.Asks.Draft, summary(again), summary(v))
		}
	}
}
