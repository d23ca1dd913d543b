package gateway

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tali/db/spool"
	"tali/gsm"
)

func names(list []Alarm) string {
	var out []string
	for _, a := range list {
		out = append(out, a.key())
	}
	return strings.Join(out, ",")
}

// TestHysteresis: nothing that passes soon is told, nor an end that does not
// last; what is told is told once.
func TestHysteresis(t *testing.T) {
	t.Parallel()
	s := AlarmSettings{After: 2 * time.Minute, Clear: 5 * time.Minute}
	at := time.Date(2024, 11, 27, 19, 0, 0, 0, time.UTC)
	down := Alarm{Name: "modem_down", Subject: "m1"}
	a := newAlarms()
	for i, c := range []struct {
		minute       float64
		wrong        bool
		begins, ends string
	}{
		{0, true, "", ""},
		{1, false, "", ""}, // it passed
		{2, true, "", ""},  // and counts anew
		{3.9, true, "", ""},
		{4, true, "modem_down m1", ""},
		{5, true, "", ""},
		{6, false, "", ""},
		{9, true, "", ""},   // no end: back within Clear
		{10, false, "", ""}, // counted anew
		{14.9, false, "", ""},
		{15, false, "", "modem_down m1"},
		{16, false, "", ""},
		{17, true, "", ""},
		{19, true, "modem_down m1", ""},
	} {
		var found []Alarm
		if c.wrong {
			found = append(found, down)
		}
		begins, ends := a.weigh(found, s, at.Add(time.Duration(c.minute*float64(time.Minute))))
		if names(begins) != c.begins || names(ends) != c.ends {
			t.Errorf("step %d, minute %v: begins %q, ends %q, want %q, %q", i, c.minute, names(begins), names(ends), c.begins, c.ends)
		}
	}
}

func TestReadBalance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		rupiah  int
		expires string // last day; empty for none
		err     bool
	}{
		{"Sisa pulsa Rp50.000 s.d. 31/12/2027", 50000, "2027-12-31", false},
		{"Pulsa Rp. 12500, aktif sd 2027-01-05.", 12500, "2027-01-05", false},
		{"Pulsa Anda Rp 1.250.000,00 berlaku hingga 05-01-27", 1250000, "2027-01-05", false},
		{"Sisa pulsa Anda Rp0", 0, "", false},
		{"RP 7,500. Balas 1 utk paket", 7500, "", false},
		{"Maaf, layanan tidak tersedia", 0, "", true},
	} {
		got, err := ReadBalance(CommonBalance(), c.text)
		expires := ""
		if !got.Expires.IsZero() {
			expires = got.Expires.AddDate(0, 0, -1).Format(time.DateOnly)
		}
		if got.Rupiah != c.rupiah || expires != c.expires || (err != nil) != c.err {
			t.Errorf("ReadBalance(%q) = %d until %q, %v, want %d until %q", c.text, got.Rupiah, expires, err, c.rupiah, c.expires)
		}
	}
}

func TestRest(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 11, 27, 19, 0, 0, 0, time.UTC)
	busy, gone := &gsm.SendError{Kind: "CMS", Code: 42}, &gsm.SendError{Kind: "CMS", Code: 1, Permanent: true}
	r := &rest{}
	for i, c := range []struct {
		err  error
		rest time.Duration
	}{
		{busy, 0}, {busy, 0}, {busy, 30 * time.Second}, {fmt.Errorf("sending: %w", busy), time.Minute},
		{gone, time.Minute}, {errors.New("unknown"), time.Minute}, {nil, 0}, {busy, 0},
	} {
		r.note(c.err, now)
		if r.weary() != (c.rest > 0) || r.weary() != (r.refused >= restAfter) {
			t.Errorf("step %d (%v): weary = %v after %d refusals", i, c.err, r.weary(), r.refused)
		}
		if on := r.on(now.Add(c.rest - 1)); on != (c.rest > 0) || r.on(now.Add(c.rest)) {
			t.Errorf("step %d (%v): rests = %v, want %v", i, c.err, on, c.rest)
		}
	}
	for n, want := range map[int]time.Duration{1: 30 * time.Second, 2: time.Minute, 5: 8 * time.Minute, 6: 10 * time.Minute, 60: 10 * time.Minute} {
		if got := notBefore(busy, n, now).Sub(now); got != want {
			t.Errorf("attempt %d waits %v, want %v", n, got, want)
		}
	}
	if at := notBefore(gsm.ErrUnplugged, 3, now); !at.IsZero() {
		t.Errorf("what never reached a modem waits until %v", at)
	}
}

func TestLoads(t *testing.T) {
	t.Parallel()
	l, now := newLoads(), time.Date(2024, 11, 27, 19, 0, 0, 0, time.UTC)
	for i := range 120 { // ten a minute, twelve minutes long
		l.add("m1", fmt.Sprint(i%7), now.Add(time.Duration(i)*6*time.Second))
	}
	end := now.Add(12 * time.Minute)
	if got := l.get("m1", end); got.PerMinute < 9 || got.PerMinute > 10 || got.Senders != 7 || !got.Hot() {
		t.Errorf("load = %+v, want ten a minute of seven phones", got)
	}
	if got := l.get("m1", end.Add(11*time.Minute)); got.PerMinute != 0 || got.Senders != 7 {
		t.Errorf("load after a pause = %+v, want nothing of seven phones", got)
	}
	if got := l.get("m1", end.Add(25*time.Hour)); got.Senders != 0 {
		t.Errorf("phones a day later = %d, want none", got.Senders)
	}
	if got := l.get("m2", end); got.PerMinute != 0 || got.Hot() {
		t.Errorf("load of a modem that received nothing = %+v", got)
	}
}

