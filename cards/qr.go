package cards

import (
	"fmt"

	"github.com/boombuler/barcode/qr"

	"tali/parser"
)

// prepared is what a QR code holds: the number and the beginning of the SMS, up
// to the place where the figures follow.
func (c *Card) prepared(b *parser.Ballot) string {
	return "SMSTO:" + c.Gateways[0].Number + ":" + b.Keyword + " " + string(c.TPS) + " "
}

// modules are the dark squares of a QR code, row by row.
type modules [][]bool

// encodeQR draws text at level M: a card is folded, wet and read by torch light.
func encodeQR(text string) (modules, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return nil, fmt.Errorf("QR code of %q: %w", text, err)
	}
	bounds := code.Bounds()
	out := make(modules, bounds.Dy())
	for y := range out {
		out[y] = make([]bool, bounds.Dx())
		for x := range out[y] {
			r, _, _, _ := code.At(bounds.Min.X+x, bounds.Min.Y+y).RGBA()
			out[y][x] = r == 0
		}
	}
	return out, nil
}

// runs calls yield with every unbroken dark piece of a row: few long boxes print
// without the hairlines that many small ones leave.
func (m modules) runs(yield func(x, y, width int)) {
	for y, row := range m {
		for x := 0; x < len(row); x++ {
			width := 0
			for x+width < len(row) && row[x+width] {
				width++
			}
			if width > 0 {
				yield(x, y, width)
				x += width
			}
		}
	}
}
