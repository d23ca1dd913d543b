package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/gsm/modemsim"
)

const modemText = "gateway:\n  name: contoh\n  modems:\n    - {name: m1, device: /dev/nonexistent-modem}\n"

// refused runs serve with a configuration that it must refuse: at once, in one
// line, with exit code 1, and with nothing opened or written.
func refused(t *testing.T, config string, args ...string) string {
	t.Helper()
	dir := filepath.Join(dbtest.Dir(t), "data")
	path := file(t, "tali.yaml", strings.ReplaceAll(config, "DIR", dir))
	p := start(t, nil, append([]string{"serve", "--config", path}, args...)...)
	if code := p.end(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if found, err := os.ReadDir(dir); err == nil {
		t.Errorf("data_dir was made, with %v", found)
	}
	if !strings.HasPrefix(p.output(), "tali: ") {
		t.Errorf("said %q, want the error first", p.output())
	}
	return p.output()
}

func TestServeRefusesBrokenConfigurations(t *testing.T) {
	t.Parallel()
	for name, c := range brokenConfigs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(c.text, "data_dir") {
				c.text += "data_dir: DIR\n"
			}
			out := refused(t, c.text)
			for _, part := range c.want {
				wantPart(t, out, part)
			}
		})
	}
}

func TestServeWithoutModems(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--only", "gateway"}} {
		out := refused(t, "data_dir: DIR\n", args...)
		wantPart(t, out, "gateway.modems is empty: name at least one modem, or run with --only desk")
	}
}

func TestServeRefusesTheDataOfADemo(t *testing.T) {
	t.Parallel()
	dir := dbtest.Dir(t)
	markDemo(t, dir)
	p := start(t, nil, "serve", "--only", "desk", "--config", file(t, "tali.yaml", "data_dir: "+dir+"\n"))
	if code := p.end(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	wantPart(t, p.output(), "data_dir "+dir+" holds the data of a demo: choose another directory")
	if found, err := os.ReadDir(dir); err != nil || len(found) != 1 {
		t.Errorf("the demo's directory holds %v, %v, want its marker alone", found, err)
	}
}

func TestServeRefusesAPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	out := refused(t, modemText+fmt.Sprintf("data_dir: DIR\ndesk:\n  listen: %s\n", taken.Addr()))
	wantPart(t, out, fmt.Sprintf("desk.listen %s: ", taken.Addr()))
	wantPart(t, out, "address already in use: stop what uses the port or choose another\n")
}

func TestServeRefusesAWrongCertificate(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	_, other := certificate(t)
	for name, c := range map[string]struct{ cert, key string }{
		"another key": {cert, other}, "no PEM": {file(t, "c.pem", "x"), key},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := refused(t, fmt.Sprintf("data_dir: DIR\ndesk:\n  tls_cert: %s\n  tls_key: %s\n", c.cert, c.key), "--only", "desk")
			wantPart(t, out, "desk.tls_cert "+c.cert)
			wantPart(t, out, "PEM\n")
		})
	}
}

// A centre that is away or not ready is told at once, and no reason to stop:
// officers' SMS would pile up on the SIM.
func TestServeRunsWithoutItsCentre(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ dsn, want string }{
		"away":       {"host=/nonexistent dbname=tali user=tali_gateway sslmode=disable", "centre is away: SMS are kept"},
		"not opened": {dbtest.New(t).DSN(cluster.Gateway), "run tali migrate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"TALI_DATABASE_DSN=" + c.dsn, "TALI_DESK_LISTEN=127.0.0.1:0"},
				"serve", "--config", file(t, "tali.yaml", modemText+"data_dir: "+dbtest.Dir(t)+"\n"))
			p.await(c.want)
			p.await("modem is not available")
			p.signal(syscall.SIGTERM)
			if code := p.end(); code != 0 {
				t.Errorf("exit code %d after SIGTERM, want 0:\n%s", code, p.output())
			}
		})
	}
}

// certificate makes one for this machine, and its key, as files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = file(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return cert, file(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})))
}

