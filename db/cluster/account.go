package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating system's user that the server runs as: this
// process's own, or postgres when this process is root, which PostgreSQL
// refuses.
type account struct {
	name     string
	uid, gid uint32
	root     bool // this process is root, the account is another
}

func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		me, err := user.Current()
		if err != nil {
			return account{}, fmt.Errorf("looking up the user of this process: %w", err)
		}
		return account{name: me.Username, uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if _, missing := newest(findBinaries(os.Getenv("PATH"), serverDirs())); missing != nil {
			return account{}, missing // the package would have brought the user
		}
		return account{}, errors.New(`private PostgreSQL: this machine has no user "postgres", and PostgreSQL` +
			` refuses to run as root: run tali as another user, or "useradd --system postgres"`)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return account{}, fmt.Errorf("looking up user postgres: %w", err)
	}
	return account{name: "postgres", uid: uint32(uid), gid: uint32(gid), root: true}, nil
}

// names are the operating system's users that may connect.
func (a account) names() []string {
	if a.root {
		return []string{"root", a.name}
	}
	return []string{a.name}
}

// own makes a command run as the account, in a session of its own: a Ctrl-C
// for the terminal's process group must not stop the server under those who
// still write to it.
func (a account) own(cmd *exec.Cmd) {
	cmd.Dir = "/"
	cmd.Env = serverEnv()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if a.root {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
}

// serverEnv leaves out everything that steers PostgreSQL (PGDATA, PGPORT,
// PGOPTIONS) or its locale.
func serverEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "LC_ALL=C.UTF-8"}
}

// chown hands a path to the account.
func (a account) chown(path string) error {
	if !a.root {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// reaches says, for root, which directory on the way to dir the account
// cannot enter.
func (a account) reaches(dir string) error {
	if !a.root {
		return nil
	}
	for d := dir; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err == nil && !a.enters(info) {
			return fmt.Errorf("private PostgreSQL runs as user %s, which cannot enter %s (mode %04o):"+
				` choose another data_dir, such as /var/lib/tali, or "chmod o+x %s"`,
				a.name, d, info.Mode().Perm(), d)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("private PostgreSQL in %s: %w", dir, err)
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}

func (a account) enters(info os.FileInfo) bool {
	const execute = 0o1
	perm := info.Mode().Perm()
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case ok && st.Uid == a.uid:
		return perm>>6&execute != 0
	case ok && st.Gid == a.gid:
		return perm>>3&execute != 0
	}
	return perm&execute != 0
}
