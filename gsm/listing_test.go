package gsm

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseListing(t *testing.T) {
	t.Parallel()
	// Two TPDUs of 3 octets and one of 4, without SMSC address.
	const a, b, long = "00040102", "00040304", "0004050607"
	pair := func(slot int, pdu string, whole, doubt bool) entry {
		return entry{slot: slot, status: 1, length: 3, pdu: pdu, whole: whole, doubt: doubt}
	}
	for _, c := range []struct {
		name, lines string
		want        []entry
	}{
		{"empty", "", nil},
		{"two", "+CMGL: 1,1,,3|" + a + "|+CMGL: 2,1,,3|" + b, []entry{pair(1, a, true, false), pair(2, b, true, false)}},
		{"name with commas", `+CMGL: 1,1,"Bu, Ani",3|` + a, []entry{pair(1, a, true, false)}},
		{"lower case", "+CMGL: 1,1,,3|000401ff", []entry{pair(1, "000401FF", true, false)}},
		{"foreign line between", "+CMGL: 1,1,,3|RING|" + a, []entry{pair(1, a, true, true)}},
		{"foreign line after", "+CMGL: 1,1,,3|" + a + "|RING|+CMGL: 2,1,,3|" + b, []entry{pair(1, a, true, false), pair(2, b, true, false)}},
		{"no hex", "+CMGL: 1,1,,3|+CMGL: 2,1,,3|" + b, []entry{pair(1, "", false, false), pair(2, b, true, false)}},
		{"foreign hex of another length", "+CMGL: 1,1,,3|" + long + "|" + a, []entry{pair(1, long, false, true)}},
		{"foreign hex of the same length", "+CMGL: 1,1,,3|" + b + "|" + a, []entry{pair(1, b, false, true)}},
		{"message routed between", "+CMGL: 1,1,,3|+CMT: ,3|" + b + "|" + a + "|+CMGL: 2,1,,3|" + b,
			[]entry{pair(1, "", false, true), pair(2, b, true, false)}},
		{"message routed before", "+CMT: ,3|" + b + "|+CMGL: 1,1,,3|" + a, []entry{pair(1, a, true, false)}},
		{"hex torn by a line", "+CMGL: 1,1,,3|0004|RING|0102", []entry{pair(1, "0004", false, true)}},
		{"header without numbers", "+CMGL: x|" + a + "|+CMGL: 2,1,,3|" + b, []entry{pair(2, b, true, false)}},
		{"text mode", `+CMGL: 1,"REC UNREAD","+62",,"24/11/27"|HALO`, nil},
		{"negative index", "+CMGL: -1,1,,3|" + a, nil},
	} {
		var lines []string
		if c.lines != "" {
			lines = strings.Split(c.lines, "|")
		}
		asked := time.Now()
		got := parseListing(lines, "+CMGL", asked)
		for i := range got {
			if !got[i].readAt.Equal(asked) {
				t.Errorf("%s: readAt = %v, want the time of asking", c.name, got[i].readAt)
			}
			got[i].readAt = time.Time{}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: parseListing = %+v, want %+v", c.name, got, c.want)
		}
	}
	got := parseListing([]string{"+CMGR: 0,,3", a}, "+CMGR", time.Time{})
	if want := (entry{length: 3, pdu: a, whole: true}); len(got) != 1 || got[0] != want {
		t.Errorf("parseListing of AT+CMGR = %+v, want %+v", got, want)
	}
}

// FuzzParseListing throws lines at the pairing: what is whole must have the announced length and a header.
func FuzzParseListing(f *testing.F) {
	f.Add("+CMGL: 1,1,,3\n00040102\n+CMGL: 2,1,,3\nRING\n00040304")
	f.Add("+CMGL: 1,1,,3\n+CMT: ,3\n00040102\n00040304")
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range parseListing(strings.Split(text, "\n"), "+CMGL", time.Time{}) {
			if e.whole && octets(e.pdu) != e.length || e.slot < 0 {
				t.Errorf("parseListing(%q) gives %+v", text, e)
			}
		}
	})
}

func TestIndications(t *testing.T) {
	t.Parallel()
	for offered, want := range map[string]string{
		"":                                   "2,1,0,0,0",
		"(0-2),(0-3),(0,2),(0-2),(0,1)":      "2,1,0,0,0",
		"(0-3),(0-3),(0,2,3),(0-2),(0,1)":    "2,1,0,0,0",
		"(0,1),(0,1),(0),(0),(1)":            "1,1,0,0,1",
		"(3),(0,2),(0),(0),(0)":              "3,0,0,0,0",
		"(0, 1, 2), (0, 1), (0), (0-1), (0)": "2,1,0,0,0",
		"(1,2),(0-1,3),(0,2),(1,2),(1)":      "2,1,0,1,1",
		"nonsense":                           "2,1,0,0,0",
		"(0-999999999),(x-y),(),(0),(0)":     "2,1,0,0,0",
	} {
		if got := indications(offered, []int{0}); got != want {
			t.Errorf("indications(%q) = %s, want %s", offered, got, want)
		}
	}
}

func TestStoreNames(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string][]string{
		`("SM","ME"),("SM"),("SM")`: {"SM", "ME"},
		`("MT")`:                    {"MT"},
		``:                          nil,
		`"SM`:                       {"SM"},
	} {
		if got := storeNames(answer); !reflect.DeepEqual(got, want) {
			t.Errorf("storeNames(%q) = %q, want %q", answer, got, want)
		}
	}
}
