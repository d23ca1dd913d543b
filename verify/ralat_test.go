package verify

import (
	"fmt"
	"testing"
)

// The third form of a case, and the right ones as corrections.
const goodThird = "PILBUP 10013505 144 99 67 310 12 322 322 410 322 2 86 71753"

func TestRalat(t *testing.T) {
	wrong := func(n int) []turn {
		var out []turn
		for i := range n {
			out = append(out, says(fmt.Sprintf("15:1%d", i), fmt.Sprintf("RALAT 2222%d %s", i, goodOther), "conflict/ralat_proof/held_ralat"))
		}
		return out
	}
	first := says("15:00", good, taken)
	run(t, "14_ralat", []scenario{
		{name: "takes its place", steps: []turn{
			first, says("15:05", "RALAT 7F001 "+goodOther, taken),
			says("15:06", "RALAT 7F001 "+goodOther, "same/masuk/same_proof"),
			says("15:07", good, "same/digantikan/same_replaced"),
			says("15:08", "STATUS", "service/status/status")}},
		{name: "typed leniently", steps: []turn{
			first, says("15:05", "ralat 7foo1 "+goodOther, taken)}},
		{name: "back again with the new code", steps: []turn{
			first, says("15:05", "RALAT 7F001 "+goodOther, taken), says("15:06", "RALAT 7F002 "+good, taken)}},
		{name: "with the code before", steps: []turn{
			first, says("15:05", "RALAT 7F001 "+goodOther, taken), says("15:06", "RALAT 7F001 "+goodThird, taken)}},
		{name: "with the code before but delivered late", steps: []turn{
			first, says("15:05", "RALAT 7F001 "+goodOther, taken), says("15:04", "RALAT 7F001 "+goodThird, "conflict/ralat_proof/held_ralat")}},
		{name: "from a colleague", steps: []turn{
			first, {clock: "15:05", from: phoneB, text: "RALAT 7F001 " + goodOther, want: "conflict/ralat_proof/held_ralat"}}},
		{name: "without a code", steps: []turn{
			first, says("15:05", "RALAT "+goodOther, "conflict/ralat_no_proof/held_ralat")}},
		{name: "verified already", facts: standing(Tally{State: StateVerified, Figures: goodFigures(), Proof: "7F3K2", ProofTo: phoneA, At: at("14:00")}), steps: []turn{
			says("15:05", "RALAT 7F3K2 "+goodOther, "conflict/ralat_verified/held_ralat"),
			says("15:06", goodThird, "conflict/conflict/conflict_final")}},
		{name: "better proven", facts: standing(Tally{State: StateIn, Figures: goodFigures(), Proof: "7F3K2", ProofTo: phoneA, At: at("14:00"), Assurance: AssuranceA2}), steps: []turn{
			says("15:05", "RALAT 7F3K2 "+goodOther, "conflict/ralat_assurance/held_ralat")}},
		{name: "code of a rejected chain", facts: standing(
			Tally{State: StateSuperseded, Figures: goodFigures(), Proof: "7F3K2", ProofTo: phoneA, At: at("14:00")},
			Tally{State: StateRejected, Figures: otherFigures(), Proof: "7F3K3", ProofTo: phoneA, At: at("14:01")},
			Tally{State: StateIn, Figures: goodFigures(), Proof: "7F3K4", ProofTo: phoneA, At: at("14:02")}), steps: []turn{
			says("15:05", "RALAT 7F3K2 "+goodThird, "conflict/ralat_proof/held_ralat"),
			says("15:06", "RALAT 7F3K3 "+goodThird, "conflict/ralat_proof/held_ralat"),
			says("15:07", "RALAT 7F3K4 "+goodThird, taken)}},
		{name: "four wrong codes", steps: append(append([]turn{first}, wrong(4)...),
			says("15:20", "RALAT 7F001 "+goodOther, taken))},
		{name: "five wrong codes", steps: append(append([]turn{first}, wrong(5)...),
			says("15:20", "RALAT 7F001 "+goodOther, "conflict/ralat_blocked/held_ralat"),
			says("15:21", goodThird, "conflict/conflict/conflict_final"))},
		{name: "with a slip", steps: []turn{
			first, says("15:05", "RALAT 7F001 PILBUP 10013505 200 100 67 310 12 322 322 410 322 2 86 71752", "figures/relation/relation"),
			says("15:06", "RALAT 7F001 PILBUP 10013505 143 1000 67 310 12 322 322 410 322 2 86 71752", "structure/bad_figure/ask_row"),
			says("15:07", "2=100", taken),
			says("15:08", good, "same/digantikan/same_replaced")}},
		{name: "with a slip and a wrong code", steps: []turn{
			first, says("15:05", "RALAT SALAH PILBUP 10013505 143 10 67 310 12 322 322 410 322 2 86 71752", "figures/relation/ask_row"),
			says("15:07", "2=100", "conflict/ralat_proof/held_ralat")}},
		{name: "of what is recorded as on the form", steps: []turn{
			says("15:00", slipValid, "figures/form/ask_form_row"), says("15:01", "FORM", "accepted/form/recorded"),
			says("15:02", "RALAT 7F002 "+good, taken)}},
	})
}
