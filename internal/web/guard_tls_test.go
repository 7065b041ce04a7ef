package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTLS: a new certificate counts without a restart, once its key is there too.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if _, err := TLS(cert, key); err == nil || !strings.HasPrefix(err.Error(), "page.tls: stat "+cert) {
		t.Error(err)
	}
	when := time.Now()
	write := func(name string, text []byte) {
		t.Helper()
		when = when.Add(time.Second)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, when, when); err != nil {
			t.Fatal(err)
		}
	}
	c, k := selfSigned(t, 1)
	write(cert, c)
	write(key, k)
	config, err := TLS(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	serves := func(want int64) {
		t.Helper()
		got, err := config.GetCertificate(nil)
		if err != nil || got.Leaf.SerialNumber.Int64() != want {
			t.Errorf("%v %v, want %d", got, err, want)
		}
	}
	serves(1)
	c, k = selfSigned(t, 2)
	write(cert, c)
	serves(1)
	write(key, k)
	serves(2)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	serves(2)
	write(key, []byte("nothing"))
	serves(2)
	if _, err := TLS(cert, key); err == nil || !strings.HasPrefix(err.Error(), "page.tls: tls: ") {
		t.Error(err)
	}
}

func selfSigned(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})
}
