package verify

import "testing"

// The slips of the conversations, each of a good form.
const (
	slipRow     = "PILBUP 10013505 145 89 67 310 12 322 322 410 322 2 86 71754"
	slipRowGub  = "PILGUB 10013505 145 89 67 310 12 322 322 410 322 2 86 61754"
	slipValid   = "PILBUP 10013505 145 98 67 301 12 322 322 410 322 2 86 71754"
	slipSwap    = "PILBUP 10013505 98 145 67 310 12 322 322 410 322 2 86 71754"
	slipCheck   = "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86 71745"
	slipBallot  = "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86 61754"
	slipDoubled = "PILBUP 10013505 145 98 67 67 310 12 322 322 410 322 2 86 71754"
	slipOmitted = "PILBUP 10013505 145 98 310 12 322 322 410 322 2 86 71754"
	slipTPS     = "PILBUP 10013550 145 98 67 310 12 322 322 410 322 2 86 71754"
	slipNoK     = "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86"
	// Two contestants with ten votes between them, exchanged: the right K is one
	// digit away, so K is asked about before the rows.
	slipNear = "PILBUP 10013505 98 108 67 273 12 285 285 410 285 2 123 71569"

	taken = "accepted/accepted/accepted"
)

// says is one SMS of Ani's.
func says(clock, text, want string) turn {
	return turn{clock: clock, from: phoneA, text: text, want: want}
}

func TestRowIsAskedAbout(t *testing.T) {
	run(t, "4_row", []scenario{
		{name: "as offered", steps: []turn{
			says("15:00", slipRow, "figures/relation/ask_row"), says("15:04", "2=98", taken), says("15:05", "2=98", "no_question/no_question/no_question")}},
		{name: "with the keyword, spaces and thanks", steps: []turn{
			says("15:00", slipRow, "figures/relation/ask_row"), says("15:04", "pilbup 2 98 pak", taken)}},
		{name: "wrong answers change nothing", steps: []turn{
			says("15:00", slipRow, "figures/relation/ask_row"),
			says("15:01", "2=97", "figures/repeated/ask_row"),
			says("15:02", "4=98", "figures/repeated/ask_row"),
			says("15:03", "YA", "no_question/not_fitting/not_fitting"),
			says("15:04", "FORM", "no_question/not_fitting/not_fitting"),
			says("15:05", "PILGUB 2=98", "no_question/not_fitting/not_fitting"),
			says("15:06", "terima kasih pak", "courtesy/courtesy/ask_row"),
			says("15:07", "2=98", taken),
			says("15:08", "terima kasih pak", "courtesy/courtesy/-")}},
		{name: "with a K that is as wrong", steps: []turn{
			says("15:00", slipRow, "figures/relation/ask_row"),
			says("15:01", "2=98 K 71745", "figures/repeated/ask_row"),
			says("15:02", "2=98 K 71754", taken)}},
		{name: "K alone is a new case", steps: []turn{
			says("15:00", slipRow, "figures/relation/ask_row"),
			says("15:01", "K 71700", "figures/relation/relation"),
			says("15:02", "2=98", taken)}},
		{name: "from another phone", steps: []turn{
			says("15:00", slipRow, "figures/relation/ask_row"),
			{clock: "15:01", from: phoneB, text: "2=98", want: "no_question/no_question/no_question"}}},
		{name: "a digit too many", steps: []turn{
			says("15:00", "PILBUP 10013505 1450 98 67 310 12 322 322 410 322 2 86 71754", "structure/bad_figure/ask_row"),
			says("15:01", "1=145", taken)}},
	})
}

func TestFormIsAnAnswer(t *testing.T) {
	run(t, "11_form", []scenario{
		{name: "the row", steps: []turn{
			says("15:00", slipValid, "figures/form/ask_form_row"), says("15:04", "S=310", taken)}},
		{name: "as on the form", steps: []turn{
			says("15:00", slipValid, "figures/form/ask_form_row"),
			says("15:04", "FORM", "accepted/form/recorded"),
			says("15:05", slipValid, "same/masuk/same_proof"),
			says("15:06", good, "conflict/conflict/conflict_proof")}},
		{name: "no single row explains it", steps: []turn{
			says("15:00", "PILBUP 10013505 145 98 67 301 12 313 322 410 322 2 86 71754", "figures/form/ask_form"),
			says("15:04", "PILBUP FORM", "accepted/form/recorded")}},
		{name: "never without the question", steps: []turn{
			says("15:00", "FORM", "no_question/no_question/no_question"),
			says("15:01", slipValid+" FORM", "figures/form/ask_form_row"),
			says("16:02", "FORM", "no_question/no_question/no_question")}},
		{name: "K is never excused", steps: []turn{
			says("15:00", slipValid, "figures/form/ask_form_row"),
			says("15:01", "K 71745", "figures/relation/relation"),
			says("15:02", "FORM", "accepted/form/recorded")}},
	})
}

