package gateway_test

import (
	"strings"
	"testing"

	"tali/configs"
	"tali/parser"
)

// withCodes makes the rig's election ask for codes, before it is opened.
func withCodes(t *testing.T, p *parser.Profile) *parser.Profile {
	t.Helper()
	p, err := configs.WithAuth(p, parser.AuthRequired)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (r *rig) card(i int) parser.StationID {
	s := r.officers[i].Stations[0]
	return parser.StationID{Election: r.profile.ID, Round: r.profile.Round, Code: s.Code, Generation: s.Generation}
}

// signature is the code of the offline page for a tally of officer i.
func (r *rig) signature(i int, text string) string {
	r.Helper()
	rep := parser.Parse(r.profile, text)
	last := parser.FirstReport
	if rep.Ralat {
		last = rep.Proof
	}
	return parser.SignA2(parser.StationKey(r.settings.RegencyKey, r.card(i)), parser.Canonical(rep.Ballot, rep.TPS, rep.Figures, last))
}

func (r *rig) tan(i, n int) string {
	return parser.TANs(r.settings.RegencyKey, r.card(i), parser.TANsPerCard)[n]
}

// TestCodesOverTheAir reports over a real line to an election that requires
// codes: without one, with a wrong one, with one of the card and one of the page,
// over a restart, and corrects.
func TestCodesOverTheAir(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{stations: 10, codes: true})
	stop := r.start()
	r.text(phone(0), 0, r.tally(0, 145))
	if got := r.awaitReplies(phone(0), 1)[0].Text; !strings.HasPrefix(got, "KODE ASLI BELUM ADA") || !strings.Contains(got, "Sisa 5 percobaan") {
		t.Fatalf("answer to a tally without a code: %q", got)
	}
	stop()
	r.start()
	r.text(phone(0), 0, "A 22222222")
	if got := r.awaitReplies(phone(0), 2)[1].Text; !strings.Contains(got, "tidak cocok") || !strings.Contains(got, "Sisa 4 percobaan") {
		t.Fatalf("answer to a wrong code: %q", got)
	}
	r.text(phone(0), 0, "A "+r.tan(0, 0))
	receipt := r.awaitReplies(phone(0), 3)[2].Text
	if !strings.HasPrefix(receipt, "DITERIMA PILBUP") {
		t.Fatalf("answer to the right code: %q", receipt)
	}
	ralat := "RALAT " + strings.Fields(receipt[strings.Index(receipt, "RALAT "):])[1] + " " + r.tally(0, 146)
	r.text(phone(0), 0, ralat+" "+r.signature(0, ralat))
	if got := r.awaitReplies(phone(0), 4)[3].Text; !strings.HasPrefix(got, "DITERIMA PILBUP") || !strings.Contains(got, "1=146") {
		t.Errorf("answer to the RALAT: %q", got)
	}
	text := r.tally(1, 150)
	r.text(phone(1), 0, text+" "+r.signature(1, text))
	if got := r.awaitReplies(phone(1), 1)[0].Text; !strings.HasPrefix(got, "DITERIMA PILBUP") {
		t.Errorf("answer to a tally of the page: %q", got)
	}
	for query, want := range map[string]int{
		`SELECT count(*) FROM tally.entry WHERE assurance = 'A1'`:   1,
		`SELECT count(*) FROM tally.entry WHERE assurance = 'A2'`:   2,
		`SELECT count(*) FROM tally.standing WHERE state = 'masuk'`: 2,
		`SELECT count(*) FROM tally.spent_code`:                     1,
		`SELECT count(*) FROM tally.wrong_code`:                     1,
		`SELECT count(*) FROM intake.question`:                      0,
	} {
		if n := r.count(query); n != want {
			t.Errorf("%s = %d, want %d", query, n, want)
		}
	}
	r.audit()
}
