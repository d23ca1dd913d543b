package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"tali/db/dbtest"
	"testing"
	"time"

	"tali/db/cluster"
)

// authority is a CA of the test's own.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{certificate: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA uji"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.file = file(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return a
}

// issue signs a certificate for 127.0.0.1, and for nothing else.
func (a authority) issue(t *testing.T) (certificate, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "db uji"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, own.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})
}

// tlsCentre is a server that nobody reaches without TLS.
func tlsCentre(t *testing.T, a authority) *cluster.Node {
	t.Helper()
	port, err := cluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"fsync": "off", "ssl": "on"}
	n, err := cluster.NewNode(cluster.NodeOptions{Dir: filepath.Join(dbtest.Dir(t), "node"), Port: port, Password: "sandi uji", Settings: settings,
		Access: "hostssl all all 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 scram-sha-256\n"})
	if err != nil {
		t.Fatal(err)
	}
	certificate, key := a.issue(t)
	for name, content := range map[string][]byte{"ssl_cert_file": certificate, "ssl_key_file": key} {
		if settings[name], err = n.Keep(name+".pem", content); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := n.Kill(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	for _, step := range []func() error{
		func() error { return n.Initialise(t.Context()) }, func() error { return n.Start(t.Context()) }, func() error { return n.CreateRoles(t.Context()) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// Gateway, desk and owner reach a centre by TLS that they can verify, and are told
// clearly when it is not the centre that they were promised.
func TestVerifiedTLS(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	n := tlsCentre(t, ca)
	dsn := func(role, host, mode, root string) string {
		return fmt.Sprintf("host=%s port=%d user=%s password='sandi uji' dbname=tali sslmode=%s sslrootcert=%s connect_timeout=5", host, n.Port(), role, mode, root)
	}
	config := configFor(t, dsn("tali_desk", "127.0.0.1", "verify-full", ca.file))
	owner := dsn("tali_owner", "127.0.0.1", "verify-full", ca.file)
	mustTali(t, "migrate", "--config", config, "--owner", owner)
	mustTali(t, "audit", "verify", "--config", config)
	mustTali(t, "backup", "--out", filepath.Join(t.TempDir(), "a.tar"), "--config", config, "--owner", owner)
	for name, tc := range map[string]struct{ host, mode, root, want string }{
		"another authority": {"127.0.0.1", "verify-full", other.file, "signed by its sslrootcert"},
		"another host":      {"localhost", "verify-full", ca.file, "not one for the host in database.dsn"},
		"no TLS":            {"127.0.0.1", "disable", ca.file, "no encryption"},
	} {
		_, err := tali(t, "audit", "verify", "--config", configFor(t, dsn("tali_desk", tc.host, tc.mode, tc.root)))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error = %v, want %q in it", name, err, tc.want)
		}
	}
	modem := `TALI_GATEWAY_MODEMS=[{"name":"m1","device":"/dev/nonexistent-modem"}]`
	serves := func(env []string, role, root, words string) {
		t.Helper()
		half := strings.TrimPrefix(role, "tali_")
		p := start(t, env, "serve", "--only", half, "--config", configFor(t, dsn(role, "127.0.0.1", "verify-full", root)))
		p.await(words)
		p.signal(syscall.SIGTERM)
		if code := p.end(); code != 0 {
			t.Errorf("%s: exit code %d:\n%s", role, code, p.output())
		}
		if away := strings.Contains(p.output(), "centre is away"); away != (root != ca.file) {
			t.Errorf("%s with %s:\n%s", role, root, p.output())
		}
	}
	serves([]string{modem}, "tali_gateway", other.file, "signed by its sslrootcert")
	serves([]string{"TALI_DESK_LISTEN=127.0.0.1:0"}, "tali_desk", ca.file, "one-time link")
	serves([]string{modem}, "tali_gateway", ca.file, "modem is not available")
}
