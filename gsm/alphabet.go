package gsm

import "github.com/warthog618/sms/encoding/gsm7/charset"

// The library makes its alphabets when they are first used, without a lock, and
// every modem decodes on a goroutine of its own. While packages are initialised
// nobody else uses them: they are made then.
var _ = makeAlphabets()

func makeAlphabets() struct{} {
	for language := charset.Default; language < charset.End; language++ {
		charset.NewDecoder(language)
		charset.NewExtDecoder(language)
		charset.NewEncoder(language)
		charset.NewExtEncoder(language)
	}
	return struct{}{}
}
