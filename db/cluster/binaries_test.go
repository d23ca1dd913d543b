package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeServer makes a directory with a postgres that only knows its version.
func fakeServer(t *testing.T, parent, version string) string {
	t.Helper()
	dir := filepath.Join(parent, version, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + " (Debian)'\n",
		"initdb":   "#!/bin/sh\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindBinaries(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		inPath string
		others []string
		want   string // version chosen for a new directory
		err    string
	}{
		{name: "newest of the directories", others: []string{"15.18", "17.2", "16.1"}, want: "17.2"},
		{name: "PATH first", inPath: "15.18", others: []string{"17.2"}, want: "15.18"},
		{name: "PATH too old", inPath: "14.9", others: []string{"13.1", "16.1"}, want: "16.1"},
		{name: "a beta counts", others: []string{"18beta1"}, want: "18beta1"},
		{name: "only old ones", others: []string{"13.1", "14.9"}, err: "found: version 14, 13"},
		{name: "an ancient one", others: []string{"9.6.24"}, err: "found: version 9"},
		{name: "none", err: "apt-get install postgresql"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			path := "relative:" + filepath.Join(root, "missing")
			if tc.inPath != "" {
				path += ":" + fakeServer(t, filepath.Join(root, "path"), tc.inPath)
			}
			for _, v := range tc.others {
				fakeServer(t, filepath.Join(root, "lib"), v)
			}
			got, err := newest(findBinaries(path, []string{filepath.Join(root, "lib", "*", "bin")}))
			if tc.err != "" {
				if !errors.Is(err, ErrNoServer) || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error = %v, want ErrNoServer with %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if v := filepath.Base(filepath.Dir(got.dir)); v != tc.want {
				t.Errorf("chose %s, want %s", v, tc.want)
			}
		})
	}
}

func TestFindBinariesFollowsLinks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	real := fakeServer(t, root, "15.18")
	links := filepath.Join(root, "links")
	if err := os.Mkdir(links, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(real, "postgres"), filepath.Join(links, "postgres")); err != nil {
		t.Fatal(err)
	}
	found := findBinaries(links, nil)
	if len(found) != 1 || found[0].dir != real {
		t.Errorf("findBinaries through links = %v, want %s", found, real)
	}
}

func TestErrNoServerIsOneLine(t *testing.T) {
	t.Parallel()
	if strings.Contains(ErrNoServer.Error(), "\n") {
		t.Errorf("%q has more than a line", ErrNoServer)
	}
}

func TestOtherMajorVersion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ version, want string }{
		"newer":    {"99", "made by PostgreSQL 99"},
		"older":    {"11", "made by PostgreSQL 11"},
		"ancient":  {"9.6", "made by PostgreSQL 9,"},
		"nonsense": {"abc", `no PostgreSQL version but "abc"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := openTempDir(t)
			data := filepath.Join(dir, "data")
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}
			as, err := serverAccount()
			if err != nil {
				t.Fatal(err)
			}
			if err := as.chown(data); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(tc.version+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Start(context.Background(), Options{Dir: dir})
			if err == nil {
				t.Errorf("Start opened a directory of version %s", tc.version)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want %q in it", err, tc.want)
			}
		})
	}
}

// openTempDir is a temporary directory that every account can enter.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tali-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
