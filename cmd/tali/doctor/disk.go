package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"tali/db/spool"
)

// What a disk must have. A night of 100,000 SMS takes a spool about 100 MB.
const (
	leastRoom = 200 << 20
	goodRoom  = 1 << 30
	syncs     = 15
	slowSync  = 50 * time.Millisecond
	badSync   = time.Second
)

// disk looks at the place of everything that must survive.
func (s Site) disk() []Finding {
	dir := nearest(s.Config.DataDir)
	found := []Finding{room(dir)}
	took, err := syncTime(dir)
	switch {
	case err != nil:
		found = append(found, fail("disk", fmt.Sprintf("%s cannot be written: %v", dir, err),
			"let the user of tali write to data_dir, or choose another data_dir"))
	case took > badSync:
		found = append(found, fail("disk", fmt.Sprintf("a durable write takes %v", took.Round(time.Millisecond)),
			"the disk is sick or far away: put data_dir on a local disk"))
	case took > slowSync:
		found = append(found, warn("disk", fmt.Sprintf("a durable write takes %v", took.Round(time.Millisecond)),
			"an SD card or a network disk? Every SMS waits for it: use a local SSD"))
	default:
		found = append(found, ok("disk", fmt.Sprintf("a durable write takes %v", took.Round(10*time.Microsecond))))
	}
	return found
}

// nearest is the directory itself or the first above it that exists.
func nearest(dir string) string {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

func room(dir string) Finding {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fail("disk", fmt.Sprintf("%s: %v", dir, err), "choose another data_dir")
	}
	free := int64(st.Bavail) * st.Bsize
	what := fmt.Sprintf("%.1f GiB free in %s", float64(free)/(1<<30), dir)
	switch {
	case free < leastRoom:
		return fail("disk", what, "make room: when the spool cannot be written, SMS stay on the SIMs, which hold a few dozen")
	case free < goodRoom:
		return warn("disk", what, "make room before the night: the spool and a private database grow with every SMS")
	}
	return ok("disk", what)
}

// syncTime is the median time of a small durable write.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, ".tali-doctor-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	page := make([]byte, 4096)
	var took []time.Duration
	for i := range syncs {
		begun := time.Now()
		if _, err := f.WriteAt(page, int64(i*len(page))); err != nil {
			return 0, errors.Join(err, f.Close())
		}
		if err := f.Sync(); err != nil {
			return 0, errors.Join(err, f.Close())
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	return took[len(took)/2], f.Close()
}

// spool opens the journal where nobody else has it.
func (s Site) spool(ctx context.Context) Finding {
	path := filepath.Join(s.Config.DataDir, "spool", "spool.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ok("spool", "none yet: the first start makes "+path)
	}
	journal, err := spool.Open(ctx, path, s.Log)
	switch {
	case errors.Is(err, spool.ErrLocked):
		return ok("spool", "not looked into: a running tali has it open ("+path+")")
	case err != nil:
		return fail("spool", err.Error(), "do what the line says before the next start")
	}
	st, err := journal.Stats(ctx)
	if err := errors.Join(err, journal.Close()); err != nil {
		return fail("spool", err.Error(), "copy the spool away and look at the disk")
	}
	what := fmt.Sprintf("%d SMS wait for the centre, %d parts of long SMS wait for others, %.1f MiB", st.Waiting, st.OpenParts, float64(st.Bytes)/(1<<20))
	if st.Waiting > 0 && time.Since(st.Oldest) > time.Hour {
		return warn("spool", what+", the oldest since "+st.Oldest.Local().Format("2006-01-02 15:04"),
			"start tali serve; if it runs elsewhere, this is not its data_dir")
	}
	return ok("spool", what)
}

// damaged warns of spools that were set aside: somebody has to look at them.
func (s Site) damaged() []Finding {
	aside, err := spool.Aside(filepath.Join(s.Config.DataDir, "spool", "spool.db"))
	if err != nil {
		return []Finding{warn("spool", err.Error(), "look into data_dir yourself")}
	}
	var found []Finding
	for _, path := range aside {
		found = append(found, warn("spool", path+" was damaged and set aside; what could be read of it is in the spool",
			`the log of that start says whether all could be read; else "sqlite3 FILE .recover" may find more. Move it away then, and look at the disk`))
	}
	return found
}
