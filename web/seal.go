package web

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"tali/db"
)

// Seal closes the secrets of second factors before they go to the database: who
// reads a table or a backup of it makes no codes. A nil Seal leaves them open.
type Seal struct{ aead cipher.AEAD }

// sealed is what a closed secret begins with; no base32 does.
const sealed = "s1:"

// errSeal: a secret was closed with a key that is not here.
var errSeal = errors.New("second factor is sealed with another key: put back the key file that it was made with, or run tali user reset")

// NewSeal makes a seal of the 32 bytes of a key file.
func NewSeal(key []byte) (*Seal, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, "tali second factor 1", 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of second factors: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("opening the key of second factors: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("opening the key of second factors: %w", err)
	}
	return &Seal{aead}, nil
}

// close seals a secret for one account: in another's row it cannot be opened.
// What is sealed or empty stays as it is.
func (s *Seal) close(login, secret string) string {
	if s == nil || secret == "" || strings.HasPrefix(secret, sealed) {
		return secret
	}
	return sealed + base64.RawStdEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(secret), []byte(login)))
}

// open is the secret of a row; one that was never sealed is taken as it is.
func (s *Seal) open(login, stored string) (string, error) {
	text, closed := strings.CutPrefix(stored, sealed)
	if !closed {
		return stored, nil
	}
	box, err := base64.RawStdEncoding.DecodeString(text)
	if s == nil || err != nil {
		return "", fmt.Errorf("%s: %w", login, errSeal)
	}
	secret, err := s.aead.Open(nil, nil, box, []byte(login))
	if err != nil {
		return "", fmt.Errorf("%s: %w", login, errSeal)
	}
	return string(secret), nil
}

// sealOld seals the secret of an account from before there was a key. Where that
// fails the next sign-in does it.
func (s *site) sealOld(ctx context.Context, a db.Account) {
	now := s.Seal.close(a.Login, a.TOTP)
	if now == a.TOTP {
		return
	}
	if err := s.Centre.SealTOTP(ctx, a.ID, a.TOTP, now); err != nil {
		s.Log.Warn("a second factor was not sealed", "err", err)
	}
}
