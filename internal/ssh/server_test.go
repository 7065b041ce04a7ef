package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"domctl.dev/internal/port"
)

// pair is a new key: the private half in PEM, and the public as a line.
func pair(t *testing.T) (private []byte, line string, signer ssh.Signer) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	if signer, err = ssh.NewSignerFromKey(key); err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), signer
}

// server is an SSH server in this process, which runs what it is asked to with
// sh, and forwards connections.
type server struct {
	t       *testing.T
	config  *ssh.ServerConfig
	address string
	hostKey string

	mu    sync.Mutex
	conns []net.Conn
	mute  bool // answers no global request, as a machine that hangs
	asked int
}

func startServer(t *testing.T, login string) *server {
	t.Helper()
	_, line, host := pair(t)
	s := &server{t: t, hostKey: line, config: &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) != login {
			return nil, errors.New("no")
		}
		return nil, nil
	}}}
	s.config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	t.Cleanup(func() { _ = l.Close(); s.drop() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			go s.serve(c)
		}
	}()
	return s
}

// drop cuts every connection.
func (s *server) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
}

func (s *server) machine() port.Machine {
	return port.Machine{ID: "i-1", Address: s.address, HostKeys: []string{s.hostKey}}
}

func (s *server) serve(raw net.Conn) {
	link, channels, requests, err := ssh.NewServerConn(raw, s.config)
	if err != nil {
		return
	}
	defer link.Close()
	go func() {
		for r := range requests {
			s.mu.Lock()
			s.asked++
			mute := s.mute
			s.mu.Unlock()
			if r.WantReply && !mute {
				_ = r.Reply(false, nil)
			}
		}
	}()
	for n := range channels {
		switch n.ChannelType() {
		case "session":
			go s.session(n)
		case "direct-tcpip":
			go s.forward(n)
		default:
			_ = n.Reject(ssh.UnknownChannelType, "no")
		}
	}
}

func (s *server) session(n ssh.NewChannel) {
	ch, requests, err := n.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	for r := range requests {
		if r.Type != "exec" {
			_ = r.Reply(false, nil)
			continue
		}
		_ = r.Reply(true, nil)
		var asked struct{ Command string }
		_ = ssh.Unmarshal(r.Payload, &asked)
		cmd := exec.Command("sh", "-c", asked.Command)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = ch, ch, ch.Stderr()
		status := struct{ Status uint32 }{}
		var exit *exec.ExitError
		switch err := cmd.Run(); {
		case errors.As(err, &exit):
			status.Status = uint32(exit.ExitCode())
		case err != nil: // as sshd does whose shell cannot be started
			_, _ = io.WriteString(ch.Stderr(), err.Error())
			status.Status = 1
		}
		_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(&status))
		return
	}
}

func (s *server) forward(n ssh.NewChannel) {
	var to struct {
		Host   string
		Port   uint32
		Origin string
		From   uint32
	}
	_ = ssh.Unmarshal(n.ExtraData(), &to)
	out, err := net.Dial("tcp", address(to.Host, int(to.Port)))
	if err != nil {
		_ = n.Reject(ssh.ConnectionFailed, "no")
		return
	}
	ch, requests, err := n.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	go func() { _, _ = io.Copy(out, ch); _ = out.Close() }()
	_, _ = io.Copy(ch, out)
	_ = ch.Close()
}
