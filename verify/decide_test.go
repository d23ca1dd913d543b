package verify

import (
	"strings"
	"testing"
	"time"

	"tali/parser"
)

// standing puts entries of Boroko's PILBUP into the facts, oldest first.
func standing(tallies ...Tally) func(*Facts) {
	return func(f *Facts) {
		c := &Case{}
		for i := range tallies {
			t := tallies[i]
			t.Revision = i + 1
			t.Entry = Key{0xff, byte(i)}
			if t.Assurance == "" {
				t.Assurance = AssuranceA0
			}
			c.Revision = t.Revision
			switch t.State {
			case StateIn, StateVerified:
				c.Present = &t
				c.Version++
			default:
				c.Others = append(c.Others, t)
			}
		}
		f.Cases[CaseKey{Station: "7108012001003", Ballot: "PILBUP"}] = c
	}
}

func goodFigures() []int16 {
	return form(ballot('7', "PILBUP", parser.FormFull, "calon", 3), []int{145, 98, 67}, 12, 2, 410)
}

func otherFigures() []int16 {
	return form(ballot('7', "PILBUP", parser.FormFull, "calon", 3), []int{143, 100, 67}, 12, 2, 410)
}

func TestSender(t *testing.T) {
	run(t, "1_sender", []scenario{
		{name: "alphanumeric", steps: []turn{{clock: "15:00", from: "TELKOMSEL", text: good, want: "ignored/alphanumeric/-"}}},
		{name: "short code", steps: []turn{{clock: "15:00", from: "3636", text: "Sisa pulsa Rp500", want: "ignored/short_code/-"}}},
		{name: "own number", steps: []turn{{clock: "15:00", from: phoneOwn, text: "DETAK 17", want: "ignored/own_number/-"}}},
		{name: "status report", steps: []turn{{clock: "15:00", from: phoneA, want: "ignored/status_report/-",
			edit: func(m *Message) { m.Kind = MessageReport }}}},
		{name: "national form", steps: []turn{{clock: "15:00", from: "080000000001", text: good, want: "accepted/accepted/accepted"}}},
		{name: "unreadable without sender", steps: []turn{{clock: "15:00", want: "damaged/unreadable/-",
			edit: func(m *Message) { m.Kind = MessageUnreadable }}}},
	})
}

func TestNotRegistered(t *testing.T) {
	run(t, "2_unknown", []scenario{
		{name: "once a day", steps: []turn{
			{clock: "15:00", from: phoneAlien, text: good, want: "unknown/not_registered/unknown"},
			{clock: "15:01", from: phoneAlien, text: "UJI 10013505", want: "unknown/not_registered/-"},
		}},
		{name: "budget of the hour", facts: func(f *Facts) { f.UnknownThisHour = 1 }, steps: []turn{
			{clock: "15:00", from: "+6280000000701", text: "halo", want: "unknown/not_registered/unknown"},
			{clock: "15:01", from: "+6280000000702", text: "halo", want: "unknown/not_registered/-"},
		}},
		{name: "broken SMS", steps: []turn{{clock: "15:00", from: phoneAlien, text: "PILB", want: "unknown/not_registered/unknown",
			edit: func(m *Message) { m.Kind = MessageIncomplete }}}},
	})
}

func TestDamaged(t *testing.T) {
	run(t, "2_damaged", []scenario{
		{name: "parts missing", steps: []turn{{clock: "15:00", from: phoneA, text: "PILBUP 10013505 145 98",
			want: "damaged/incomplete/damaged", edit: func(m *Message) { m.Kind = MessageIncomplete }}}},
	})
}

