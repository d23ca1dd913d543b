package web

import (
	"crypto/subtle"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// totpPeriod is how long one code stands; totpSkew is how many codes before and
// behind are taken, for phones whose clocks are off.
const (
	totpPeriod = 30
	totpSkew   = 1
)

// NewTOTP is a fresh secret of a second factor, in base32.
func NewTOTP(login string) (string, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: totpIssuer, AccountName: login})
	if err != nil {
		return "", fmt.Errorf("making a second factor: %w", err)
	}
	return key.Secret(), nil
}

const totpIssuer = "tali"

// TOTPAddress is what an authenticator app reads from the QR code.
func TOTPAddress(login, secret string) string {
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s", totpIssuer, login, secret, totpIssuer)
}

// totpStep is the time step that a code is right for, beyond a step that was
// used already. The caller has the centre refuse a step that comes twice.
func totpStep(secret, code string, now time.Time) (step int64, ok bool) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
	if len(code) != int(otp.DigitsSix) {
		return 0, false
	}
	for skew := -totpSkew; skew <= totpSkew; skew++ {
		at := now.Add(time.Duration(skew) * totpPeriod * time.Second)
		want, err := totp.GenerateCode(secret, at)
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return at.Unix() / totpPeriod, true
		}
	}
	return 0, false
}

// qrCode draws text as a QR code that needs no file and no script.
func qrCode(text string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("drawing a QR code: %w", err)
	}
	const margin = 4 // modules, by the standard
	size := code.Bounds().Dx()
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="qr" role="img" aria-label="QR" viewBox="0 0 %d %d"><rect class="paper" width="%d" height="%d"></rect><path d="`,
		size+2*margin, size+2*margin, size+2*margin, size+2*margin)
	for y := range size {
		for x := range size {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&out, "M%d %dh1v1h-1z", x+margin, y+margin)
			}
		}
	}
	out.WriteString(`"></path></svg>`)
	return template.HTML(out.String()), nil // numbers and our own tags
}
