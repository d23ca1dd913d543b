package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tali/parser"
)

// Of the profile's auth and auth.mode the stricter one counts, and is part of
// the digest.
func TestTheStricterModeCounts(t *testing.T) {
	t.Parallel()
	plain, err := profiles.ReadFile("pilkada-2024-bolmut.yaml")
	if err != nil {
		t.Fatal(err)
	}
	digests := map[parser.AuthMode]string{}
	for _, row := range []struct{ profile, config, want parser.AuthMode }{
		{"off", "off", "off"}, {"off", "accepted", "accepted"}, {"off", "required", "required"},
		{"accepted", "off", "accepted"}, {"accepted", "accepted", "accepted"}, {"accepted", "required", "required"},
		{"required", "off", "required"}, {"required", "accepted", "required"}, {"required", "required", "required"},
	} {
		path := filepath.Join(t.TempDir(), "p.yaml")
		text := strings.Replace(string(plain), `auth: "off"`, `auth: "`+string(row.profile)+`"`, 1)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := Default()
		c.Election, c.Auth.Mode = path, string(row.config)
		p, err := c.Profile()
		if err != nil {
			t.Fatal(err)
		}
		if p.Auth != row.want || parser.Parse(p, "PILBUP").Ballot == nil {
			t.Errorf("profile %s with auth.mode %s: %s, want %s", row.profile, row.config, p.Auth, row.want)
		}
		if before, ok := digests[p.Auth]; ok && before != p.Digest {
			t.Errorf("profile %s with auth.mode %s: digest differs from another way to %s", row.profile, row.config, p.Auth)
		}
		digests[p.Auth] = p.Digest
	}
	if len(digests) != 3 || digests["off"] == digests["accepted"] || digests["off"] == digests["required"] || digests["accepted"] == digests["required"] {
		t.Errorf("digests %v, want three", digests)
	}
}
