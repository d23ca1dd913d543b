package cluster

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// guardScript waits for a line on its standard input. When the pipe closes
// without one, the process that held it is dead: the server is stopped at
// once and its directory removed. $1 is the directory.
const guardScript = `
read -r line && exit 0
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null; then
	n=0
	while [ -e "$1/data/postmaster.pid" ] && [ "$n" -lt 100 ]; do
		sleep 0.1
		n=$((n + 1))
	done
fi
rm -rf "$1"
`

// guard outlives this process, however it ends, to take an ephemeral server
// down. It has a session of its own: a Ctrl-C is for us, not for it.
type guard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

func startGuard(p paths) (*guard, error) {
	cmd := exec.Command("/bin/sh", "-c", guardScript, "tali-pg-guard", p.dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the guard of an ephemeral PostgreSQL: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the guard of an ephemeral PostgreSQL: %w", err)
	}
	return &guard{cmd: cmd, pipe: pipe}, nil
}

// dismiss sends the guard home once the server is stopped. Its own failure
// costs nothing: it would only remove what is removed anyway.
func (g *guard) dismiss() {
	_, _ = io.WriteString(g.pipe, "\n")
	_ = g.pipe.Close()
	_ = g.cmd.Wait()
}
