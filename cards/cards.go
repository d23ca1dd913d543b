// Package cards makes what an officer holds at the polling station: the printed
// card with its worksheet, and the offline page, one HTML file that checks the
// figures and writes the SMS on a phone without any network.
//
// It owns their layout and their words, which are Bahasa Indonesia because
// officers read them. It knows no registry, no file and no clock: the caller
// brings a Card, and the same Card always makes the same bytes.
//
// Invariants:
//   - neither card nor page tells the K of an officer's own figures: K is read
//     off the worksheet, so that it checks what was typed;
//   - the worked example of a ballot is a right SMS that the parser accepts;
//   - the page asks nothing of any network.
package cards

import (
	"fmt"

	"tali/parser"
)

// KeySize is the length of a station key in bytes.
const KeySize = 16

// TANsPerCard is how many one-time codes a card carries.
const TANsPerCard = parser.TANsPerCard

// Card is one polling station as its officers need it.
type Card struct {
	Profile  *parser.Profile
	Station  string // as replies name it: "Boroko TPS 003"
	District string // kecamatan; may be empty
	TPS      parser.TPSCode
	Gateways []Gateway // at least one, the nearest first

	Secret     *Secret // nil where no authenticity code is used
	Generation int     // 2 and more where earlier cards are dead: then the card says so
}

// Gateway is a number that takes tallies in.
type Gateway struct {
	Number   string // E.164
	Operator string // as officers call it; may be empty
}

// Secret is what only the officers of the station may know.
type Secret struct {
	Key    []byte   // of the station, KeySize bytes
	TANs   []string // one-time codes, in their order
	InPage bool     // the key stands in the page; otherwise it is typed once from the card
}

// check names what keeps a card from being made.
func (c *Card) check() error {
	switch {
	case c.Profile == nil || len(c.Profile.Ballots) == 0:
		return fmt.Errorf("card of %s: an election with ballots is needed", c.Station)
	case !c.TPS.Valid():
		return fmt.Errorf("card of %s: TPS code %q: eight digits whose check holds are needed", c.Station, string(c.TPS))
	case len(c.Gateways) == 0:
		return fmt.Errorf("card of %s: no number to send to", c.Station)
	case c.Secret != nil && len(c.Secret.Key) != KeySize:
		return fmt.Errorf("card of %s: a station key of %d bytes, %d are needed", c.Station, len(c.Secret.Key), KeySize)
	}
	for _, g := range c.Gateways {
		if number, kind := parser.ParsePhone(g.Number); kind != parser.PhoneNumber || number != g.Number {
			return fmt.Errorf("card of %s: gateway %q: a number such as +62... is needed", c.Station, g.Number)
		}
	}
	return nil
}

// local is a number as it is dialled in Indonesia, in groups that are easy to
// copy: "0899 0000 9001".
func (g Gateway) local() string {
	number := g.Number
	if len(number) > 3 && number[:3] == "+62" {
		number = "0" + number[3:]
	}
	return grouped(number, 4)
}

// grouped puts a space behind every n characters.
func grouped(s string, n int) string {
	out := make([]byte, 0, len(s)+len(s)/n)
	for i := range len(s) {
		if i > 0 && i%n == 0 {
			out = append(out, ' ')
		}
		out = append(out, s[i])
	}
	return string(out)
}