func TestService(t *testing.T) {
	run(t, "3_service", []scenario{
		{name: "bantu", steps: []turn{{clock: "12:00", from: phoneA, text: "bantu", want: "service/help/help"}}},
		{name: "uji", steps: []turn{{clock: "12:00", from: phoneA, text: "UJI", want: "service/test/test"}}},
		{name: "uji with the code of another", steps: []turn{
			{clock: "12:00", from: phoneC, text: "UJI 10013505", want: "service/wrong_tps/wrong_tps"}}},
		{name: "hadir", steps: []turn{{clock: "06:15", from: phoneA, text: "Hadir", want: "service/present/present"}}},
		{name: "hadir with two stations", steps: []turn{
			{clock: "06:15", from: phoneC, text: "HADIR", want: "service/which_station/which_station"},
			{clock: "06:16", from: phoneC, text: "HADIR 10013602", want: "service/present/present"}}},
		{name: "status", facts: standing(Tally{State: StateVerified, Figures: goodFigures(), Proof: "7F3K2", ProofTo: phoneA}),
			steps: []turn{
				{clock: "17:00", from: phoneA, text: "STATUS", want: "service/status/status"},
				{clock: "17:01", from: phoneB, text: "STATUS 10013505", want: "service/status/status"}}},
		{name: "phone without a station", steps: []turn{
			{clock: "12:00", from: phoneIdle, text: "UJI", want: "service/no_station/no_station"}}},
	})
}

func TestFollowUp(t *testing.T) {
	run(t, "4_followup", []scenario{
		{name: "no question open", steps: []turn{
			{clock: "15:00", from: phoneA, text: "YA", want: "no_question/no_question/no_question"},
			{clock: "15:01", from: phoneA, text: "S=310", want: "no_question/no_question/no_question"}}},
		{name: "thanks", steps: []turn{{clock: "15:00", from: phoneA, text: "Terima kasih pak", want: "courtesy/courtesy/-"}}},
	})
}

func TestUnreadable(t *testing.T) {
	run(t, "5_unreadable", []scenario{
		{name: "no keyword", steps: []turn{{clock: "15:00", from: phoneA, text: "Halo pak, ini TPS 3", want: "unreadable/no_keyword/no_keyword"}}},
		{name: "empty", steps: []turn{{clock: "15:00", from: phoneA, text: " ", want: "unreadable/empty/empty"}}},
		{name: "service word with half a code", steps: []turn{{clock: "15:00", from: phoneA, text: "STATUS 1001350", want: "unreadable/no_tps/wrong_tps"}}},
		{name: "keyword alone", steps: []turn{{clock: "15:00", from: phoneA, text: "PILBUP hasil menyusul ya", want: "unreadable/no_tps/no_tps"}}},
	})
}

func TestNotOpen(t *testing.T) {
	run(t, "6_not_open", []scenario{
		{name: "one minute early", steps: []turn{
			{clock: "12:59", from: phoneA, text: good, want: "not_open/not_open/not_open"},
			{clock: "13:00", from: phoneA, text: good, want: "accepted/accepted/accepted"}}},
		{name: "wrong code early", steps: []turn{
			{clock: "09:00", from: phoneA, text: "PILBUP 10013550 1 2 3", want: "not_open/not_open/not_open"}}},
	})
}

func TestWrongTPS(t *testing.T) {
	rest := " 145 98 67 310 12 322 322 410 322 2 86 71754"
	run(t, "7_tps", []scenario{
		{name: "the same question in all cases", steps: []turn{
			{clock: "15:00", from: phoneA, text: "PILBUP 10013550" + rest, want: "wrong_tps/wrong_tps/ask_tps"}, // check digits fail
			{clock: "15:01", from: phoneA, text: "PILBUP 10013602" + rest, want: "wrong_tps/wrong_tps/ask_tps"}, // somebody else's
			{clock: "15:02", from: phoneA, text: "PILBUP 1001350" + rest, want: "wrong_tps/wrong_tps/ask_tps"},  // a digit lost
			{clock: "15:03", from: phoneA, text: "PILBUP" + rest, want: "wrong_tps/wrong_tps/ask_tps"}}},        // absent
		{name: "two stations", steps: []turn{
			{clock: "15:00", from: phoneC, text: good, want: "wrong_tps/wrong_tps/ask_code"},
			{clock: "15:01", from: phoneC, text: "PILBUP 10013602 100 50 50 200 5 205 205 308 205 0 103 71168", want: "accepted/accepted/accepted"}}},
		{name: "phone without a station", steps: []turn{
			{clock: "15:00", from: phoneIdle, text: good, want: "wrong_tps/no_station/no_station"}}},
	})
}

