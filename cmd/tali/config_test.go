package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestConfigExampleIsRight(t *testing.T) {
	t.Parallel()
	path := file(t, "tali.yaml", mustTali(t, "config", "example"))
	want := path + " is right: election pilkada-2024, 2 ballots, phase real, 0 modems\n"
	if got := mustTali(t, "config", "check", path); got != want {
		t.Errorf("check = %q, want %q", got, want)
	}
}

// brokenConfigs are configurations with what must be said about each.
func brokenConfigs() map[string]struct {
	text string
	want []string
} {
	return map[string]struct {
		text string
		want []string
	}{
		"unknown key":         {"desk:\n  lisen: 127.0.0.1:9000\n", []string{":2: desk.lisen: unknown key: did you mean desk.listen?"}},
		"no YAML":             {"desk: [\n", []string{"tali.yaml:"}},
		"no address":          {"desk:\n  listen: 8080\n", []string{`:2: desk.listen: "8080": is no address: write host:port`}},
		"open page, no TLS":   {"desk:\n  listen: 0.0.0.0:8080\n", []string{"desk.listen", "0.0.0.0:8080", "tls_cert"}},
		"unknown election":    {"election: pilpres-1955\n", []string{`:1: election: "pilpres-1955"`, "known here: pemilu-2024-bolmut, pilkada-2024-bolmut"}},
		"DSN without sslmode": {"database:\n  dsn: host=db password=geheim\n", []string{"database.dsn", "password=****", "sslmode"}},
		"two problems":        {"data_dir: here\nlog:\n  level: loud\n", []string{":1: data_dir: \"here\": is not a full path", ":3: log.level: \"loud\""}},
	}
}

func TestConfigCheckNamesEveryProblem(t *testing.T) {
	t.Parallel()
	for name, c := range brokenConfigs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := file(t, "tali.yaml", c.text)
			out, err := tali(t, "config", "check", path)
			if err == nil || out != "" {
				t.Fatalf("check printed %q with error %v, want an error alone", out, err)
			}
			for _, part := range c.want {
				wantPart(t, err.Error(), part)
			}
			if name != "two problems" {
				wantError(t, err)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	_, err := tali(t, "config", "check", missing)
	wantError(t, err, missing, "no such file")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want os.ErrNotExist in it", err)
	}
}
