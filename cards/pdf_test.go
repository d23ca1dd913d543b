package cards

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"tali/parser"
)

// printed is a finished card, read back from its PDF.
type printed struct {
	pages []string // drawing commands
}

func printPDF(t *testing.T, c Card) printed {
	t.Helper()
	var out bytes.Buffer
	if err := PDF(&out, c); err != nil {
		t.Fatal(err)
	}
	var p printed
	for _, part := range bytes.Split(out.Bytes(), []byte("stream\n"))[1:] {
		reader, err := zlib.NewReader(bytes.NewReader(part))
		if err != nil {
			continue // the tail of a stream that has been read, or no page
		}
		text, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		p.pages = append(p.pages, string(text))
	}
	if len(p.pages) < 2 {
		t.Fatalf("%d pages read back from %d bytes", len(p.pages), out.Len())
	}
	return p
}

var shown = regexp.MustCompile(`\((.*)\) ?Tj`)

// lines are the pieces of text of a page in the order of their drawing.
func (p printed) lines(page int) []string {
	var out []string
	unescape := strings.NewReplacer(`\(`, "(", `\)`, ")", `\\`, `\`)
	for _, m := range shown.FindAllStringSubmatch(p.pages[page], -1) {
		out = append(out, strings.TrimSpace(unescape.Replace(m[1])))
	}
	return out
}

func (p printed) all() (out []string) {
	for i := range p.pages {
		out = append(out, p.lines(i)...)
	}
	return out
}

// examples joins the lines of each worked example to the SMS that they are.
func (p printed) examples() (out []string) {
	for _, line := range p.all() {
		last := len(out) - 1
		switch {
		case line == "CONTOH:":
			out = append(out, "")
		case last >= 0 && (out[last] == "" || strings.Trim(line, "0123456789 ") == "" && !strings.HasSuffix(out[last], ".")):
			out[last] = strings.TrimSpace(out[last] + " " + line)
		case last >= 0:
			out[last] = strings.TrimSuffix(out[last], ".") + "." // something else was drawn: it has ended
		}
	}
	for i := range out {
		out[i] = strings.TrimSuffix(out[i], ".")
	}
	return out
}

// Every example on every card is a tally that the gateway's own parser takes.
func TestPrintedExamplesAreRight(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*parser.Profile{
		"pilkada": shipped(t, "pilkada-2024-bolmut"), "pemilu": shipped(t, "pemilu-2024-bolmut"), "wide": wideProfile(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := card(p, secret())
			got := printPDF(t, c).examples()
			if len(got) != len(p.Ballots) {
				t.Fatalf("%d examples %q, want one for each of %d ballots", len(got), got, len(p.Ballots))
			}
			for i, text := range got {
				r := parser.Parse(p, text)
				if !r.Consistent() || r.Ballot.Keyword != p.Ballots[i].Keyword || r.TPS != c.TPS {
					t.Errorf("Parse(%q) = %+v, problem %+v, want a consistent %s", text, r, r.Problem, p.Ballots[i].Keyword)
				}
			}
		})
	}
}

// The worksheet has the rows of the profile, each once and in form order, and a
// box for a running total beside those that K adds up and no other.
func TestWorksheetRows(t *testing.T) {
	t.Parallel()
	p := shipped(t, "pilkada-2024-bolmut")
	back := printPDF(t, card(p, nil))
	if len(back.pages) != 2 {
		t.Errorf("the Pilkada card has %d pages, want a front and a back", len(back.pages))
	}
	text := back.lines(1)
	for _, b := range p.Ballots {
		at := slices.Index(text, b.Keyword)
		for i := range b.Rows() {
			next := slices.Index(text[at+1:], b.RowName(i))
			if next < 0 {
				t.Fatalf("%s: row %q is missing behind the one before it", b.Keyword, b.RowName(i))
			}
			at += next + 1
		}
		for _, hint := range []string{"= no. 4", "= no. 6,7,9", "= no. 8"} {
			if !slices.Contains(text, hint) {
				t.Errorf("%s: no hint %q", b.Keyword, hint)
			}
		}
	}
	thick := regexp.MustCompile(fmt.Sprintf(`[\d.]+ [\d.]+ %.2f -?%.2f re S`, totalBox*72/25.4, boxSize*72/25.4))
	if got, want := len(thick.FindAllString(back.pages[1], -1)), 2*6; got != want {
		t.Errorf("%d boxes for running totals, want %d", got, want)
	}
}

// No page has anything drawn beyond its edge, however long the ballot.
func TestNothingFallsOffThePage(t *testing.T) {
	t.Parallel()
	at := regexp.MustCompile(`BT (-?[\d.]+) (-?[\d.]+) Td`)
	for name, c := range map[string]Card{
		"wide": card(wideProfile(t), secret()), "pemilu": card(shipped(t, "pemilu-2024-bolmut"), nil),
		"many numbers": {Profile: wideProfile(t), Station: strings.Repeat("Tambulang ", 9), TPS: "10013505", District: "Bolangitang Timur",
			Gateways: slices.Repeat([]Gateway{{"+6289900009001", "Telkomsel Halo Prabayar"}}, 6), Secret: secret()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := 0
			for i, page := range printPDF(t, c).pages {
				for _, m := range at.FindAllStringSubmatch(page, -1) {
					seen++
					x, y := points(t, m[1]), points(t, m[2])
					if low, right := margin*72/25.4-1, (pageWidth-margin)*72/25.4; x < low || x > right || y < low || y > (pageHeight-margin)*72/25.4 {
						t.Errorf("page %d: text at %.0f, %.0f points is in the margin", i+1, x, y)
					}
				}
			}
			if seen < 100 {
				t.Errorf("only %d texts were found to look at", seen)
			}
		})
	}
}

// What must be copied without a slip is there, whole; a secret is on its own
// sheet, and only with one.
func TestCodesAreWhole(t *testing.T) {
	t.Parallel()
	c := card(wideProfile(t), secret())
	back := printPDF(t, c)
	sealed := len(back.pages) - 2
	if sealed%2 != 0 {
		t.Errorf("the sealed page is number %d: on the back of another", sealed+1)
	}
	secrets := []string{"0001 0203 0405 0607 0809 0a0b 0c0d 0e0f"}
	for _, tan := range c.Secret.TANs {
		secrets = append(secrets, tan[:4]+" "+tan[4:])
	}
	front := []string{"1001 3505", "1. 0899 0000 9001", "2. 0899 0000 9002", c.Station, "LATIHAN - BUKAN PEMUNGUTAN SUARA SUNGGUHAN"}
	for page, want := range map[int][]string{0: front, sealed: secrets} {
		for _, w := range want {
			if !slices.Contains(back.lines(page), w) {
				t.Errorf("%q is not on page %d: %q", w, page+1, back.lines(page))
			}
		}
	}
	for page := range sealed {
		for _, line := range back.lines(page) {
			if slices.Contains(secrets, line) {
				t.Errorf("page %d tells %q unsealed", page+1, line)
			}
		}
	}
	for _, line := range printPDF(t, card(c.Profile, nil)).all() {
		for _, word := range []string{"RAHASIA", "KUNCI HALAMAN", "LIPAT", "KODE ASLI", "kode asli"} {
			if strings.Contains(line, word) {
				t.Errorf("a card without secret says %q", line)
			}
		}
	}
}

func TestSameCardSameBytes(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(io.Writer, Card) error{"PDF": PDF, "Page": Page} {
		var a, b bytes.Buffer
		c := card(wideProfile(t), secret())
		if write(&a, c) != nil || write(&b, c) != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s differs from call to call", name)
		}
	}
}

// Every QR code is read from the page as it is printed, by another program.
func TestQRCodesReadBack(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*parser.Profile{"pilkada": shipped(t, "pilkada-2024-bolmut"), "pemilu": shipped(t, "pemilu-2024-bolmut")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := card(p, secret())
			codes := qrImages(t, printPDF(t, c).pages[0], len(p.Ballots))
			for i, b := range p.Ballots {
				bitmap, err := gozxing.NewBinaryBitmapFromImage(codes[i])
				if err != nil {
					t.Fatal(err)
				}
				got, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
				if err != nil {
					t.Fatalf("%s: %v", b.Keyword, err)
				}
				if want := "SMSTO:+6289900009001:" + b.Keyword + " 10013505 "; got.GetText() != want {
					t.Errorf("QR code = %q, want %q", got.GetText(), want)
				}
			}
		})
	}
}

// qrImages draws the filled boxes of a page, cut into one picture per column.
func qrImages(t *testing.T, page string, columns int) []image.Image {
	t.Helper()
	scale := 6.0 // pixels a point
	width, height := int(pageWidth*72/25.4*scale), int(pageHeight*72/25.4*scale)
	full := image.NewGray(image.Rect(0, 0, width, height))
	for i := range full.Pix {
		full.Pix[i] = 255
	}
	boxes := regexp.MustCompile(`(?m)^(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) re f$`)
	found := boxes.FindAllStringSubmatch(page, -1)
	if len(found) < 100 {
		t.Fatalf("%d boxes on the page, want QR codes", len(found))
	}
	for _, m := range found {
		x, y, w, h := points(t, m[1]), points(t, m[2]), points(t, m[3]), points(t, m[4])
		if h < 0 {
			y, h = y+h, -h
		}
		box := image.Rect(int(x*scale+.5), height-int((y+h)*scale+.5), int((x+w)*scale+.5), height-int(y*scale+.5))
		for py := box.Min.Y; py < box.Max.Y; py++ {
			for px := box.Min.X; px < box.Max.X; px++ {
				full.SetGray(px, py, color.Gray{})
			}
		}
	}
	var out []image.Image
	left, step := margin*72/25.4*scale, inner*72/25.4*scale/float64(columns)
	for i := range columns {
		x := int(left + float64(i)*step)
		out = append(out, full.SubImage(image.Rect(x, 0, x+int(step), height)))
	}
	return out
}

func points(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
