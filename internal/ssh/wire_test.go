//go:build wire

package ssh

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

// TestWireShell is TestShell on OpenSSH's own server, directly and through
// another one.
func TestWireShell(t *testing.T) {
	key, line, _ := pair(t)
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	first, second := startSSHD(t, line), startSSHD(t, line)
	g := target{Config{User: who.Username, Key: key, Timeout: 10 * time.Second}, first}
	t.Run("directly", func(t *testing.T) { shell(t, g) })
	g.cfg.Bastion = &Bastion{Address: second.Address, HostKeys: second.HostKeys}
	t.Run("through a bastion", func(t *testing.T) { shell(t, g) })
}

// startSSHD runs a server for the user of this test, who must be root or have
// sudo without a password.
func startSSHD(t *testing.T, login string) port.Machine {
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
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	host, hostLine, _ := pair(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr)
	_ = l.Close()
	// https://man.openbsd.org/sshd_config
	config := write("sshd_config", fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n",
		at.Port, write("host", string(host), 0o600), write("login", login+"\n", 0o644)), 0o644)
	if os.Getuid() == 0 {
		_ = os.MkdirAll("/run/sshd", 0o755) // where its unprivileged half is confined
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-D", "-e", "-f", config)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("sshd: %s", text)
		}
	})
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", at.String())
		if err == nil {
			_ = c.Close()
			return port.Machine{ID: "i-1", Address: at.String(), HostKeys: []string{strings.TrimSpace(hostLine)}}
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("sshd does not answer: %v", err)
		}
	}
}

// TestWireTunnel is TestTunnel on OpenSSH's own server.
func TestWireTunnel(t *testing.T) {
	key, line, _ := pair(t)
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := startSSHD(t, line)
	tunnelled(t, TunnelConfig{Address: s.Address, User: who.Username, HostKeys: s.HostKeys, Key: key, Stated: viaSSH, Timeout: 10 * time.Second})
}
