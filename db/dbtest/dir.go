package dbtest

import (
	"os"
	"testing"
)

// Dir is a directory of the test for a PostgreSQL server: its account may enter,
// and the names of sockets in it stay short. t.TempDir's has neither property.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tali-test-") // a socket's path may have 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}
