package web

import (
	"testing"
	"time"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

func inIndonesian() tongue { return tongue{newWords(files), indonesian} }

func TestEveryOutcomeHasAWord(t *testing.T) {
	t.Parallel()
	for _, o := range []verify.Outcome{
		verify.OutcomeIgnored, verify.OutcomeUnknown, verify.OutcomeDamaged, verify.OutcomeService, verify.OutcomeNoQuestion,
		verify.OutcomeCourtesy, verify.OutcomeUnreadable, verify.OutcomeNotOpen, verify.OutcomeWrongTPS, verify.OutcomeStructure,
		verify.OutcomeSame, verify.OutcomeFigures, verify.OutcomeHeld, verify.OutcomeConflict, verify.OutcomeAccepted,
	} {
		for _, language := range languages() {
			key := "outcome." + string(o)
			if w := (tongue{newWords(files), language}).outcome(o); w.Word == key || w.Meaning == key+".means" {
				t.Errorf("%s has no word in %s", o, language)
			}
		}
	}
	v := newBoard(inIndonesian(), &parser.Profile{Zone: time.UTC}, &db.Overview{Verdicts: []db.VerdictCount{{Outcome: "baru", Messages: 2000}}}, nil)
	if last := v.Legend[len(v.Legend)-1]; last.Word != "baru" || last.Count != "2.000" || v.Tiles[0].Value != "2.000" || v.Tiles[5].Value != "2.000" {
		t.Errorf("an outcome that is new is not counted: %+v, %+v", last, v.Tiles)
	}
}

func TestMinutes(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 11, 27, 6, 30, 20, 0, time.UTC)
	minute := now.Truncate(time.Minute)
	v := newMinutes(inIndonesian(), &db.Overview{At: now, Arrivals: []db.Arrivals{
		{Minute: minute.Add(-60 * time.Minute), Messages: 1}, // beyond the picture
		{Minute: minute.Add(-59 * time.Minute), Messages: 1},
		{Minute: minute, Messages: 2000},
	}})
	if want := []bar{{0, 59, 1}, {590, 2, 58}}; len(v.Bars) != 2 || v.Bars[0] != want[0] || v.Bars[1] != want[1] {
		t.Errorf("bars = %v, want %v", v.Bars, want)
	}
	if want := "2.002 SMS dalam satu jam, paling banyak 2.000 dalam satu menit."; v.Text != want {
		t.Errorf("text = %q, want %q", v.Text, want)
	}
}
