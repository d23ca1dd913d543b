package cluster

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClosedParent(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root hands the server to another user")
	}
	parent := filepath.Join(openTempDir(t), "closed")
	if err := os.Mkdir(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(context.Background(), Options{Dir: filepath.Join(parent, "tali", "postgres")})
	if err == nil {
		t.Fatal("Start went below a directory that user postgres cannot enter")
	}
	for _, want := range []string{"cannot enter " + parent, "0700", `"chmod o+x ` + parent + `"`, "data_dir"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q in it", err, want)
		}
	}
}

func TestDirOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	dir := openTempDir(t)
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	_, err := Start(context.Background(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "belongs to the user with id 12345") {
		t.Errorf("error = %v, want the owner's id in it", err)
	}
}

func TestSocketDirPreparedByAnother(t *testing.T) {
	t.Parallel()
	as, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	target := openTempDir(t)
	link := filepath.Join(openTempDir(t), "run")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"a link": link, "open to all": target} {
		if err := checkPrivate(dir, as); err == nil {
			t.Errorf("checkPrivate took %s", name)
		}
	}
}

func TestQuoteDSN(t *testing.T) {
	t.Parallel()
	if got, want := quoteDSN(`/it's\here now`), `'/it\'s\\here now'`; got != want {
		t.Errorf("quoteDSN = %s, want %s", got, want)
	}
}

func TestIdentMap(t *testing.T) {
	t.Parallel()
	got := identMap([]string{"root", "postgres"})
	for _, want := range []string{`tali "root" postgres`, `tali "postgres" tali_owner`, `tali "root" tali_results_reader`} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("map lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "all") {
		t.Errorf("map lets everyone in:\n%s", got)
	}
}
