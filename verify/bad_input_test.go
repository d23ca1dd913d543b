package verify

import (
	"fmt"
	"strings"
	"testing"
)

// What officers and strangers really send, each with the answer they get.
func TestBadInput(t *testing.T) {
	long := "PILBUP 10013505" + strings.Repeat(" hasil TPS kami adalah sebagai berikut:", 35) + " 145 98 67" // 10 parts of 153
	if parts := (len(long) + 152) / 153; parts != 10 {
		t.Fatalf("the long SMS has %d parts, want 10", parts)
	}
	run(t, "bad", []scenario{
		{name: "figure of 1000", steps: []turn{
			says("15:00", "PILBUP 10013505 1000 98 67 310 12 322 322 410 322 2 86 71754", "structure/bad_figure/bad_word")}},
		{name: "empty field", steps: []turn{
			says("15:00", "PILBUP#10013505#145#98##310#12#322#322#410#322#2#86#71754", "structure/too_few/ask_missing"),
			says("15:02", "3=67", taken)}},
		{name: "two empty fields", steps: []turn{
			says("15:00", "PILBUP#10013505#145###310#12#322#322#410#322#2#86#71754", "structure/too_few/too_few")}},
		{name: "two tallies", steps: []turn{
			says("15:00", good+" PILGUB 10013505 145 98 67 310 12 322 322 410 322 2 86 61754", "structure/two_tallies/two_tallies")}},
		{name: "emoji", steps: []turn{
			says("15:00", "🗳️PILBUP 10013505 145 🙏98 67 310 12 322 322 410 322 2 86 71754 👍🏽", taken)}},
		{name: "emoji alone", steps: []turn{says("15:00", "👍🏽🙏", "unreadable/empty/empty")}},
		{name: "keycap emoji", steps: []turn{
			says("15:00", "PILBUP 10013505 1️⃣ 145 2️⃣ 98 3️⃣ 67 310 12 322 322 410 322 2 86 71754", taken)}},
		{name: "ten parts", steps: []turn{says("15:00", long, "unreadable/too_long/too_long")}},
		{name: "ten parts with one missing", steps: []turn{{clock: "15:00", from: phoneA, text: long[:612],
			want: "damaged/incomplete/damaged", edit: func(m *Message) { m.Kind = MessageIncomplete }}}},
		{name: "signature with digits", steps: []turn{says("15:00", good+" KPPS03 Boroko 0899 RT2/RW1 27-11-2024", taken)}},
		{name: "wrong TPS code", steps: []turn{
			says("15:00", slipTPS, "wrong_tps/wrong_tps/ask_tps"), says("15:03", "KODE 10013505", taken)}},
		{name: "unknown sender", steps: []turn{
			{clock: "15:00", from: phoneAlien, text: good, want: "unknown/not_registered/unknown"},
			{clock: "15:01", from: phoneAlien, text: "STATUS 10013505", want: "unknown/not_registered/-"}}},
		{name: "minus and decimals", steps: []turn{
			says("15:00", "PILBUP 10013505 145,0 -98 67 310 12 322 322 410 322 2 86 71754", "structure/too_many/ask_repair")}},
		{name: "thousands with a point", steps: []turn{
			says("15:00", "PILBUP 10013505 145 98 67 310 12 322 322 1.410 322 2 86 71754", "structure/too_many/too_many")}},
		{name: "figures in words", steps: []turn{
			says("15:00", "PILBUP 10013505 seratus 98 67 310 12 322 322 410 322 2 86 71754", "structure/bad_figure/bad_word")}},
	})
}

// Nobody without a registered phone learns whether a code exists: every text gets
// the very same answer.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	var first string
	for i, text := range []string{good, slipTPS, "STATUS 10013505", "STATUS 10013550", "YA", "BANTU", "halo", "", fmt.Sprintf("RALAT 7F3K2 %s", good)} {
		v := Decide(p, message(i+1, phoneAlien, text, at("15:00")), nil, testFacts(t))
		if v.Reply == nil || v.Station != nil || v.Entry != nil || v.Asks != nil {
			t.Fatalf("Decide(%q) = %s, want one neutral answer and nothing else", text, summary(v))
		}
		if first == "" {
			first = v.Reply.Text
		}
		if v.Reply.Text != first {
			t.Errorf("%q is answered %q, other texts %q", text, v.Reply.Text, first)
		}
	}
}

func TestMiscounted(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		k, right string
		most     int
		want     bool
	}{
		{"71674", "71774", 1, true}, {"71774", "71674", 1, true}, {"71675", "71674", 1, true},
		{"71694", "71674", 1, false}, {"71694", "71674", 2, true}, {"71704", "71674", 2, false},
		{"71764", "71674", 2, false}, {"71674", "71774", 0, false}, {"71674", "71774", -1, false},
	} {
		if got := miscounted(row.k, row.right, row.most); got != row.want {
			t.Errorf("miscounted(%s, %s, %d) = %v, want %v", row.k, row.right, row.most, got, row.want)
		}
	}
}
