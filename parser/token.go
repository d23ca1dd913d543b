package parser

import (
	"unicode"
	"unicode/utf8"
)

// maxTokens is the number of words that an SMS may have. The longest right
// tally, 54 numbered contestants, needs 130.
const maxTokens = 200

// foreignByte stands in the normalised text for a digit or letter of a script
// that is never guessed.
const foreignByte = 0xFF

// droppedByte stands for a character without width: it neither joins a word
// nor ends one.
const droppedByte = 0xFE

// token is one word of the normalised text, and where it stood in the raw one.
type token struct {
	from, to       int32 // in the normalised text
	rawFrom, rawTo int32 // in reader.text
	number         bool  // nothing but digits and the letters that read as digits
	foreign        bool  // holds a digit or letter of another script
}

// reader holds one SMS cut into words. It lives on Parse's stack: nothing that
// outlives Parse may point into it.
type reader struct {
	profile *Profile
	text    string
	short   [256]byte // the words of an SMS, normalised, one behind the other
	long    []byte    // instead of short where the text is longer than that
	tokens  [maxTokens]token
	n       int
	tooLong bool
}

// split normalises the text and cuts it into words.
func (r *reader) split() {
	buf := r.short[:]
	if len(r.text) > len(buf) { // no character becomes longer
		r.long = make([]byte, len(r.text))
		buf = r.long
	}
	var t *token // the open word
	size := int32(0)
	for i, width := 0, 0; i < len(r.text); i += width {
		var c byte
		c, width = normal(r.text[i:])
		switch {
		case c == droppedByte:
			continue
		case c == 0:
			t = nil
			continue
		case t == nil && r.n == maxTokens:
			r.tooLong = true
			return
		case t == nil:
			t = &r.tokens[r.n]
			*t = token{from: size, rawFrom: int32(i), number: true}
			r.n++
		}
		buf[size] = c
		size++
		t.to, t.rawTo = size, int32(i+width)
		t.foreign = t.foreign || c == foreignByte
		t.number = t.number && readsAsDigit(c)
	}
}

// normal reads one character and its width in bytes: 0 for a separator.
func normal(s string) (byte, int) {
	c := s[0]
	if c < utf8.RuneSelf {
		if c = upper(c); !isDigit(c) && (c < 'A' || c > 'Z') {
			c = 0
		}
		return c, 1
	}
	ru, width := utf8.DecodeRuneInString(s)
	if dropped(ru) {
		return droppedByte, width
	}
	return fold(ru), width
}

// fold maps a character beyond ASCII to what it reads as: 0 for a separator,
// foreignByte for a digit or letter that is never guessed.
func fold(ru rune) byte {
	switch {
	case ru >= '０' && ru <= '９':
		return byte('0' + ru - '０')
	case ru >= 'Ａ' && ru <= 'Ｚ':
		return byte('A' + ru - 'Ａ')
	case ru >= 'ａ' && ru <= 'ｚ':
		return byte('A' + ru - 'ａ')
	case ru >= '٠' && ru <= '٩':
		return byte('0' + ru - '٠')
	case ru >= '۰' && ru <= '۹':
		return byte('0' + ru - '۰')
	case unicode.IsLetter(ru), unicode.IsNumber(ru):
		return foreignByte
	}
	return 0
}

// dropped reports whether a character has no width of its own: format
// characters but those that Unicode prints before a number, and the selectors
// that choose between text and emoji.
func dropped(ru rune) bool {
	switch {
	case ru >= 0x0600 && ru <= 0x0605, ru == 0x06DD, ru == 0x070F, ru == 0x0890, ru == 0x0891, ru == 0x08E2:
		return false
	case ru == 0x034F, ru >= 0xFE00 && ru <= 0xFE0F:
		return true
	}
	return unicode.Is(unicode.Cf, ru)
}

// word is word i, normalised; empty behind the end.
func (r *reader) word(i int) []byte {
	if i >= r.n {
		return nil
	}
	from, to := r.tokens[i].from, r.tokens[i].to
	if r.long != nil {
		return r.long[from:to]
	}
	return r.short[from:to]
}

// raw is word i as typed, shortened; empty behind the end.
func (r *reader) raw(i int) string {
	if i >= r.n {
		return ""
	}
	s := r.text[r.tokens[i].rawFrom:r.tokens[i].rawTo]
	const most = 20
	seen := 0
	for at := range s {
		if seen == most {
			return s[:at]
		}
		seen++
	}
	return s
}

// digits reports whether word i is a number of min to max digits.
func (r *reader) digits(i, min, max int) bool {
	if i >= r.n || !r.tokens[i].number {
		return false
	}
	size := int(r.tokens[i].to - r.tokens[i].from)
	return size >= min && size <= max
}

func (r *reader) figure(i int) bool { return r.digits(i, 1, 3) }

// strict reports whether word i holds ASCII digits only, no O, I or L.
func (r *reader) strict(i int) bool {
	for _, c := range r.word(i) {
		if !isDigit(c) {
			return false
		}
	}
	return i < r.n
}

// is reports whether word i is the given one.
func (r *reader) is(i int, word string) bool { return string(r.word(i)) == word }
