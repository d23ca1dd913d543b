package verify

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestRegistryRoundTrip(t *testing.T) {
	t.Parallel()
	want := testRegistry(t)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Registry
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !got.TakenAt.Equal(want.TakenAt) {
		t.Errorf("TakenAt = %v, want %v", got.TakenAt, want.TakenAt)
	}
	got.TakenAt = want.TakenAt
	if !reflect.DeepEqual(&got, want) {
		t.Errorf("after JSON: %+v\nwant %+v", got, *want)
	}
}

func TestRegistryFacts(t *testing.T) {
	t.Parallel()
	var r Registry
	text := `{"officers":[{"phone":"0800 0000 009","name":"Z"},{"phone":"0800-0000-001","name":"A","stations":[{"code":"1","tps":"10013505"}]}],"own":["0800 0000 099"]}`
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	f := r.Facts("628000000001", "TELKOMSEL", "+628000000777")
	if len(f.Officers) != 1 || f.Officers["+628000000001"] == nil || f.Officers["+628000000001"].Name != "A" {
		t.Errorf("Officers = %v, want A alone", f.Officers)
	}
	if !f.Own["+628000000099"] {
		t.Errorf("Own = %v, want our modem", f.Own)
	}
}

func TestRegistryRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, text, want string }{
		{"twice the same phone", `{"officers":[{"phone":"+628000000001","name":"A"},{"phone":"08000000001","name":"B"}]}`, `officers "A" and "B" have the same phone`},
		{"no phone", `{"officers":[{"phone":"Ani","name":"A"}]}`, `officer "A": phone "Ani" is no phone number`},
		{"own number", `{"own":["123"]}`, `own number "123": no phone number`},
	} {
		var r Registry
		if err := json.Unmarshal([]byte(row.text), &r); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: Unmarshal = %v, want %s", row.name, err, row.want)
		}
	}
}
