//go:build linux

package wiretest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSHKey is a new key: the private half in PEM, and the public as a line.
func SSHKey(t testing.TB) (private []byte, line string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	block, err := ssh.MarshalPrivateKey(key, "")
	check(t, err)
	public, err := ssh.NewPublicKey(key.Public())
	check(t, err)
	return pem.EncodeToMemory(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}

// SSHD starts OpenSSH's server, which hack/wire/sshd.sh installs, and lets in the key of the
// line as the user of this test. It answers where it is, and its host key.
func SSHD(t testing.TB, login string) (address, hostKey string) {
	t.Helper()
	path, err := exec.LookPath("sshd")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/sshd"); err != nil {
			t.Fatal("no sshd: hack/wire/sshd.sh installs Debian's openssh-server")
		}
	}
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		name = filepath.Join(dir, name)
		check(t, os.WriteFile(name, []byte(text), mode))
		return name
	}
	host, hostKey := SSHKey(t)
	address, err = FreeAddr()
	check(t, err)
	// https://man.openbsd.org/sshd_config
	config := write("sshd_config", fmt.Sprintf("ListenAddress %s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n",
		address, write("host", string(host), 0o600), write("login", login+"\n", 0o644)), 0o644)
	if os.Getuid() == 0 {
		_ = os.MkdirAll("/run/sshd", 0o755) // where its unprivileged half is confined
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	check(t, err)
	cmd := exec.Command(path, "-D", "-e", "-f", config)
	cmd.Stdout, cmd.Stderr = log, log
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("sshd: %s", text)
		}
	})
	for began := time.Now(); ; time.Sleep(pollEvery) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
			return address, hostKey
		}
		if time.Since(began) > startTimeout {
			t.Fatalf("sshd does not answer: %v", err)
		}
	}
}
