//go:build wire

package ssh

import (
	"os/user"
	"testing"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/wiretest"
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
	address, hostKey := wiretest.SSHD(t, login)
	return port.Machine{ID: "i-1", Address: address, HostKeys: []string{hostKey}}
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