func TestKIsAskedAbout(t *testing.T) {
	run(t, "10_k", []scenario{
		{name: "computed again", steps: []turn{
			says("15:00", slipCheck, "figures/k/ask_k"), says("15:04", "K 71754", taken)}},
		{name: "without its letter", steps: []turn{
			says("15:00", slipCheck, "figures/k/ask_k"), says("15:04", "71754", taken)}},
		{name: "a row was wrong too", steps: []turn{
			says("15:00", slipCheck, "figures/k/ask_k"), says("15:04", "1=143 2=100 K 71752", taken)}},
		{name: "still missing", steps: []turn{
			says("15:00", slipNoK, "structure/no_k/ask_no_k"),
			says("15:01", "2=98", "no_question/not_fitting/not_fitting"),
			says("15:02", "K 71745", "figures/k/ask_k"),
			says("15:06", "K 71754", taken)}},
		{name: "exchanged rows", steps: []turn{
			says("15:00", slipSwap, "figures/swap/ask_swap"),
			says("15:01", "1=145", "figures/repeated/ask_swap"),
			says("15:02", "1=145 2=98", taken)}},
		{name: "rows were right, K was not", steps: []turn{
			says("15:00", slipSwap, "figures/swap/ask_swap"),
			says("15:01", "K 71707", taken)}},
		{name: "a second time", steps: []turn{
			says("15:00", slipNear, "figures/k/ask_k"),
			{clock: "15:02", from: phoneA, text: slipNear, want: "figures/k/ask_k"},
			{clock: "15:09", from: phoneA, text: slipNear, want: "figures/k/ask_k", edit: func(m *Message) { m.SentAt = at("15:00") }},
			says("15:10", "K 71569", "figures/swap/ask_swap"),
			says("15:11", "1=108 2=98", taken)}},
		{name: "a second time by an answer", steps: []turn{
			says("15:00", slipNear, "figures/k/ask_k"),
			says("15:03", "K 71569", "figures/k/ask_k"),
			says("15:04", "K 71569", "figures/swap/ask_swap"),
			says("15:05", "1=108 2=98", taken)}},
		{name: "another K is asked about anew", steps: []turn{
			says("15:00", slipNear, "figures/k/ask_k"),
			says("15:04", "K 71596", "figures/k/ask_k"),
			says("15:05", "K 71569", "figures/k/ask_k")}},
		{name: "the other ballot", steps: []turn{
			says("15:00", slipBallot, "figures/k_ballot/ask_ballot"), says("15:04", "PILGUB", taken)}},
		{name: "the ballot as typed", steps: []turn{
			says("15:00", slipBallot, "figures/k_ballot/ask_ballot"),
			says("15:01", "PILWALI", "no_question/not_fitting/not_fitting"),
			says("15:04", "PILBUP", taken)}},
	})
}

func TestStructureIsAskedAbout(t *testing.T) {
	run(t, "8_ask", []scenario{
		{name: "typed twice", steps: []turn{
			says("15:00", slipDoubled, "structure/too_many/ask_repair"), says("15:04", "YA", taken)}},
		{name: "left out", steps: []turn{
			says("15:00", slipOmitted, "structure/too_few/ask_missing"),
			says("15:01", "YA", "no_question/not_fitting/not_fitting"),
			says("15:02", "3=76", "figures/repeated/ask_missing"),
			says("15:04", "3=67", taken)}},
		{name: "left out, the first", steps: []turn{
			says("15:00", "PILBUP 10013505 98 67 310 12 322 322 410 322 2 86 71754", "structure/too_few/ask_missing"),
			says("15:04", "1=145", taken)}},
		{name: "left out, a labelled one", steps: []turn{
			says("15:00", "PILBUP 10013505 145 98 67 12 322 322 410 322 2 86 71754", "structure/too_few/ask_missing"),
			says("15:04", "S 310", taken)}},
		{name: "run together", steps: []turn{
			says("15:00", "PILBUP 10013505 14598 67 310 12 322 322 410 322 2 86 71754", "structure/bad_figure/ask_repair"),
			says("15:04", "YA", taken)}},
		{name: "torn", steps: []turn{
			says("15:00", "PILBUP 10013505 145 98 67 3 10 12 322 322 410 322 2 86 71754", "structure/too_many/ask_repair"),
			says("15:04", "ya pak", taken)}},
		{name: "K run together", steps: []turn{
			says("15:00", "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 8671754", "structure/bad_figure/ask_repair"),
			says("15:04", "PILBUP YA", taken)}},
		{name: "K in two", steps: []turn{
			says("15:00", "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86 7175 4", "structure/no_k/ask_repair"),
			says("15:04", "YA", taken)}},
		{name: "a word that is no number", steps: []turn{
			says("15:00", "PILBUP 10013505 145 9x 67 310 12 322 322 410 322 2 86 71754", "structure/bad_figure/bad_word"),
			says("15:04", "2=98", "no_question/no_question/no_question")}},
		{name: "another ballot's rows", steps: []turn{
			says("15:00", "DPD 10013505 145 98 67 310 12 322 322 410 322 2 86 71754", "structure/other_ballot/ask_fits"),
			says("15:01", "DPD", "structure/too_few/too_few"),
			says("15:02", "PILBUP", taken)}},
		{name: "what must be sent again leaves it open", steps: []turn{
			says("15:00", slipDoubled, "structure/too_many/ask_repair"),
			says("15:01", "PILBUP 10013505 145 98", "structure/cut_off/cut_off"),
			says("15:02", "YA", taken)}},
		{name: "a new tally closes it", steps: []turn{
			says("15:00", slipDoubled, "structure/too_many/ask_repair"), says("15:01", good, taken),
			says("15:02", "YA", "no_question/no_question/no_question")}},
		{name: "a new question takes its place", steps: []turn{
			says("15:00", slipDoubled, "structure/too_many/ask_repair"), says("15:01", slipRow, "figures/relation/ask_row"),
			says("15:02", "YA", "no_question/not_fitting/not_fitting"), says("15:03", "2=98", taken)}},
	})
}

