package verify

import "strings"

// render makes the reply of that kind: the first variant that fits one SMS. It
// is nil when the profile has no such text, which CheckTexts refuses at load.
//
// The texts are read as they stand each time: that costs about a microsecond,
// and a profile stays plain data that everybody may share.
func render(kind string, w *words) *Reply {
	variants := w.p.Texts[kind]
	if len(variants) == 0 {
		return nil
	}
	var room [2 * MaxSeptets]byte
	reply := &Reply{Kind: kind, Priority: priorityOf(kind)}
	for i, v := range variants {
		text := string(w.fill(room[:0], v))
		if n, ok := Septets(text); ok && n <= MaxSeptets {
			reply.Text = text
			return reply
		}
		if i == 0 || len(text) < len(reply.Text) {
			reply.Text = text
		}
	}
	reply.Text = cut(reply.Text)
	return reply
}

// fill appends the text with the words in braces replaced.
func (w *words) fill(buf []byte, text string) []byte {
	for {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			return append(buf, text...)
		}
		buf = append(buf, text[:open]...)
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			return append(buf, text[open:]...)
		}
		buf = w.append(buf, text[open+1:open+end])
		text = text[open+end+1:]
	}
}

// cut is the last resort for a text that CheckTexts never saw: two SMS are
// never sent, and no character is sent that the alphabet lacks.
func cut(text string) string {
	n := 0
	if _, ok := Septets(text); !ok {
		text = string(appendName(nil, text))
	}
	for i, r := range text {
		if n += septetsOf(r); n > MaxSeptets {
			return text[:i]
		}
	}
	return text
}
