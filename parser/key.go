package parser

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
)

// FirstReport is the last field of the canonical string of a report that names
// no earlier one.
const FirstReport = "1"

// crockford is the alphabet of A2 and of proof codes: no I, L, O and U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// StationID names the card of one station: its keys derive from all of it.
type StationID struct {
	Election   string // profile id
	Round      int
	Code       string // 13 digits
	Generation int    // raised when a card is issued again
}

// Canonical is the string that A2 signs. The last field is FirstReport or the
// proof code that a RALAT names. It is empty when f is no set of figures of b.
func Canonical(b *Ballot, tps TPSCode, f Figures, last string) string {
	if len(f) != b.Rows() {
		return ""
	}
	n := b.N()
	out := make([]byte, 0, 128)
	out = append(out, "KT1|"...)
	out = append(out, b.Keyword...)
	out = append(out, '|')
	out = append(out, tps...)
	out = append(out, '|')
	out = appendFigures(out, f[:n])
	out = append(out, '|')
	out = appendFigures(out, f[n:n+3])
	out = append(out, '|')
	if b.Form == FormFull {
		out = appendFigures(out, f[n+3:])
	} else {
		out = append(out, '-')
	}
	out = append(out, '|')
	return string(append(out, last...))
}

func appendFigures(dst []byte, f Figures) []byte {
	for i, v := range f {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(v), 10)
	}
	return dst
}

// SignA2 is the authenticity code of a canonical string: the first six
// consecutive characters of its HMAC that hold a digit. A HMAC without any
// digit in its 51 characters (less than one in 1e8) yields its first six, which
// nobody can type as a code.
func SignA2(stationKey []byte, canonical string) string {
	mac := hmac.New(sha256.New, stationKey)
	mac.Write([]byte(canonical))
	sum := mac.Sum(nil)
	const chars = sha256.Size * 8 / 5
	var out [chars]byte
	for i := range out {
		out[i] = crockford[fiveBits(sum, i*5)]
	}
	for i := 0; i+6 <= chars; i++ {
		if slices.ContainsFunc(out[i:i+6], isDigit) {
			return string(out[i : i+6])
		}
	}
	return string(out[:6])
}

// fiveBits reads five bits from the left, starting at bit.
func fiveBits(b []byte, bit int) int {
	word := int(b[bit/8]) << 8
	if bit/8+1 < len(b) {
		word |= int(b[bit/8+1])
	}
	return word >> (11 - bit%8) & 31
}

// RegencyKey is what a gateway holds: the key of one election in one regency.
func RegencyKey(master []byte, election, regency string) []byte {
	return expand(master, "KT1|regency|"+election+"|"+regency, 32)
}

// StationKey is the key on the card of one station.
func StationKey(regencyKey []byte, id StationID) []byte {
	return expand(regencyKey, id.info("key"), 16)
}

// TANsPerCard is how many one-time codes a card carries: enough for a first
// report of every ballot and as many corrections again.
const TANsPerCard = 12

// TANs are the one-time codes on the card of one station, in their order. They
// never satisfy MOD 97-10, so that none is taken for a TPS code.
func TANs(regencyKey []byte, id StationID, count int) []string {
	var out []string
	for i := 1; len(out) < count; i++ {
		raw := expand(regencyKey, id.info("tan")+"|"+strconv.Itoa(i), 8)
		n := binary.BigEndian.Uint64(raw) % 100_000_000
		tan := fmt.Sprintf("%08d", n)
		if n%97 == 1 || slices.Contains(out, tan) {
			continue
		}
		out = append(out, tan)
	}
	return out
}

func (id StationID) info(use string) string {
	return fmt.Sprintf("KT1|%s|%s|%d|%s|%d", use, id.Election, id.Round, id.Code, id.Generation)
}

func expand(key []byte, info string, size int) []byte {
	out, err := hkdf.Expand(sha256.New, key, info, size)
	if err != nil { // only for sizes beyond 255 hashes, and ours are constants
		panic("parser: " + err.Error())
	}
	return out
}
