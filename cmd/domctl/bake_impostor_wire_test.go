//go:build wire && bake

package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"domctl.dev/internal/wiretest"
)

// TestBakeRealImpostor: in the middle of a bake, somebody else comes to answer at the
// instance's address. He is shown no key and sent no script; the instance can be ended
// without him.
func TestBakeRealImpostor(t *testing.T) {
	b, f := beside(t, func(*wiretest.Bakery) string { return "" })
	f.overSSH(b, "sleep 120")
	f.runs(0, "update", f.dir)
	p := f.start("apply", f.dir, "--auto-approve")
	for at := ""; at == "" && p.lines.Scan(); {
		at = atWork(t, b)
	}
	instance := b.Made(t)[0]
	b.Run(t, *instance.InstanceId, "kill $(pidof sshd)")
	i := answer(t, *instance.PrivateIpAddress)
	code, said := p.end()
	t.Log(said)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	f.says(said, "error DC359: amis.executor", *instance.InstanceId, "it shows the key "+i.key, "someone else may answer there: nothing was sent", "domctl rollback "+f.dir)
	if i.connected.Load() == 0 || i.asked.Load() != 0 {
		t.Errorf("%d connections, in which somebody asked to log in %d times", i.connected.Load(), i.asked.Load())
	}
	f.runs(0, "rollback", f.dir, "--auto-approve")
	if left, baked := b.Left(t), b.Baked(t); len(left) != 0 || len(baked) != 0 || i.asked.Load() != 0 {
		t.Errorf("after the rollback there are instances %v and %d images; the impostor was asked %d times", left, len(baked), i.asked.Load())
	}
	startsFromOld(t, b)
}

// overSSH has the deployment's image baked over SSH, by a script.
func (f *faulty) overSSH(b *wiretest.Bakery, script string) {
	f.edit("connect: ssm: true", `connect: ssh: {user: "root", key: secret: env: "BAKE_KEY"}`+"\n\t\t"+`instance: keyPair: "bakers"`)
	f.edit("echo tuned >/etc/tuned", script)
	f.env = append(f.env, "BAKE_KEY="+b.KeyPair(f.t, "bakers"))
}

// impostor is an SSH server that lets in whoever asks.
type impostor struct {
	key              string // fingerprint
	connected, asked atomic.Int64
}

// answer starts one at an address that nobody answers at any more.
func answer(t *testing.T, address string) *impostor {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	i := &impostor{key: ssh.FingerprintSHA256(signer.PublicKey())}
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
		i.asked.Add(1)
		return nil, nil
	}, AuthLogCallback: func(ssh.ConnMetadata, string, error) { i.asked.Add(1) }}
	config.AddHostKey(signer)
	var l net.Listener
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if l, err = net.Listen("tcp", net.JoinHostPort(address, "22")); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			i.connected.Add(1)
			go func() { _, _, _, _ = ssh.NewServerConn(c, config) }()
		}
	}()
	return i
}