// The desk alone, over TLS, at a port that the system chose, until SIGTERM.
func TestServeDesk(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	cert, key := certificate(t)
	p := start(t, []string{"TALI_DESK_TLS_CERT=" + cert, "TALI_DESK_TLS_KEY=" + key, "TALI_DESK_LISTEN=127.0.0.1:0"},
		"serve", "--only", "desk", "--config", c.config)
	url := p.await("url=")
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	page, proto := get(t, client, url)
	wantPart(t, page, "Pilkada 2024")
	if !strings.HasPrefix(url, "https://127.0.0.1:") || proto != "HTTP/2.0" {
		t.Errorf("page %s answers %s, want https and HTTP/2.0", url, proto)
	}
	link := p.await("one-time link within 24 hours: ")
	if !strings.HasPrefix(link, url+"/welcome/") {
		t.Errorf("the first admin's link is %q", link)
	}
	welcome, _ := get(t, client, link)
	wantPart(t, welcome, "Admin (admin)")
	wantPart(t, welcome, `name="code"`)
	slowRequest(t, strings.TrimPrefix(url, "https://"), roots)
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0:\n%s", code, p.output())
	}
	if out := p.output(); strings.Contains(out, "level=WARN") || strings.Contains(out, "level=ERROR") {
		t.Errorf("a desk at its centre complains:\n%s", out)
	}
}

// slowRequest sends a header that never ends: the desk must not wait for it.
func slowRequest(t *testing.T, address string, roots *x509.CertPool) {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: tali\r\nX-Slow: ")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := conn.SetReadDeadline(began.Add(4 * headerTime)); err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, conn)
	if waited := time.Since(began); err != nil || waited > 3*headerTime {
		t.Errorf("a request without an end was waited for %v: %v", waited, err)
	}
}

func get(t *testing.T, client *http.Client, url string) (page, proto string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %s, %v", url, response.Status, err)
	}
	return string(body), response.Proto
}

// A whole daemon on one modem: an SMS comes in, the answer goes out.
func TestServeAnswersAnOfficer(t *testing.T) {
	t.Parallel()
	pg := dbtest.New(t)
	network := modemsim.NewNetwork(1)
	t.Cleanup(func() {
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	})
	const number, officer = "+6289900009001", "+6289900000901"
	modem, err := network.AddModem(modemsim.Options{Number: number})
	if err != nil {
		t.Fatal(err)
	}
	desk := configFor(t, pg.DSN(cluster.Desk))
	mustTali(t, "migrate", "--config", desk, "--owner", pg.DSN(cluster.Owner))
	mustTali(t, "import", "stations", table(t, "kode,tps_code\n7108052002003,10013505\n"), "--config", desk)
	mustTali(t, "import", "officers", table(t, "nama,hp,kode\nContoh Satu,"+officer+",7108052002003\n"), "--config", desk)

	p := start(t, []string{
		"TALI_DATABASE_DSN=" + pg.DSN(cluster.Gateway), "TALI_REPLY_PACE=100ms",
		fmt.Sprintf(`TALI_GATEWAY_MODEMS=[{"name":"m1","device":%q,"number":%q}]`, modem.Device(), number),
	}, "serve", "--only", "gateway", "--config", desk)
	p.await("gateway runs")
	if _, err := network.Submit(modemsim.SMS{From: officer, To: number, Text: goodTally}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := network.Wait(ctx, func() bool { return len(network.Inbox(officer)) > 0 }); err != nil {
		t.Fatalf("no answer: %v\n%s", err, p.output())
	}
	wantPart(t, network.Inbox(officer)[0].Text, "DITERIMA PILBUP TPS 10013505")
	if strings.Contains(p.output(), officer) || strings.Contains(p.output(), "145 98") {
		t.Errorf("the log shows phone or text:\n%s", p.output())
	}
	p.signal(syscall.SIGINT)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d after SIGINT, want 0:\n%s", code, p.output())
	}
}