func TestTPSIsAskedAbout(t *testing.T) {
	run(t, "7_ask", []scenario{
		{name: "yes", steps: []turn{
			says("15:00", slipTPS, "wrong_tps/wrong_tps/ask_tps"), says("15:04", "YA", taken)}},
		{name: "the code again", steps: []turn{
			says("15:00", slipTPS, "wrong_tps/wrong_tps/ask_tps"),
			says("15:01", "KODE 10013602", "figures/repeated/ask_tps"),
			says("15:02", "KODE 1001350", "figures/repeated/ask_tps"),
			says("15:04", "KODE 10013505", taken)}},
		{name: "no code at all", steps: []turn{
			says("15:00", "PILBUP 145 98 67 310 12 322 322 410 322 2 86 71754", "wrong_tps/wrong_tps/ask_tps"), says("15:04", "ya", taken)}},
		{name: "and a row is wrong", steps: []turn{
			says("15:00", "PILBUP 10013550 145 89 67 310 12 322 322 410 322 2 86 71754", "wrong_tps/wrong_tps/ask_tps"),
			says("15:01", "YA", "figures/relation/ask_row"),
			says("15:02", "2=98", taken)}},
		{name: "and a row is left out", steps: []turn{
			says("15:00", "PILBUP 10013550 145 67 310 12 322 322 410 322 2 86 71754", "wrong_tps/wrong_tps/ask_tps"),
			says("15:01", "YA", "structure/too_few/ask_missing"),
			says("15:02", "2=98", taken)}},
		{name: "of two stations", steps: []turn{
			{clock: "15:00", from: phoneC, text: "PILBUP 10013550 100 50 50 200 5 205 205 308 205 0 103 71168", want: "wrong_tps/wrong_tps/ask_code"},
			{clock: "15:01", from: phoneC, text: "YA", want: "no_question/not_fitting/not_fitting"},
			{clock: "15:02", from: phoneC, text: "KODE 10013602", want: taken}}},
	})
}

func TestSeveralQuestions(t *testing.T) {
	run(t, "4_several", []scenario{
		{name: "which ballot", steps: []turn{
			says("15:00", slipRow, "figures/relation/ask_row"),
			says("15:01", slipRowGub, "figures/relation/ask_row"),
			says("15:02", "2=98", "no_question/which_ballot/which_ballot"),
			says("15:03", "PILGUB 2=98", taken),
			says("15:04", "2=98", taken)}},
		{name: "one admits it", steps: []turn{
			says("15:00", slipRow, "figures/relation/ask_row"),
			says("15:01", "PILGUB 10013505 145 98 67 67 310 12 322 322 410 322 2 86 61754", "structure/too_many/ask_repair"),
			says("15:02", "YA", taken),
			says("15:03", "2=98", taken)}},
		{name: "an answer to an earlier one delivered late", steps: []turn{
			says("15:10", slipDoubled, "structure/too_many/ask_repair"),
			says("15:06", "YA", "no_question/not_fitting/not_fitting"),
			says("15:11", "YA", taken)}},
		{name: "of two stations", steps: []turn{
			{clock: "15:00", from: phoneC, text: "PILBUP 10013602 100 60 50 200 5 205 205 308 205 0 103 71168", want: "figures/relation/ask_row"},
			{clock: "15:01", from: phoneC, text: "PILBUP 10013796 100 50 50 200 5 205 205 308 205 0 103 71168", want: taken},
			{clock: "15:02", from: phoneC, text: "2=50", want: taken}}},
		{name: "they lapse", steps: []turn{
			says("15:00", slipRow, "figures/relation/ask_row"),
			says("15:01", slipRowGub, "figures/relation/ask_row"),
			says("16:00", "2=98", taken),
			says("16:01", "2=98", "no_question/no_question/no_question"),
			says("16:02", "makasih", "courtesy/courtesy/-")}},
		{name: "the other ballot settles both", steps: []turn{
			says("15:00", slipRowGub, "figures/relation/ask_row"),
			says("15:01", slipBallot, "figures/k_ballot/ask_ballot"),
			says("15:02", "PILGUB", taken),
			says("15:03", "2=98", "no_question/no_question/no_question")}},
	})
}