func TestStructure(t *testing.T) {
	run(t, "8_structure", []scenario{
		{name: "too few", steps: []turn{{clock: "15:00", from: phoneA, want: "structure/too_few/ask_missing",
			text: "PILBUP 10013505 145 98 310 12 322 322 410 322 2 86 71754"}}},
		{name: "too many", steps: []turn{{clock: "15:00", from: phoneA, want: "structure/too_many/ask_repair",
			text: "PILBUP 10013505 145 98 67 67 310 12 322 322 410 322 2 86 71754"}}},
		{name: "no K", steps: []turn{{clock: "15:00", from: phoneA, want: "structure/no_k/ask_no_k",
			text: "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86"}}},
		{name: "cut off", steps: []turn{{clock: "15:00", from: phoneA, want: "structure/cut_off/cut_off",
			text: "PILBUP 10013505 145 98 67 310 12 322 3"}}},
		{name: "four digits", steps: []turn{{clock: "15:00", from: phoneA, want: "structure/bad_figure/ask_row",
			text: "PILBUP 10013505 1450 98 67 310 12 322 322 410 322 2 86 71754"}}},
		{name: "two tallies", steps: []turn{{clock: "15:00", from: phoneA, want: "structure/two_tallies/two_tallies",
			text: good + " PILGUB 10013505 145 98 67"}}},
		{name: "other script", steps: []turn{{clock: "15:00", from: phoneA, want: "structure/other_script/other_script",
			text: "PILBUP 10013505 145 ९८ 67 310 12 322 322 410 322 2 86 71754"}}},
	})
}

func TestSame(t *testing.T) {
	in := Tally{State: StateIn, Figures: goodFigures(), Proof: "7F3K2", ProofTo: phoneA, At: at("15:42")}
	held := Tally{State: StateHeld, Figures: otherFigures(), At: at("15:50")}
	old := Tally{State: StateSuperseded, Figures: otherFigures(), Proof: "2B4C6", ProofTo: phoneA, At: at("15:30")}
	run(t, "9_same", []scenario{
		{name: "from the phone with the proof", facts: standing(in), steps: []turn{
			{clock: "16:00", from: phoneA, text: good, want: "same/masuk/same_proof"}}},
		{name: "from a colleague", facts: standing(in), steps: []turn{
			{clock: "16:00", from: phoneB, text: good, want: "same/masuk/same"}}},
		{name: "verified", facts: standing(Tally{State: StateVerified, Figures: goodFigures(), At: at("15:42")}), steps: []turn{
			{clock: "16:00", from: phoneA, text: good, want: "same/terverifikasi/same"}}},
		{name: "as a RALAT", facts: standing(in), steps: []turn{
			{clock: "16:00", from: phoneA, text: "RALAT 7F3K2 " + good, want: "same/masuk/same_proof"}}},
		{name: "equals a held one", facts: standing(in, held), steps: []turn{
			{clock: "16:00", from: phoneB, text: goodOther, want: "same/ditahan/same_held"}}},
		{name: "RALAT equals a held one", facts: standing(in, held), steps: []turn{
			{clock: "16:00", from: phoneA, text: "RALAT 7F3K2 " + goodOther, want: taken}}},
		{name: "equals a replaced one", facts: standing(old, in), steps: []turn{
			{clock: "16:00", from: phoneA, text: goodOther, want: "same/digantikan/same_replaced"}}},
		{name: "sent twice", steps: []turn{
			{clock: "15:42", from: phoneA, text: good, want: "accepted/accepted/accepted"},
			{clock: "15:43", from: phoneA, text: good, want: "same/masuk/same_proof"}}},
		{name: "K wrong this time", facts: standing(in), steps: []turn{
			{clock: "16:00", from: phoneA, text: "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86 71745", want: "figures/k/ask_k"}}},
		{name: "equals a rejected one", facts: standing(Tally{State: StateRejected, Figures: goodFigures(), At: at("15:42")}), steps: []turn{
			{clock: "16:00", from: phoneA, text: good, want: "held/rejected/held_rejected"},
			{clock: "16:01", from: phoneA, text: good, want: "same/ditahan/same_held"},
			{clock: "16:02", from: phoneA, text: goodOther, want: "accepted/accepted/accepted"}}},
	})
}

