package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/argon2"
)

// The cost of one guess: 19 MiB and two passes, as OWASP asks of argon2id.
const (
	argonMemory  = 19 << 10 // KiB
	argonPasses  = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// Limits of a password. Length is what counts; a phrase is easier to remember
// than signs.
const (
	shortestPassword = 12
	longestPassword  = 128
	fewestLetters    = 5 // different ones
)

// hasher turns passwords into hashes, a few at a time: a flood of guesses must
// not take the memory that SMS are decided in.
type hasher struct {
	turns chan struct{}
	decoy func() string // what an unknown login is compared with, in the same time
}

func newHasher() *hasher {
	return &hasher{
		turns: make(chan struct{}, 2),
		decoy: sync.OnceValue(func() string { return hashPassword(rand.Text()) }),
	}
}

// hash is what is stored of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.wait(ctx); err != nil {
		return "", err
	}
	defer h.done()
	return hashPassword(password), nil
}

// fits reports whether a password is the one that was hashed. An empty hash fits
// nothing and takes as long.
func (h *hasher) fits(ctx context.Context, password, hash string) (bool, error) {
	if err := h.wait(ctx); err != nil {
		return false, err
	}
	defer h.done()
	if hash == "" {
		comparePassword(password, h.decoy())
		return false, nil
	}
	return comparePassword(password, hash), nil
}

func (h *hasher) wait(ctx context.Context) error {
	select {
	case h.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to check a password: %w", ctx.Err())
	}
}

func (h *hasher) done() { <-h.turns }

// HashPassword is what is stored of a password, for accounts that are made
// without the desk.
func HashPassword(password string) string { return hashPassword(password) }

func hashPassword(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails, see crypto/rand
	key := argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonThreads, argonKey)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonPasses, argonThreads, encode(salt), encode(key))
}

func comparePassword(password, hash string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var memory, passes uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil || passes == 0 || threads == 0 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

// weak names what is wrong with a new password, as the key of a text; empty when
// nothing is.
func weak(password, login string) string {
	letters := make(map[rune]bool)
	for _, r := range password {
		letters[r] = true
	}
	low := strings.ToLower(password)
	switch {
	case len([]rune(password)) < shortestPassword:
		return "password.short"
	case len(password) > longestPassword:
		return "password.long"
	case len(letters) < fewestLetters:
		return "password.simple"
	case strings.Contains(low, login), strings.Contains(low, "password"), strings.Contains(low, "123456"),
		strings.Contains(low, "katasandi"), strings.Contains(low, "rahasia"), strings.Contains(low, "bolmut"):
		return "password.guessable"
	}
	return ""
}
