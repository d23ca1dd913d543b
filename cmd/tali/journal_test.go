package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tali/cmd/tali/gateway"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/db/spool"
	"tali/gsm"
)

// damageSpool makes a spool of n SMS, breaks its middle, and returns its path.
func damageSpool(t *testing.T, dir string, n int) string {
	t.Helper()
	path := filepath.Join(dir, "spool", "spool.db")
	journal, err := spool.Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var rows []spool.PDU
	for i := range n {
		pdu := fmt.Sprintf("0791261800000000040C9126180000%06d000042117221000082A0D0", i) +
			"69341DA496C3E170381C0E87C3E170381C0E87C3E170381C0E87C3E170381C0E87C3E170381C0E87C3"
		rows = append(rows, gateway.Journal(gsm.Stored{Modem: "m1", IMSI: "510890000000001", PDU: pdu, ReadAt: time.Now()}))
	}
	if _, err := journal.Keep(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	middle := len(data) / 2 / 4096 * 4096
	copy(data[middle:], bytes.Repeat([]byte{0x5a}, 4096))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpenSpoolDamaged: a gateway begins with what can be read of a damaged
// spool, once, and keeps the damaged one.
func TestOpenSpoolDamaged(t *testing.T) {
	t.Parallel()
	const all = 500
	path := damageSpool(t, t.TempDir(), all)
	for start := range 2 {
		journal, err := openSpool(t.Context(), path, time.Hour, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		n, _, err := journal.Undelivered(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n < all/2 || n > all {
			t.Errorf("start %d: %d of %d SMS wait", start, n, all)
		}
		if aside, err := journal.Aside(); err != nil || len(aside) != 1 {
			t.Errorf("start %d: set aside %v, %v, want one", start, aside, err)
		}
		if err := journal.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServeNewerSpool: the desk runs although the gateway cannot.
func TestServeNewerSpool(t *testing.T) {
	t.Parallel()
	pg := dbtest.New(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "spool", "spool.db")
	journal, err := spool.Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[63] = 99 // the user version (SQLite file format §1.3)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	config := file(t, "tali.yaml", fmt.Sprintf("data_dir: %s\ndatabase:\n  dsn: %s\ndesk:\n  listen: 127.0.0.1:0\nmetrics:\n  listen: 127.0.0.1:0\n%s",
		quoted(dir), quoted(pg.DSN(cluster.Desk)), modemText))
	mustTali(t, "migrate", "--config", config, "--owner", pg.DSN(cluster.Owner))
	p := start(t, nil, "serve", "--config", config)
	p.await("the gateway does not run")
	p.await("msg=page")
	line := p.await("msg=metrics")
	_, url, _ := strings.Cut(line, "url=")
	url = strings.TrimSuffix(strings.TrimSpace(url), "/metrics")
	client := &http.Client{}
	defer client.CloseIdleConnections()
	page, _ := get(t, client, url+"/healthz")
	wantPart(t, page, "ok")
	response, err := client.Get(url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz without the gateway = %s, want 503", response.Status)
	}
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0:\n%s", code, p.output())
	}
}

// TestServePrivateServerKilled: a private server that is killed comes back under
// the daemon that uses it.
func TestServePrivateServerKilled(t *testing.T) {
	t.Parallel()
	dir := dbtest.Dir(t)
	config := file(t, "tali.yaml", fmt.Sprintf("data_dir: %s\ndesk:\n  listen: 127.0.0.1:0\n", quoted(dir)))
	p := start(t, nil, "serve", "--only", "desk", "--config", config)
	p.await("msg=page")
	first := postmasterOf(t, dir)
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.await("private PostgreSQL has ended by itself")
	p.await("pid=" + strconv.Itoa(awaitPostmaster(t, dir, first)))
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0:\n%s", code, p.output())
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres", "data", "postmaster.pid")); err == nil {
		t.Error("the server runs on after the daemon has ended")
	}
}

func postmasterOf(t *testing.T, dir string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, _ := strconv.Atoi(first) // 0 while it is being written
	return pid
}

func awaitPostmaster(t *testing.T, dir string, other int) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		if pid := postmasterOf(t, dir); pid != 0 && pid != other {
			return pid
		}
		select {
		case <-ctx.Done():
			t.Fatal("no new server")
		case <-tick.C:
		}
	}
}
