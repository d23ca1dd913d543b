package officers

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"tali/gsm/modemsim"
)

// slip turns the right SMS into what an officer really texts.
type slip func(o *officer) []modemsim.SMS

// slipOf draws how an officer reports at the first try: most are right, in many
// hands; the others make one of the mistakes that the protocol knows.
func slipOf(random *rand.Rand) slip {
	n := random.IntN(100)
	for _, s := range []struct {
		share int
		slip  slip
	}{
		{45, slipless}, {15, sloppy}, {5, twice}, {4, longWinded},
		{8, wrongFigure}, {5, swapped}, {5, wrongK}, {4, rowMissing},
		{4, cutOff}, {3, wrongStation}, {2, thanksFirst},
	} {
		if n -= s.share; n < 0 {
			return s.slip
		}
	}
	return slipless
}

func (o *officer) text(text string) []modemsim.SMS {
	return []modemsim.SMS{{From: o.Phone, To: o.number, Text: text}}
}

func (o *officer) words() []string { return strings.Fields(o.right) }

func slipless(o *officer) []modemsim.SMS { return o.text(o.right) }

// sloppy is right all the same: other separators, lower case, a signature.
func sloppy(o *officer) []modemsim.SMS {
	sep := []string{"#", ".", ", ", "  ", "-"}[o.random.IntN(5)]
	return o.text(strings.ToLower(strings.Join(o.words(), sep)) + " trims " + "KPPS")
}

// twice is what impatience does: the same SMS again.
func twice(o *officer) []modemsim.SMS { return append(slipless(o), slipless(o)...) }

// longWinded needs several parts: an emoji makes the whole SMS UCS-2.
func longWinded(o *officer) []modemsim.SMS {
	return o.text(o.right + " Selamat malam Bapak Ibu, mohon diterima laporan kami dari lapangan 🙏")
}

// wrongFigure misreads one row.
func wrongFigure(o *officer) []modemsim.SMS {
	w := o.words()
	at := 2 + o.random.IntN(len(w)-3)
	right := w[at]
	for w[at] == right {
		w[at] = fmt.Sprint(o.random.IntN(400))
	}
	return o.text(strings.Join(w, " "))
}

// swapped exchanges the first two contestants, which no sum notices.
func swapped(o *officer) []modemsim.SMS {
	w := o.words()
	if o.Ballot.N() > 1 {
		w[2], w[3] = w[3], w[2]
	}
	return o.text(strings.Join(w, " "))
}

// wrongK adds up wrongly.
func wrongK(o *officer) []modemsim.SMS {
	w := o.words()
	k := []byte(w[len(w)-1])
	i := 1 + o.random.IntN(len(k)-1)
	k[i] = '0' + (k[i]-'0'+1)%10
	w[len(w)-1] = string(k)
	return o.text(strings.Join(w, " "))
}

// rowMissing skips a row of the form.
func rowMissing(o *officer) []modemsim.SMS {
	w := o.words()
	at := 2 + o.random.IntN(len(w)-3)
	return o.text(strings.Join(append(w[:at:at], w[at+1:]...), " "))
}

// cutOff sends before the end.
func cutOff(o *officer) []modemsim.SMS {
	return o.text(o.right[:len(o.right)/2])
}

// wrongStation misreads one digit of the card, which the check digits notice.
func wrongStation(o *officer) []modemsim.SMS {
	w := o.words()
	w[1] = w[1][:5] + string('0'+(w[1][5]-'0'+1)%10) + w[1][6:]
	return o.text(strings.Join(w, " "))
}

// thanksFirst is a word of courtesy, then the report.
func thanksFirst(o *officer) []modemsim.SMS {
	return append(o.text("Siap pak, terima kasih"), slipless(o)...)
}

// bystander texts what is no report at all, now and then: an advert, a stranger.
func (p *Play) bystander(random *rand.Rand, i int) error {
	number := p.Numbers[random.IntN(len(p.Numbers))]
	switch {
	case i%20 == 7:
		_, err := p.Network.Submit(modemsim.SMS{From: "PROMO", To: number, Text: "Paket data murah hari ini saja! Balas YA"})
		return err
	case i%25 == 11:
		stranger := fmt.Sprintf("+6289900%06d", 900000+random.IntN(1000)) // invented
		_, err := p.Network.Submit(modemsim.SMS{From: stranger, To: number, Text: "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"})
		return err
	}
	return nil
}
