package parser

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

// readsAsDigit knows the letters that tired officers and old keypads put for
// digits. No others: S, B, Z and G are labels and ballots.
func readsAsDigit(c byte) bool { return isDigit(c) || c == 'O' || c == 'I' || c == 'L' }

func asDigit(c byte) byte {
	switch c {
	case 'O':
		return '0'
	case 'I', 'L':
		return '1'
	}
	return c
}

// readable reports whether w is a number of min to max digits.
func readable(w []byte, min, max int) bool {
	if len(w) < min || len(w) > max {
		return false
	}
	for _, c := range w {
		if !readsAsDigit(c) {
			return false
		}
	}
	return true
}

// value is the number of a word whose characters all read as digits.
func value(w []byte) int16 {
	var n int16
	for _, c := range w {
		n = n*10 + int16(asDigit(c)-'0')
	}
	return n
}

// digitString is w with its letters read as digits.
func digitString(w []byte) string {
	var small [16]byte
	out := small[:0]
	for _, c := range w {
		out = append(out, asDigit(c))
	}
	return string(out)
}

// crockfordCode reports whether w has exactly size characters of the alphabet,
// O, I and L read as digits, and at least one digit as typed.
func crockfordCode(w []byte, size int) bool {
	if len(w) != size {
		return false
	}
	typed := false
	for _, c := range w {
		letter := c >= 'A' && c <= 'Z' && c != 'U'
		if !letter && !isDigit(c) {
			return false
		}
		typed = typed || isDigit(c)
	}
	return typed
}

// label is the row that a whole word names, 0 for none. "SUARA SAH" and its
// like are two words: see reader.label.
func label(w []byte) Label {
	switch string(w) {
	case "S", "SAH":
		return LabelS
	case "T", "TS", "TSAH", "TDKSAH", "TIDAKSAH":
		return LabelT
	case "J", "JML", "JUMLAH", "TOTAL":
		return LabelJ
	case "P", "HADIR", "PENGGUNA":
		return LabelP
	case "D", "TERIMA", "DITERIMA":
		return LabelD
	case "U", "G", "GUNA", "DIGUNAKAN":
		return LabelU
	case "R", "RUSAK":
		return LabelR
	case "Z", "X", "SISA":
		return LabelZ
	}
	return 0
}

// gluedLabel splits a word like S310 or TSO into label and figure. No label
// is another one followed by O, I and L only, so there is one way at most.
func gluedLabel(w []byte) (Label, []byte) {
	for cut := len(w) - 1; cut > 0 && cut >= len(w)-3 && readsAsDigit(w[cut]); cut-- {
		if l := label(w[:cut]); l != 0 {
			return l, w[cut:]
		}
	}
	return 0, nil
}

func courtesy(w []byte) bool {
	switch string(w) {
	case "PAK", "BU", "IBU", "BAPAK", "TERIMA", "KASIH", "MAKASIH", "SIAP", "OK", "BENAR":
		return true
	}
	return false
}

// reserved reports whether a word has a meaning of its own in the grammar, so
// that no ballot may be called by it.
func reserved(w []byte) bool {
	switch string(w) {
	case "RALAT", "YA", "FORM", "KODE", "K", "KUNCI", "A", "UJI", "HADIR", "STATUS", "BANTU",
		"SUARA", "TDK", "TIDAK", "TPS", "KPPS", "RT", "RW", "NO":
		return true
	}
	return label(w) != 0 || courtesy(w)
}
