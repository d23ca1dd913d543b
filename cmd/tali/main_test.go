package main

import (
	"os"
	"testing"

	"tali/db"
	"tali/db/dbtest"
)

// TestMain runs the tests or, as a child of one of them, tali itself.
func TestMain(m *testing.M) {
	if os.Getenv("TALI_TEST_RUN") == "1" {
		main()
		return
	}
	dbtest.Main(m, db.Migrate)
}
