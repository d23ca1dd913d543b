package configs

import (
	"slices"

	"tali/parser"
)

// authModes are the modes of A, the strictest last.
func authModes() []parser.AuthMode {
	return []parser.AuthMode{parser.AuthOff, parser.AuthAccepted, parser.AuthRequired}
}

// Profile reads the election of c. Of its own auth and auth.mode the stricter
// one counts: a configuration asks for more than the profile does, never for
// less. The mode is part of the digest, so that gateways whose modes differ are
// told, and never decide side by side.
func (c Config) Profile() (*parser.Profile, error) {
	p, err := LoadProfile(c.Election)
	if err != nil {
		return nil, err
	}
	mode := parser.AuthMode(c.Auth.Mode)
	if slices.Index(authModes(), mode) <= slices.Index(authModes(), p.Auth) {
		return p, nil
	}
	return WithAuth(p, mode)
}

// WithAuth is p as if its file had that auth.
func WithAuth(p *parser.Profile, mode parser.AuthMode) (*parser.Profile, error) {
	other := *p
	other.Auth = mode
	other.Digest = digest(&other)
	return parser.NewProfile(other)
}
