package verify

import "testing"

func TestInterim(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, from, text string
		want             string // kind; empty for no answer
		final            string // kind of the final answer; empty for none
	}{
		{"good tally", phoneA, good, KindInterim, KindAccepted},
		{"RALAT", phoneA, "RALAT 7F3K2 " + good, KindInterim, KindAccepted},
		{"row wrong", phoneA, "PILBUP 10013505 145 89 67 310 12 322 322 410 322 2 86 71754", KindRelation, ""},
		{"K wrong", phoneA, "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86 71745", KindK, ""},
		{"two figures wrong", phoneA, "PILBUP 10013505 245 89 67 310 12 322 322 410 322 2 86 71754", KindRelation, ""},
		{"a row left out", phoneA, "PILBUP 10013505 145 67 310 12 322 322 410 322 2 86 71754", KindTooFew, ""},
		{"the form contradicts itself", phoneA, "PILBUP 10013505 145 98 67 301 12 322 322 410 322 2 86 71754", KindForm, ""},
		{"K of another ballot", phoneA, "PILBUP 10013505 145 98 67 310 12 322 322 410 322 2 86 61754", KindOtherBallot, ""},
		{"cut off", phoneA, "PILBUP 10013505 145 98", KindCutOff, ""},
		{"wrong code", phoneA, "PILBUP 10013550 145 98 67 310 12 322 322 410 322 2 86 71754", KindWrongTPS, ""},
		{"unreadable", phoneA, "halo", KindNoKeyword, ""},
		{"follow-up waits", phoneA, "YA", "", KindNoQuestion},
		{"thanks", phoneA, "terima kasih", "", ""},
		{"bantu", phoneA, "BANTU", KindHelp, ""},
		{"status waits", phoneA, "STATUS", "", KindStatus},
		{"hadir waits", phoneA, "HADIR", "", KindPresent},
		{"not registered", phoneAlien, good, "", KindUnknown},
		{"own modem", phoneOwn, good, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p, r := testProfile(t), testRegistry(t)
			m := message(1, row.from, row.text, at("15:00"))
			reply, ok := Interim(p, m, nil, r)
			if reply.Kind != row.want || ok != (row.want != "") {
				t.Errorf("Interim(%q) = %q %v, want %q", row.text, reply.Kind, ok, row.want)
			}
			m.Interim = reply.Kind
			final := ""
			v := Decide(p, m, nil, r.Facts(row.from))
			if v.Reply != nil {
				final = v.Reply.Kind
			}
			if v.Asks != nil {
				t.Errorf("%q is asked about after %q: all figures come again", row.text, reply.Kind)
			}
			if final != row.final {
				t.Errorf("final answer to %q after %q = %q, want %q", row.text, reply.Kind, final, row.final)
			}
		})
	}
}

func TestInterimPromisesNothing(t *testing.T) {
	t.Parallel()
	reply, _ := Interim(testProfile(t), message(1, phoneA, good, at("15:00")), nil, testRegistry(t))
	want := "SMS PILBUP TPS 10013505 sudah diterima, angka dan K cocok. Server pusat sedang terputus. Jangan kirim ulang, bukti menyusul."
	if reply.Text != want {
		t.Errorf("Interim = %q, want %q", reply.Text, want)
	}
}
