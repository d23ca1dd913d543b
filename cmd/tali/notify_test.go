package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/gsm/modemsim"
)

// TestServeUnderASupervisor: systemd hears that the daemon is up, that it lives
// and that it stops; Prometheus and load balancers get their answers.
func TestServeUnderASupervisor(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(dbtest.Dir(t), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	pg := dbtest.New(t)
	network := modemsim.NewNetwork(1)
	t.Cleanup(func() {
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	})
	modem, err := network.AddModem(modemsim.Options{Number: "+6289900009001"})
	if err != nil {
		t.Fatal(err)
	}
	config := configFor(t, pg.DSN(cluster.Gateway))
	mustTali(t, "migrate", "--config", config, "--owner", pg.DSN(cluster.Owner))
	p := start(t, []string{
		"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=300000", "TALI_METRICS_LISTEN=127.0.0.1:0",
		fmt.Sprintf(`TALI_GATEWAY_MODEMS=[{"name":"m1","device":%q,"ussd_balance":"*888#"}]`, modem.Device()),
	}, "serve", "--only", "gateway", "--config", config)
	heard(t, systemd, "READY=1")
	heard(t, systemd, "WATCHDOG=1")
	url := p.await("url=")
	p.await("modem is ready")
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for path, want := range map[string]string{
		"/metrics": `tali_modem_up{modem="m1"} 1`, "/healthz": "ok\n", "/readyz": "ok\n",
	} {
		page, _ := get(t, client, strings.TrimSuffix(url, "/metrics")+path)
		wantPart(t, page, want)
	}
	modem.Unplug()
	p.await("modem is not available")
	response, err := client.Get(strings.TrimSuffix(url, "/metrics") + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz without a modem = %s, want 503", response.Status)
	}
	p.signal(syscall.SIGTERM)
	heard(t, systemd, "STOPPING=1")
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0:\n%s", code, p.output())
	}
}

// heard reads until systemd was told something.
func heard(t *testing.T, systemd *net.UnixConn, want string) {
	t.Helper()
	if err := systemd.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for buf := make([]byte, 256); ; {
		n, err := systemd.Read(buf)
		if err != nil {
			t.Fatalf("waiting for %s: %v", want, err)
		}
		if string(buf[:n]) == want {
			return
		}
	}
}

// TestServeEndedBeforeItWasUp: an operator who stops it while it starts sees it
// end well, whatever was being opened.
func TestServeEndedBeforeItWasUp(t *testing.T) {
	t.Parallel()
	cfg, profile, err := loadConfig(file(t, "tali.yaml", modemText+"data_dir: "+dbtest.Dir(t)+"\nelection: pilkada-2024-bolmut\n"+
		"database:\n  dsn: host=/nonexistent dbname=tali user=tali_gateway sslmode=disable\n"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := serve(ctx, cfg, profile, onlyGateway); err != nil {
		t.Errorf("serve that is stopped at once = %v, want nil", err)
	}
}

// TestSupervisorMissesOne: one datagram that is lost does not make systemd kill
// a program that lives.
func TestSupervisorMissesOne(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(dbtest.Dir(t), "notify")
	s := supervisor{address: socket, every: 30 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	log := make(logLines, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.run(ctx, func(time.Time) bool { return true }, slog.New(slog.NewTextHandler(log, nil)))
	}()
	for line := range log {
		if strings.Contains(line, "WATCHDOG=1") {
			break
		}
	}
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	heard(t, systemd, "WATCHDOG=1")
	cancel()
	<-ended
	heard(t, systemd, "STOPPING=1")
}

// logLines is a log whose lines are waited for; what nobody takes in time is dropped.
type logLines chan string

func (l logLines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default:
	}
	return len(p), nil
}

// TestSupervisorWatchesAnother: a child that systemd does not watch keeps quiet.
func TestSupervisorWatchesAnother(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "1000")
	t.Setenv("WATCHDOG_PID", "1")
	if s := findSupervisor(); s.every != 0 {
		t.Errorf("every = %v, want none", s.every)
	}
}
