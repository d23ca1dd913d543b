package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// demoMarker is the file that keeps serve away from invented data.
const demoMarker = "DEMO"

// takeDemoDir makes a directory the demo's, for this process alone until the
// returned file is closed. One that holds anything else is refused: marked, a
// real data_dir would be refused by serve.
func takeDemoDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, fmt.Errorf("--dir: %w: choose a directory that can be made", err)
	}
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("--dir: %w", err)
	}
	path := filepath.Join(dir, demoMarker)
	if _, err := os.Stat(path); len(found) > 0 && errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("--dir %s holds files that are not a demo's: choose a new or an empty directory", dir)
	}
	marker, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("--dir: %w: choose a directory that you may write to", err)
	}
	if err := syscall.Flock(int(marker.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("--dir %s is in use by another demo: stop that one or choose another directory", dir), marker.Close())
	}
	if _, err := marker.WriteAt([]byte("Everything in this directory is invented. tali serve refuses it.\n"), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("--dir: %w", err), marker.Close())
	}
	return marker, nil
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
