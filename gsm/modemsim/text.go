package modemsim

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/warthog618/sms/encoding/gsm7"
	"github.com/warthog618/sms/encoding/tpdu"
	"github.com/warthog618/sms/encoding/ucs2"
)

// text renders a stored message for text mode: what follows its state in the
// header, and the body. What cannot be decoded is shown as hex.
func (m *Modem) text(pdu string, state int) (header, body string) {
	direction := tpdu.MT
	if state >= unsent {
		direction = tpdu.MO
	}
	t, err := unframe(pdu, direction)
	if err != nil {
		return `"",,""`, pdu
	}
	decoded, err := decodeText(t)
	if err != nil {
		decoded = hex.EncodeToString(t.UD)
	}
	if direction == tpdu.MO {
		return fmt.Sprintf(`"%s",,`, m.encodeCharset(t.DA.Number())), m.encodeCharset(decoded)
	}
	return fmt.Sprintf(`"%s",,"%s"`, m.encodeCharset(t.OA.Number()), clock(t.SCTS.Time)), m.encodeCharset(decoded)
}

// encodeCharset renders text as AT+CSCS wants it. Like real modems it falls
// back to UCS2 hex for what the GSM alphabet lacks.
func (m *Modem) encodeCharset(s string) string {
	if m.set.charset != "UCS2" {
		b, err := gsm7.Encode([]byte(s))
		if err == nil && m.set.charset == "GSM" {
			return string(b)
		}
		if err == nil {
			return s
		}
	}
	return strings.ToUpper(hex.EncodeToString(ucs2.Encode([]rune(s))))
}

func (m *Modem) decodeCharset(s string) (string, error) {
	switch m.set.charset {
	case "UCS2":
		b, err := hex.DecodeString(s)
		if err != nil {
			return "", err
		}
		r, err := ucs2.Decode(b)
		return string(r), err
	case "GSM":
		b, err := gsm7.Decode([]byte(s))
		return string(b), err
	}
	return s, nil
}
