package verify

import "testing"

func TestOneSlip(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, typed, meant string
		want               bool
	}{
		{"equal", "145", "145", false},
		{"digit other", "145", "175", true},
		{"only digit", "0", "7", true},
		{"digit added in front", "1145", "145", true},
		{"digit added in the middle", "1405", "145", true},
		{"digit added behind", "1450", "145", true},
		{"digit omitted", "14", "145", true},
		{"first digit omitted", "45", "145", true},
		{"two omitted", "1", "145", false},
		{"neighbours exchanged", "89", "98", true},
		{"neighbours exchanged in the middle", "154", "145", true},
		{"around a third exchanged", "541", "145", true},
		{"twin", "113", "223", true},
		{"twin at the end", "311", "322", true},
		{"jump twin", "161", "262", true},
		{"jump twin about another", "161", "272", false},
		{"thirty for thirteen", "30", "13", true},
		{"thirteen for thirty", "13", "30", true},
		{"thirty for thirteen in hundreds", "130", "113", true},
		{"forty for thirteen", "40", "13", false},
		{"two digits other", "145", "189", false},
		{"first and last other", "145", "246", false},
		{"one digit other and one added", "1455", "175", false},
	} {
		if got := oneSlip(row.typed, row.meant); got != row.want {
			t.Errorf("%s: oneSlip(%q, %q) = %v, want %v", row.name, row.typed, row.meant, got, row.want)
		}
		if got := oneSlip(row.meant, row.typed); got != row.want {
			t.Errorf("%s: oneSlip(%q, %q) = %v, want %v as the other way", row.name, row.meant, row.typed, got, row.want)
		}
	}
}