func TestFigures(t *testing.T) {
	run(t, "10_figures", []scenario{
		{name: "a contestant", steps: []turn{{clock: "15:00", from: phoneA, want: "figures/relation/ask_row",
			text: "PILBUP 10013505 145 89 67 310 12 322 322 410 322 2 86 71754"}}},
		{name: "valid votes", steps: []turn{{clock: "15:00", from: phoneA, want: "figures/form/ask_form_row",
			text: "PILBUP 10013505 145 98 67 301 12 322 322 410 322 2 86 71754"}}},
		{name: "ballots used", steps: []turn{{clock: "15:00", from: phoneA, want: "figures/form/ask_form_row",
			text: "PILBUP 10013505 145 98 67 310 12 322 322 410 332 2 86 71754"}}},
		{name: "ballots received", steps: []turn{{clock: "15:00", from: phoneA, want: "figures/form/ask_form_row",
			text: "PILBUP 10013505 145 98 67 310 12 322 322 401 322 2 86 71754"}}},
		{name: "K", steps: []turn{{clock: "15:00", from: phoneA, want: "figures/k/ask_k",
			text: "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86 71745"}}},
		{name: "K of another ballot", steps: []turn{{clock: "15:00", from: phoneA, want: "figures/k_ballot/ask_ballot",
			text: "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86 61754"}}},
		{name: "K of another ballot but wrong", steps: []turn{{clock: "15:00", from: phoneA, want: "figures/k/ask_k",
			text: "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86 61745"}}},
		{name: "two contestants exchanged", steps: []turn{{clock: "15:00", from: phoneA, want: "figures/swap/ask_swap",
			text: "PILBUP 10013505 98 145 67 310 12 322 322 410 322 2 86 71754"}}},
	})
}

func TestHeld(t *testing.T) {
	in := Tally{State: StateIn, Figures: goodFigures(), Proof: "7F3K2", ProofTo: phoneA, At: at("15:42")}
	closedCase := func(f *Facts) {
		standing()(f)
		f.Cases[CaseKey{Station: "7108012001003", Ballot: "PILBUP"}].Closed = true
	}
	run(t, "13_held", []scenario{
		{name: "closed", facts: closedCase, steps: []turn{
			{clock: "16:00", from: phoneA, text: good, want: "held/closed/held_closed"}}},
		{name: "conflict", facts: standing(in), steps: []turn{
			{clock: "16:00", from: phoneA, text: goodOther, want: "conflict/conflict/conflict_proof"}}},
		{name: "conflict from a colleague", facts: standing(in), steps: []turn{
			{clock: "16:00", from: phoneB, text: goodOther, want: "conflict/conflict/conflict"}}},
		{name: "conflict with a verified one", facts: standing(Tally{State: StateVerified, Figures: goodFigures()}), steps: []turn{
			{clock: "16:00", from: phoneB, text: goodOther, want: "conflict/conflict/conflict"}}},
	})
}

