package spool

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Room is how many bytes the spool's disk has left.
func (s *Spool) Room() (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(s.path), &st); err != nil {
		return 0, fmt.Errorf("looking for room beside the spool: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}
