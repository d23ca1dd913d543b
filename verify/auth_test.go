package verify

import (
	"fmt"
	"strings"
	"testing"

	"tali/parser"
)

// regencyKey is the key of the tests; the cards derive from it.
func regencyKey() []byte { return []byte("kunci uji, bukan kunci sungguhan") }

func authProfile(t testing.TB, mode parser.AuthMode) *parser.Profile {
	t.Helper()
	p := *testProfile(t)
	p.Auth = mode
	built, err := parser.NewProfile(p)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// cardOf is the card of a station, 3 for Boroko, 1 for Kuala.
func cardOf(number, generation int) parser.StationID {
	return parser.StationID{
		Election: "uji-2024", Round: 1, Code: fmt.Sprintf("7108012001%03d", number), Generation: generation,
	}
}

// tan is one-time code i of Boroko's first card, from 1.
func tan(i int) string { return parser.TANs(regencyKey(), cardOf(3, 1), parser.TANsPerCard)[i-1] }

// signed is a tally with the A2 of that card behind it.
func signed(text string, id parser.StationID) string {
	return text + " " + signature(text, id)
}

// signature is the A2 of a tally.
func signature(text string, id parser.StationID) string { return signatureIn(reading(), text, id) }

func signatureIn(p *parser.Profile, text string, id parser.StationID) string {
	rep := parser.Parse(p, text)
	last := parser.FirstReport
	if rep.Ralat {
		last = rep.Proof
	}
	return parser.SignA2(parser.StationKey(regencyKey(), id), parser.Canonical(rep.Ballot, rep.TPS, rep.Figures, last))
}

// reading is a profile to read good tallies with.
func reading() *parser.Profile {
	p, err := parser.NewProfile(parser.Profile{
		ID: "uji-2024", Name: "Uji", Version: 1, Phase: parser.PhaseRehearsal, Round: 1, Regency: "7108", Auth: parser.AuthAccepted,
		Zone: zone, ZoneTag: "WITA", Opens: at("13:00"), Closes: at("23:00"),
		Ballots: []*parser.Ballot{
			ballot('6', "PILGUB", parser.FormFull, "calon", 3), ballot('7', "PILBUP", parser.FormFull, "calon", 3),
			ballot('8', "PILWALI", parser.FormShort, "calon", 2), ballot('2', "DPD", parser.FormFull, "calon", 18),
		},
	})
	if err != nil {
		panic(err)
	}
	return p
}

// boroko signs with the first card of Boroko.
func boroko(text string) string { return signed(text, cardOf(3, 1)) }

// newCard gives Boroko another card.
func newCard(f *Facts) {
	for _, phone := range []string{phoneA, phoneB} {
		o := *f.Officers[phone]
		o.Stations = append([]Station{}, o.Stations...)
		o.Stations[0].Generation = 2
		f.Officers[phone] = &o
	}
}

// budi is one SMS of Ani's colleague at the same station.
func budi(clock, text, want string) turn {
	return turn{clock: clock, from: phoneB, text: text, want: want}
}

const (
	goodGub = "PILGUB 10013505 145 98 67 310 12 322 322 410 322 2 86 61754"

	noCode    = "unproven/auth_missing/ask_auth"
	wrongCode = "unproven/auth_wrong/ask_auth_again"
	outOfLuck = "unproven/auth_wrong/ask_auth_call"
)

// wrongCodes are n different wrong ones, one a minute.
func wrongCodes(n int, text string) []turn {
	var out []turn
	for i := range n {
		want := wrongCode
		if i >= mostWrongCodes-1 {
			want = outOfLuck
		}
		out = append(out, says(fmt.Sprintf("15:1%d", i), fmt.Sprintf("%s 2222%d2", text, i), want))
	}
	return out
}

func TestACodeIsRequired(t *testing.T) {
	run(t, "12_required", with(parser.AuthRequired, []scenario{
		{name: "code of the page", steps: []turn{says("15:00", boroko(good), taken)}},
		{name: "code of the card", steps: []turn{says("15:00", good+" "+tan(3), taken)}},
		{name: "typed leniently", steps: []turn{
			says("15:00", good+" a "+strings.NewReplacer("0", "o", "1", "l").Replace(strings.ToLower(tan(2)))+" trims", taken)}},
		{name: "missing and told", steps: []turn{
			says("15:00", good, noCode), says("15:02", "A "+tan(1), taken), says("15:03", "A "+tan(2), "no_question/no_question/no_question")}},
		{name: "missing and told by the page", steps: []turn{
			says("15:00", good, noCode), says("15:01", "makasih bu", "courtesy/courtesy/ask_auth"), says("15:02", "a"+signature(good, cardOf(3, 1)), taken)}},
		{name: "missing while the centre was away", steps: []turn{
			{clock: "15:00", from: phoneA, text: good, want: noCode, edit: func(m *Message) { m.Interim = KindInterim }}, says("15:02", "A "+tan(1), taken)}},
		{name: "wrong and told", steps: []turn{
			says("15:00", good+" 22222222", wrongCode), says("15:01", "A 33333333", wrongCode), says("15:02", "A 33333333", wrongCode),
			says("15:03", "A "+tan(1), taken)}},
		{name: "code of other figures", steps: []turn{
			says("15:00", goodOther+" "+signature(good, cardOf(3, 1)), wrongCode), says("15:01", boroko(good), taken)}},
		{name: "code of another station", steps: []turn{
			says("15:00", signed(good, cardOf(1, 1)), wrongCode),
			says("15:01", good+" "+parser.TANs(regencyKey(), cardOf(1, 1), 1)[0], wrongCode)}},
		{name: "the next one takes its place", steps: []turn{
			says("15:00", good, noCode), says("15:01", goodOther, noCode), says("15:02", "A "+tan(1), taken),
			says("15:03", "STATUS", "service/status/status")}},
		{name: "never a conflict", steps: []turn{
			says("15:00", boroko(good), taken), budi("15:01", goodOther, noCode), budi("15:02", goodOther+" 222222", wrongCode),
			budi("15:03", boroko(goodOther), "conflict/conflict/conflict")}},
		{name: "the same again needs none", steps: []turn{
			says("15:00", boroko(good), taken), says("15:01", good, "same/masuk/same_proof"), budi("15:02", good, "same/masuk/same")}},
		{name: "of two ballots", steps: []turn{
			says("15:00", good, noCode), says("15:01", goodGub, noCode), says("15:02", "A "+tan(1), "no_question/which_ballot/which_ballot"),
			says("15:03", "GUB A "+tan(1), "unreadable/no_keyword/no_keyword"), says("15:04", "PILGUB A "+tan(1), taken), says("15:05", "A "+tan(2), taken)}},
		{name: "another answer does not fit", steps: []turn{
			says("15:00", good, noCode), says("15:01", "2=98", "no_question/not_fitting/not_fitting"),
			says("15:02", "K 71754", "no_question/not_fitting/not_fitting"), says("15:03", "A "+tan(1), taken)}},
		{name: "it lapses", steps: []turn{
			says("15:00", good, noCode), says("16:00", "A "+tan(1), "no_question/no_question/no_question"), says("16:01", good+" "+tan(1), taken)}},
		{name: "recorded as on the form", steps: []turn{
			says("15:00", slipValid, "figures/form/ask_form_row"), says("15:01", "FORM", noCode),
			says("15:02", "A 222222", wrongCode), says("15:03", "A "+tan(1), "accepted/form/recorded"),
			says("15:04", slipValid+" 333333", "same/auth_wrong/ask_auth_again"), says("15:05", "A "+tan(1), "same/masuk/same_proof")}},
		{name: "closed by the staff", facts: func(f *Facts) { f.Cases[CaseKey{"7108012001003", "PILBUP"}] = &Case{Closed: true, Version: 1} }, steps: []turn{
			says("15:00", good, noCode), says("15:01", boroko(good), "held/closed/held_closed")}},
		{name: "rejected before", facts: standing(Tally{State: StateRejected, Figures: goodFigures(), At: at("14:00")}), steps: []turn{
			says("15:00", good, noCode), says("15:01", good+" 222222", wrongCode), says("15:02", boroko(good), "held/rejected/held_rejected")}},
	}))
}

func TestACodeIsAccepted(t *testing.T) {
	run(t, "12_accepted", with(parser.AuthAccepted, []scenario{
		{name: "without", steps: []turn{says("15:00", good, taken)}},
		{name: "with", steps: []turn{says("15:00", boroko(good), taken)}},
		{name: "wrong", steps: []turn{says("15:00", good+" 222222", wrongCode), says("15:01", good, taken)}},
		{name: "a signature is none", steps: []turn{says("15:00", good+" KPPS03 RAHMAN", taken)}},
		{name: "raised later", steps: []turn{
			says("15:00", good, taken), says("15:01", good+" "+tan(1), "same/masuk/same_proof"),
			budi("15:02", boroko(good), "same/masuk/same"), says("15:03", "RALAT 7F001 "+goodOther, "conflict/ralat_assurance/held_ralat")}},
		{name: "out of tries", steps: append(wrongCodes(5, good),
			says("15:20", good, "unproven/auth_tries/ask_auth_call"), budi("15:21", goodGub, "unproven/auth_tries/ask_auth_call"),
			says("15:22", boroko(good), taken), budi("15:23", "A "+tan(1), taken))},
	}))
}

func TestCodesAreOff(t *testing.T) {
	run(t, "12_off", []scenario{
		{name: "is no A", steps: []turn{says("15:00", good+" 222222", taken), says("15:01", "A 22222222", "unreadable/no_keyword/no_keyword")}},
	})
}

func TestTriesOfACard(t *testing.T) {
	same := func(clock, text string) turn { return says(clock, text+" 222222", "same/auth_wrong/ask_auth_again") }
	run(t, "12_tries", with(parser.AuthRequired, []scenario{
		{name: "five wrong ones", steps: append(wrongCodes(7, good),
			says("15:20", good, "unproven/auth_missing/ask_auth_call"), says("15:21", boroko(good), taken))},
		{name: "of the whole station", steps: append(wrongCodes(4, good),
			budi("15:20", goodGub+" 333333", outOfLuck), budi("15:21", goodGub+" "+tan(1), taken))},
		{name: "the same one counts once", steps: []turn{
			says("15:00", good+" 222222", wrongCode), says("15:01", goodOther+" 222222", wrongCode), says("15:02", goodGub+" 222222", wrongCode),
			says("15:03", good+" 222223", wrongCode)}},
		{name: "figures cost none", steps: []turn{
			says("15:00", slipRow+" 222222", "figures/relation/ask_row"), says("15:01", slipCheck+" 222223", "figures/k/ask_k"),
			says("15:02", slipDoubled+" 222224", "structure/too_many/ask_repair"), says("15:03", slipTPS+" 222225", "wrong_tps/wrong_tps/ask_tps"),
			says("15:04", good+" 222226", wrongCode)}},
		{name: "of a tally that is known", steps: []turn{
			says("15:00", boroko(good), taken), same("15:01", good), same("15:02", good),
			says("15:03", "A "+tan(1), "same/masuk/same_proof")}},
		{name: "a new card begins anew", facts: func(f *Facts) {
			newCard(f)
			for i := range 5 {
				f.Card("7108012001003").Wrong[CardCode{1, fmt.Sprintf("22222%d", i)}] = true
			}
		}, steps: []turn{
			says("15:00", good, noCode), says("15:01", good+" 222222", wrongCode), says("15:02", signed(good, cardOf(3, 2)), taken)}},
	}))
}

func TestCarriedThroughQuestions(t *testing.T) {
	code := " " + signature(good, cardOf(3, 1))
	run(t, "12_carried", with(parser.AuthRequired, []scenario{
		{name: "a row", steps: []turn{says("15:00", slipRow+code, "figures/relation/ask_row"), says("15:01", "2=98", taken)}},
		{name: "K", steps: []turn{says("15:00", slipCheck+" "+tan(1), "figures/k/ask_k"), says("15:01", "K 71754", taken)}},
		{name: "a repair", steps: []turn{says("15:00", slipDoubled+code, "structure/too_many/ask_repair"), says("15:01", "YA", taken)}},
		{name: "the TPS", steps: []turn{says("15:00", slipTPS+" A"+code, "wrong_tps/wrong_tps/ask_tps"), says("15:01", "YA", taken)}},
		{name: "the ballot", steps: []turn{says("15:00", slipBallot+" "+tan(1), "figures/k_ballot/ask_ballot"), says("15:01", "PILGUB", taken)}},
		{name: "other figures than it signs", steps: []turn{
			says("15:00", "PILBUP 10013505 145 89 67 310 12 322 322 410 322 2 86 71754 222222", "figures/relation/ask_row"), says("15:01", "2=98", wrongCode)}},
	}))
}

func TestOneTime(t *testing.T) {
	first := says("15:00", good+" "+tan(1), taken)
	run(t, "12_one_time", with(parser.AuthRequired, []scenario{
		{name: "right again for the same tally", steps: []turn{
			first, says("15:01", good+" "+tan(1), "same/masuk/same_proof"), budi("15:02", good+" "+tan(1), "same/masuk/same")}},
		{name: "wrong for another", steps: []turn{
			first, says("15:01", goodGub+" "+tan(1), wrongCode), budi("15:02", goodOther+" "+tan(1), wrongCode), says("15:03", goodGub+" "+tan(2), taken)}},
		{name: "wrong for a correction back", steps: []turn{
			first, says("15:01", "RALAT 7F001 "+goodOther+" "+tan(2), taken), says("15:02", good+" "+tan(1), "same/digantikan/same_replaced"),
			says("15:03", "RALAT 7F002 "+good+" "+tan(1), wrongCode), says("15:04", "A "+tan(3), taken),
			says("15:05", good+" "+tan(1), "same/masuk/same_proof")}},
		{name: "right again for what was rejected", facts: func(f *Facts) {
			standing(Tally{State: StateRejected, Figures: goodFigures(), At: at("14:00"), Assurance: AssuranceA1})(f)
			f.Card("7108012001003").Spent[CardCode{1, tan(1)}] = Spent{"PILBUP", 1}
		}, steps: []turn{
			says("15:00", goodOther+" "+tan(1), wrongCode), says("15:01", good+" "+tan(1), "held/rejected/held_rejected")}},
		{name: "spent by what was held", steps: []turn{
			first, says("15:01", goodOther+" "+tan(2), "conflict/conflict/conflict_proof"),
			says("15:02", goodOther+" "+tan(2), "same/ditahan/same_held"), says("15:03", goodGub+" "+tan(2), wrongCode)}},
		{name: "not spent by a slip", steps: []turn{
			says("15:00", slipRow+" "+tan(1), "figures/relation/ask_row"), says("15:01", goodGub+" "+tan(1), taken),
			says("15:02", "2=98", wrongCode), says("15:03", "A "+tan(2), taken)}},
		{name: "of the card before", facts: newCard, steps: []turn{
			says("15:00", good+" "+tan(1), wrongCode), says("15:01", boroko(good), wrongCode), says("15:02", signed(good, cardOf(3, 2)), taken)}},
		{name: "spent before the card was issued again", facts: func(f *Facts) {
			standing(Tally{State: StateIn, Figures: goodFigures(), Proof: "7F3K2", ProofTo: phoneA, At: at("14:00"), Assurance: AssuranceA1})(f)
			newCard(f)
			f.Card("7108012001003").Spent[CardCode{1, tan(1)}] = Spent{"PILBUP", 1}
		}, steps: []turn{
			says("15:00", good+" "+tan(1), "same/masuk/same_proof"), says("15:01", good+" "+tan(2), "same/auth_wrong/ask_auth_again")}},
	}))
}

func TestPrecedenceByProof(t *testing.T) {
	stands := func(a Assurance) func(*Facts) {
		return standing(Tally{State: StateIn, Figures: goodFigures(), Proof: "7F3K2", ProofTo: phoneA, At: at("14:00"), Assurance: a})
	}
	const ralat, weaker = "RALAT 7F3K2 " + goodOther, "conflict/ralat_assurance/held_ralat"
	run(t, "14_precedence", with(parser.AuthAccepted, []scenario{
		{name: "A0 for A0", facts: stands(AssuranceA0), steps: []turn{says("15:00", ralat, taken)}},
		{name: "A0 for A1", facts: stands(AssuranceA1), steps: []turn{says("15:00", ralat, weaker)}},
		{name: "A1 for A1", facts: stands(AssuranceA1), steps: []turn{says("15:00", ralat+" "+tan(1), taken)}},
		{name: "A1 for A2", facts: stands(AssuranceA2), steps: []turn{says("15:00", ralat+" "+tan(1), weaker)}},
		{name: "A2 for A1", facts: stands(AssuranceA1), steps: []turn{says("15:00", boroko(ralat), taken)}},
		{name: "A2 for A2", facts: stands(AssuranceA2), steps: []turn{says("15:00", boroko(ralat), taken)}},
		{name: "A2 of a first report", facts: stands(AssuranceA1), steps: []turn{
			says("15:00", ralat+" "+signature(goodOther, cardOf(3, 1)), wrongCode)}},
		{name: "A2 of another receipt", facts: stands(AssuranceA1), steps: []turn{
			says("15:00", ralat+" "+signature("RALAT 7F3K3 "+goodOther, cardOf(3, 1)), wrongCode)}},
		{name: "without its code", facts: stands(AssuranceA1), steps: []turn{
			says("15:00", boroko(goodOther), "conflict/conflict/conflict_proof"), says("15:01", "RALAT "+goodThird+" "+signature(goodThird, cardOf(3, 1)), "conflict/ralat_no_proof/held_ralat")}},
	}))
}

// Nothing is read of A before the opening, and no try is counted.
func TestNotOpenReadsNoCode(t *testing.T) {
	run(t, "6_not_open_with_A", with(parser.AuthRequired, []scenario{
		{name: "none", steps: []turn{says("12:58", good, "not_open/not_open/not_open")}},
		{name: "wrong and right", steps: []turn{
			says("12:58", good+" 222222", "not_open/not_open/not_open"), says("12:59", good+" "+tan(1), "not_open/not_open/not_open"), says("13:00", good+" "+tan(1), taken)}},
	}))
}

func with(mode parser.AuthMode, scenarios []scenario) []scenario {
	for i := range scenarios {
		scenarios[i].auth = mode
	}
	return scenarios
}