func TestAccepted(t *testing.T) {
	dpd := "DPD 10013505 12 3 0 45 7 1 0 22 9 4 31 0 2 6 18 5 0 11 176 72 248 248 410 248 0 162 202715"
	run(t, "15_accepted", []scenario{
		{name: "plain", steps: []turn{{clock: "15:42", from: phoneA, text: good, want: "accepted/accepted/accepted"}}},
		{name: "short form", steps: []turn{{clock: "15:42", from: phoneA, text: "PILWALI 10013505 203 150 353 9 362 80918", want: "accepted/accepted/accepted"}}},
		{name: "too many contestants for a receipt", steps: []turn{{clock: "15:42", from: phoneA, text: dpd, want: "accepted/accepted/accepted"}}},
		{name: "both ballots", steps: []turn{
			{clock: "15:42", from: phoneA, text: good, want: "accepted/accepted/accepted"},
			{clock: "15:44", from: phoneA, text: "PILGUB 10013505 145 98 67 310 12 322 322 410 322 2 86 61754", want: "accepted/accepted/accepted"}}},
		{name: "RALAT of nothing", steps: []turn{{clock: "15:42", from: phoneA, text: "RALAT 7F3K2 " + good, want: "accepted/accepted/accepted"}}},
		{name: "after the closing", steps: []turn{{clock: "23:01", from: phoneA, text: good, want: "accepted/accepted/accepted"}}},
		{name: "answered meanwhile", steps: []turn{
			{clock: "15:42", from: phoneA, text: good, want: "accepted/accepted/accepted",
				edit: func(m *Message) { m.Interim = KindInterim }},
			{clock: "15:43", from: phoneA, text: "PILGUB 10013505 1 2 3", want: "structure/cut_off/-",
				edit: func(m *Message) { m.Interim = KindCutOff }}}},
	})
}

func TestKnown(t *testing.T) {
	p, f := testProfile(t), testFacts(t)
	m := message(1, phoneA, good, at("15:00"))
	f.Apply(m, Decide(p, m, nil, f))
	v := Decide(p, m, nil, f)
	if v.Outcome != OutcomeKnown || v.Entry != nil || v.Reply != nil || v.Quarantine {
		t.Errorf("Decide of a known message = %+v, want known and nothing else", v)
	}
	if v.Phone != phoneA {
		t.Errorf("Phone = %q, want %q", v.Phone, phoneA)
	}
}

func TestReceiptTimeInZone(t *testing.T) {
	p, f := testProfile(t), testFacts(t)
	m := message(1, phoneA, good, at("15:42").In(time.UTC))
	f.Apply(m, Decide(p, m, nil, f))
	v := Decide(p, message(2, phoneA, good, at("15:43")), nil, f)
	want := "Laporan PILBUP TPS 10013505 yang sama sudah kami terima 15:42 WITA, bukti 7F001, menunggu verifikator. Tidak perlu kirim lagi."
	if v.Reply == nil || v.Reply.Text != want {
		t.Errorf("reply = %+v, want %q", v.Reply, want)
	}
}

func TestReportGivenEqualsParsedHere(t *testing.T) {
	p, f := testProfile(t), testFacts(t)
	m := message(1, phoneA, good, at("15:42"))
	rep := parser.Parse(p, m.Text)
	given, here := Decide(p, m, &rep, f), Decide(p, m, nil, f)
	if summary(given) != summary(here) || given.Reply.Text != here.Reply.Text {
		t.Errorf("Decide with a report = %s %q, want as without: %s %q", summary(given), given.Reply.Text, summary(here), here.Reply.Text)
	}
}

// A station without a code in the registry takes no tally that has none.
func TestStationWithoutCode(t *testing.T) {
	t.Parallel()
	f := testFacts(t)
	f.Officers[phoneA] = &Officer{Phone: phoneA, Stations: []Station{{Code: "7108012001009", Village: "Boroko", Number: 9}}}
	v := Decide(testProfile(t), message(1, phoneA, strings.Replace(good, " 10013505", "", 1), at("15:00")), nil, f)
	if v.Outcome != OutcomeWrongTPS || v.Entry != nil {
		t.Errorf("Decide = %s with entry %v, want wrong_tps and none", summary(v), v.Entry)
	}
}
