package ssh

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"domctl.dev/internal/port"
)

// echoes is the address of a server that says what it is told.
func echoes(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

func opened(t *testing.T, cfg TunnelConfig) *Tunnel {
	t.Helper()
	tunnel, err := OpenTunnel(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tunnel.Close() })
	return tunnel
}

func says(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("%q %v", got, err)
	}
}

// tunnelled is what holds of a tunnel, whoever serves it.
func tunnelled(t *testing.T, cfg TunnelConfig) {
	at := echoes(t)
	tunnel := opened(t, cfg)
	if err := tunnel.Reachable(t.Context()); err != nil {
		t.Fatal(err)
	}
	one, err := tunnel.DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	two, err := tunnel.DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	says(t, one, "one")
	says(t, two, strings.Repeat("two", 100_000))
	if err := one.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a deadline that is over: %v", err)
	}
	_ = one.Close()
	says(t, two, "three")
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	if _, err := tunnel.DialContext(t.Context(), "tcp", dead.Addr().String()); err == nil || !strings.Contains(err.Error(), "does not reach "+dead.Addr().String()) {
		t.Errorf("where nobody listens: %v", err)
	}
	_ = tunnel.Close()
	if _, err := two.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlives its tunnel")
	}
	if _, err := tunnel.DialContext(t.Context(), "tcp", at); !errors.Is(err, net.ErrClosed) {
		t.Errorf("of a closed tunnel: %v", err)
	}

	_, other, _ := pair(t)
	wrong := cfg
	wrong.HostKeys = []string{other}
	if _, err := opened(t, wrong).DialContext(t.Context(), "tcp", at); !errors.Is(err, port.ErrHostKey) {
		t.Errorf("another host key: %v", err)
	}
	wrong = cfg
	wrong.Key, _, _ = pair(t)
	if _, err := opened(t, wrong).DialContext(t.Context(), "tcp", at); !errors.Is(err, port.ErrDenied) || !strings.Contains(err.Error(), "via.ssh.user and key") {
		t.Errorf("another key: %v", err)
	}
}

const viaSSH = "deployment.mongo.via.ssh"

func TestTunnel(t *testing.T) {
	key, line, _ := pair(t)
	s := startServer(t, line)
	tunnelled(t, TunnelConfig{Address: s.address, User: "domctl", HostKeys: []string{s.hostKey}, Key: key, Stated: viaSSH})
}

// TestTunnelAgain: a server that went away is logged in to again, and one that hangs is
// given up in time.
func TestTunnelAgain(t *testing.T) {
	key, line, _ := pair(t)
	s, at := startServer(t, line), echoes(t)
	tunnel := opened(t, TunnelConfig{Address: s.address, User: "domctl", HostKeys: []string{s.hostKey}, Key: key, Stated: viaSSH, KeepAlive: 50 * time.Millisecond})
	one, err := tunnel.DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	s.drop()
	if _, err := one.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlives its login")
	}
	two, err := tunnel.DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	says(t, two, "again")
	s.mu.Lock()
	s.mute = true
	s.mu.Unlock()
	if _, err := two.Read(make([]byte, 1)); err == nil {
		t.Error("a server that hangs is not given up")
	}

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	hangs := opened(t, TunnelConfig{Address: silent.Addr().String(), User: "domctl", HostKeys: []string{s.hostKey}, Key: key, Stated: viaSSH, Timeout: 50 * time.Millisecond})
	if err := hangs.Reachable(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody answers: %v", err)
	}
}

// TestTunnelKeys: a key by reference or an agent's, and no error shows one.
func TestTunnelKeys(t *testing.T) {
	key, line, _ := pair(t)
	s, at := startServer(t, line), echoes(t)
	raw, err := ssh.ParseRawPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = agent.ServeAgent(ring, c)
		}
		ended <- err
	}()
	cfg := TunnelConfig{Address: s.address, User: "domctl", HostKeys: []string{s.hostKey}, Agent: socket, Stated: viaSSH}
	c, err := opened(t, cfg).DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	says(t, c, "by an agent")
	if err := <-ended; err != io.EOF { // its connection is for the login alone
		t.Error(err)
	}
	_ = l.Close()
	if err := opened(t, cfg).Reachable(t.Context()); err == nil || !strings.Contains(err.Error(), "agent behind SSH_AUTH_SOCK does not answer") {
		t.Errorf("no agent: %v", err)
	}
	cfg.Agent = ""
	if _, err := OpenTunnel(cfg); err == nil || !strings.Contains(err.Error(), "state "+viaSSH+".key") {
		t.Errorf("neither: %v", err)
	}
	cfg.Key = []byte("canary")
	if _, err := OpenTunnel(cfg); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), viaSSH+".key takes one in PEM") {
		t.Errorf("no key: %v", err)
	}
}
