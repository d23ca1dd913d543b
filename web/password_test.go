package web

import (
	"strings"
	"testing"
)

// TestPasswordHash: the stored form has the parameters asked for, a salt of its
// own, and fits its password alone.
func TestPasswordHash(t *testing.T) {
	t.Parallel()
	h := newHasher()
	const password = "perahu hijau di teluk"
	one, err := h.hash(t.Context(), password)
	if err != nil || !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("hash = %q, %v", one, err)
	}
	if again := hashPassword(password); again == one {
		t.Error("two hashes have the same salt")
	}
	for _, c := range []struct {
		password, hash string
		want           bool
	}{
		{password, one, true}, {password + " ", one, false}, {"", one, false}, {password, "", false}, {"", "", false},
		{password, strings.Replace(one, "argon2id", "argon2i", 1), false}, {password, "$argon2id$v=19$m=19456,t=0,p=1$AA$AA", false},
		{password, "$argon2id$v=19$m=19456,t=2,p=1$AAAA$", false}, {password, "plain", false},
	} {
		if got, err := h.fits(t.Context(), c.password, c.hash); err != nil || got != c.want {
			t.Errorf("fits(%q, %q) = %t, %v, want %t", c.password, c.hash, got, err, c.want)
		}
	}
}

func TestWeakPasswords(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		"pendek": "password.short", strings.Repeat("ab", 70): "password.long", strings.Repeat("ab", 8): "password.simple",
		"siti adalah saya": "password.guessable", "Katasandi Saya Ini": "password.guessable", "angka 12345678": "password.guessable",
		"perahu hijau di teluk": "",
	} {
		if got := weak(password, "siti"); got != want {
			t.Errorf("weak(%q) = %q, want %q", password, got, want)
		}
	}
}
