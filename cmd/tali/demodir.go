package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// demoMarker is the file that keeps serve away from invented data.
const demoMarker = "DEMO"

// markDemo makes a directory the demo's. One that holds anything else is
// refused: marked, a real data_dir would be refused by serve.
func markDemo(dir string) error {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return fmt.Errorf("--dir: %w: choose a directory that can be made", err)
	}
	found, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	marker := filepath.Join(dir, demoMarker)
	if _, err := os.Stat(marker); len(found) > 0 && errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("--dir %s holds files that are not a demo's: choose a new or an empty directory", dir)
	}
	text := "Everything in this directory is invented. tali serve refuses it.\n"
	if err := os.WriteFile(marker, []byte(text), 0o644); err != nil {
		return fmt.Errorf("--dir: %w: choose a directory that you may write to", err)
	}
	return nil
}

// refuseDemo keeps real elections and invented data apart.
func refuseDemo(dataDir string) error {
	_, err := os.Stat(filepath.Join(dataDir, demoMarker))
	switch {
	case err == nil:
		return fmt.Errorf("data_dir %s holds the data of a demo: choose another directory", dataDir)
	case errors.Is(err, os.ErrNotExist):
		return nil
	}
	return fmt.Errorf("data_dir: %w", err)
}