// TestSpread: stations are counted once, whatever phones write for them, and a
// hot number's advice says how many to move, and where there is room.
func TestSpread(t *testing.T) {
	t.Parallel()
	l, now := newLoads(), time.Date(2024, 11, 27, 19, 0, 0, 0, time.UTC)
	for i := range 30 {
		l.about("m1", fmt.Sprint(i%10), now.Add(time.Duration(i)*time.Minute))
	}
	l.about("m1", "3", now.Add(-time.Hour)) // offered again, as of when it came
	for at, want := range map[time.Duration]int{time.Hour: 10, 24*time.Hour + 24*time.Minute: 6, 25 * time.Hour: 0} {
		if got := l.get("m1", now.Add(at)).Stations; got != want {
			t.Errorf("stations after %v = %d, want %d", at, got, want)
		}
	}
	hot := Load{Modem: "m1", Number: "+628990000101", PerMinute: 12, Senders: 40, Stations: 30}
	cool := Load{Modem: "m2", Number: "+628990000102", PerMinute: 1.2, Stations: 4}
	warm := Load{Modem: "m3", Number: "+628990000103", PerMinute: 7, Stations: 20}
	for name, c := range map[string]struct {
		hot  Load
		all  []Load
		want string
	}{
		"room elsewhere": {hot, []Load{hot, warm, cool}, "modem m1 menerima 12 SMS/menit dari 30 TPS. Pindahkan 10 TPS ke +628990000102 (modem m2, 1/menit, 4 TPS)."},
		"no room":        {hot, []Load{hot, warm}, "modem m1 menerima 12 SMS/menit dari 30 TPS. Pindahkan 10 TPS ke nomor lain, atau tambah nomor."},
		"one number":     {hot, []Load{hot}, "modem m1 menerima 12 SMS/menit dari 30 TPS. Pindahkan 10 TPS ke nomor lain, atau tambah nomor."},
		"centre away": {Load{Modem: "m1", PerMinute: 12, Senders: 40}, []Load{cool},
			"modem m1 menerima 12 SMS/menit dari 40 HP. Pindahkan sebagian TPS ke nomor lain."},
	} {
		if got := advice(c.hot, c.all); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestPulsesRecalled: what a SIM owes it owes after a restart, and no earlier one
// is sent for it.
func TestPulsesRecalled(t *testing.T) {
	t.Parallel()
	before, after, now := newPulses(), newPulses(), time.Date(2024, 11, 27, 19, 0, 0, 0, time.UTC)
	before.arrived("m1", now.Add(-time.Hour))
	before.expect("m1", now)
	before.expect("m2", now)
	before.spare("m2")
	text, err := before.pack()
	if err != nil {
		t.Fatal(err)
	}
	if err := after.unpack(text); err != nil {
		t.Fatal(err)
	}
	later := now.Add(pulseGrace + time.Minute)
	if came, late := after.last("m1", later); late != time.Minute || !came.Equal(now.Add(-time.Hour)) {
		t.Errorf("m1 last came %v and is overdue by %v, want a minute", came, late)
	}
	if _, late := after.last("m2", later); late != 0 {
		t.Errorf("m2, to which nothing was sent, is overdue by %v", late)
	}
	for _, c := range []struct {
		modem string
		at    time.Time
		want  bool
	}{
		{"m1", later, false}, {"m1", now.Add(time.Hour), true}, {"m2", later, false}, {"m3", now, true},
		{"m1", now.Add(-time.Minute), true}, // the clock was set back
	} {
		if got := after.due(c.modem, time.Hour, c.at); got != c.want {
			t.Errorf("%s due at %v = %v, want %v", c.modem, c.at, got, c.want)
		}
	}
}

// TestRounds names the loop that hangs, and no other.
func TestRounds(t *testing.T) {
	t.Parallel()
	r := newRounds()
	if late := r.late(time.Now()); late != nil {
		t.Errorf("before the start: %v", late)
	}
	r.mark(watchLoop)
	r.mark(deliverLoop)
	if late := r.late(time.Now().Add(watchLimit - time.Second)); late != nil {
		t.Errorf("in time: %v", late)
	}
	if late := r.late(time.Now().Add(watchLimit + time.Second)); len(late) != 1 || !strings.HasPrefix(late[0], "loop watch stands still since ") {
		t.Errorf("late = %q, want the watch", late)
	}
	if late := r.late(time.Now().Add(loopLimit + time.Second)); len(late) != 2 {
		t.Errorf("late = %q, want both", late)
	}
}

// TestUnwrittenDrops counts what is given up.
func TestUnwrittenDrops(t *testing.T) {
	t.Parallel()
	var u unwritten
	if n := u.add(make([]spool.Notice, mostNotices)...); n != 0 {
		t.Errorf("%d dropped of what fits", n)
	}
	if n := u.add(make([]spool.Notice, 3)...); n != 3 {
		t.Errorf("%d dropped, want 3", n)
	}
}

func TestPulsesOverdue(t *testing.T) {
	t.Parallel()
	p, now := newPulses(), time.Date(2024, 11, 27, 19, 0, 0, 0, time.UTC)
	p.expect("m1", now)
	p.expect("m1", now.Add(30*time.Minute)) // the first is still missing
	if _, late := p.last("m1", now.Add(pulseGrace)); late != 0 {
		t.Errorf("overdue by %v within the grace", late)
	}
	if _, late := p.last("m1", now.Add(pulseGrace+time.Minute)); late != time.Minute {
		t.Errorf("overdue by %v, want a minute", late)
	}
	p.arrived("m1", now.Add(time.Hour))
	if came, late := p.last("m1", now.Add(3*time.Hour)); late != 0 || !came.Equal(now.Add(time.Hour)) {
		t.Errorf("after it came: %v, overdue %v", came, late)
	}
}
