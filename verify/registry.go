package verify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tali/parser"
)

// Registry is what a gateway keeps of the centre to be able to answer while the
// centre is away: who may send for which station. It holds no tally.
type Registry struct {
	Profile  string    `json:"profile"`  // digest of the profile it belongs to
	TakenAt  time.Time `json:"taken_at"` // by the centre's clock
	Stations []Station `json:"stations"`
	Officers []Officer `json:"officers"` // sorted by phone: make one with NewRegistry
	Own      []string  `json:"own"`      // numbers of our own modems, E.164
}

// NewRegistry brings the parts into the order that Facts relies on and every
// phone into E.164. It refuses a phone that is none or stands there twice.
func NewRegistry(r Registry) (*Registry, error) {
	r.Officers = slices.Clone(r.Officers)
	r.Own = slices.Clone(r.Own)
	for i := range r.Own {
		phone, kind := parser.ParsePhone(r.Own[i])
		if kind != parser.PhoneNumber {
			return nil, fmt.Errorf("own number %q: no phone number", r.Own[i])
		}
		r.Own[i] = phone
	}
	for i := range r.Officers {
		o := &r.Officers[i]
		phone, kind := parser.ParsePhone(o.Phone)
		if kind != parser.PhoneNumber {
			return nil, fmt.Errorf("officer %q: phone %q is no phone number", o.Name, o.Phone)
		}
		o.Phone = phone
	}
	slices.SortFunc(r.Officers, func(a, b Officer) int { return cmp.Compare(a.Phone, b.Phone) })
	for i := 1; i < len(r.Officers); i++ {
		if r.Officers[i].Phone == r.Officers[i-1].Phone {
			return nil, fmt.Errorf("officers %q and %q have the same phone", r.Officers[i-1].Name, r.Officers[i].Name)
		}
	}
	return &r, nil
}

// UnmarshalJSON reads a registry, as NewRegistry makes it.
func (r *Registry) UnmarshalJSON(text []byte) error {
	type plain Registry
	var read plain
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	made, err := NewRegistry(Registry(read))
	if err != nil {
		return err
	}
	*r = *made
	return nil
}

// Officer is the officer of a phone in E.164, nil when nobody has it.
func (r *Registry) Officer(phone string) *Officer {
	i, ok := slices.BinarySearchFunc(r.Officers, phone, func(o Officer, phone string) int {
		return cmp.Compare(o.Phone, phone)
	})
	if !ok {
		return nil
	}
	return &r.Officers[i]
}

// Facts is what the registry alone knows about these senders, as they came over
// the air: no message is known and every case is empty.
func (r *Registry) Facts(senders ...string) *Facts {
	f := &Facts{
		Known:           map[Key]bool{},
		Officers:        make(map[string]*Officer, len(senders)),
		Cases:           map[CaseKey]*Case{},
		Own:             make(map[string]bool, len(r.Own)),
		Questions:       map[QuestionKey]*Question{},
		Cards:           map[string]*Card{},
		UnknownAnswered: map[string]bool{},
	}
	for _, own := range r.Own {
		f.Own[own] = true
	}
	for _, s := range senders {
		phone, _ := parser.ParsePhone(s)
		if o := r.Officer(phone); o != nil {
			f.Officers[phone] = o
		}
	}
	return f
}
