package cards

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"tali/configs"
	"tali/parser"
)

// counting is 0, 1, 2...: the key of the shared vectors.
func counting(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i)
	}
	return out
}

func contestants(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("Pasangan Rekaan %d", i+1)
	}
	return out
}

// wideProfile has every ballot of the protocol, in both forms and from two to
// 54 contestants.
func wideProfile(t testing.TB) *parser.Profile {
	t.Helper()
	b := func(digit byte, keyword string, form parser.Form, n int) *parser.Ballot {
		return &parser.Ballot{Digit: digit, Keyword: keyword, Title: "Surat suara " + keyword, Contest: strings.ToLower(keyword),
			Form: form, Unit: "calon", Contestants: contestants(n)}
	}
	p, err := parser.NewProfile(parser.Profile{
		ID: "contoh-2024", Name: "Pemilihan Contoh 2024", Version: 1, Digest: "00", Phase: parser.PhaseRehearsal, Round: 1,
		Regency: "7108", Auth: parser.AuthAccepted, Zone: time.UTC, ZoneTag: "WITA",
		Opens: time.Date(2024, 11, 27, 5, 0, 0, 0, time.UTC), Closes: time.Date(2024, 11, 28, 4, 0, 0, 0, time.UTC),
		ReservePermille: 25, QuestionTTL: time.Hour, UnknownPerHour: 30,
		Ballots: []*parser.Ballot{
			b('1', "PPWP", parser.FormFull, 3), b('2', "DPD", parser.FormFull, 20), b('3', "DPR", parser.FormShort, 54),
			b('4', "DPRDP", parser.FormFull, 6), b('5', "DPRDK", parser.FormFull, 7),
			b('6', "PILGUB", parser.FormFull, 5), b('7', "PILBUP", parser.FormFull, 3), b('8', "PILWALI", parser.FormShort, 2),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func shipped(t testing.TB, name string) *parser.Profile {
	t.Helper()
	p, err := configs.LoadProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// card is an invented station.
func card(p *parser.Profile, secret *Secret) Card {
	return Card{
		Profile: p, Station: "Tambulang Pantai TPS 003", District: "Sangkub", TPS: "10013505",
		Gateways: []Gateway{{"+6289900009001", "Telkomsel"}, {"+6289900009002", "Indosat"}}, Secret: secret,
	}
}

func secret() *Secret {
	id := parser.StationID{Election: "contoh-2024", Round: 1, Code: "7108012001003", Generation: 1}
	return &Secret{Key: counting(KeySize), TANs: parser.TANs(counting(32), id, TANsPerCard)}
}

func ballot(t testing.TB, p *parser.Profile, keyword string) *parser.Ballot {
	t.Helper()
	for _, b := range p.Ballots {
		if b.Keyword == keyword {
			return b
		}
	}
	t.Fatalf("no ballot %s", keyword)
	return nil
}

func TestRefusesBadCards(t *testing.T) {
	t.Parallel()
	p := wideProfile(t)
	for name, c := range map[string]struct {
		change func(*Card)
		want   string
	}{
		"no profile":        {func(c *Card) { c.Profile = nil }, "ballots"},
		"a wrong TPS code":  {func(c *Card) { c.TPS = "10013550" }, "10013550"},
		"nowhere to send":   {func(c *Card) { c.Gateways = nil }, "no number"},
		"a name to send to": {func(c *Card) { c.Gateways = []Gateway{{Number: "KPU"}} }, `"KPU"`},
		"a local number":    {func(c *Card) { c.Gateways = []Gateway{{Number: "0899000090"}} }, "+62"},
		"half a key":        {func(c *Card) { c.Secret = &Secret{Key: counting(8)} }, "8 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := card(p, nil)
			c.change(&bad)
			var out bytes.Buffer
			for what, err := range map[string]error{"PDF": PDF(&out, bad), "Page": Page(&out, bad)} {
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), bad.Station) {
					t.Errorf("%s: error %v, want one with station and %q", what, err, c.want)
				}
			}
			if out.Len() > 0 {
				t.Errorf("%d bytes were written beside the error", out.Len())
			}
		})
	}
}

// The example of every ballot that a profile may have is a right SMS.
func TestExamplesHold(t *testing.T) {
	t.Parallel()
	for n := 2; n <= 54; n++ {
		for digit := byte('1'); digit <= '8'; digit++ {
			for _, form := range []parser.Form{parser.FormFull, parser.FormShort} {
				b := &parser.Ballot{Digit: digit, Keyword: "UJIAN", Form: form, Unit: "calon", Contestants: contestants(n)}
				f := example(b)
				if _, err := parser.Render(b, "10013505", f); err != nil {
					t.Errorf("%d contestants, ballot %c, %s form: example %v: %v", n, digit, form, f, err)
				}
			}
		}
	}
}
