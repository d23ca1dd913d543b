package parser

import "testing"

// ProfileForTest lets the tests outside the package use its profile.
func ProfileForTest(t testing.TB, changes ...func(*Profile)) *Profile {
	t.Helper()
	return testProfile(t, changes...)
}
