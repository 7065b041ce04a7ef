package ssh

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"domctl.dev/internal/port"
)

// errUnknown says that no host key is known, so that nobody could be told from
// an impostor.
var errUnknown = errors.New("no host key is known")

// conn is a connection to a machine, and to the bastion before it.
type conn struct {
	*ssh.Client
	bastion *ssh.Client
}

func (c *conn) close() {
	_ = c.Client.Close()
	if c.bastion != nil {
		_ = c.bastion.Close()
	}
}

// connect logs in at a machine, through the bastion if there is one.
func (c *Client) connect(ctx context.Context, m port.Machine) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	dial, out := c.cfg.Dial, &conn{}
	if b := c.cfg.Bastion; b != nil {
		var err error
		out.bastion, err = c.login(ctx, dial, cmp.Or(b.User, c.cfg.User), address(b.Address, 22), b.HostKeys)
		if err != nil {
			return nil, fmt.Errorf("bastion: %w", err)
		}
		dial = out.bastion.DialContext
	}
	var err error
	if out.Client, err = c.login(ctx, dial, c.cfg.User, address(m.Address, c.cfg.Port), m.HostKeys); err != nil {
		if out.bastion != nil {
			_ = out.bastion.Close()
		}
		return nil, err
	}
	return out, nil
}

// login opens one connection. Its errors are port.ErrHostKey, port.ErrDenied,
// errUnknown, or say that nobody answers as SSH does.
func (c *Client) login(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), user, at string, hostKeys []string) (*ssh.Client, error) {
	where := "ssh " + user + "@" + at
	known, algorithms, err := pinned(hostKeys)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %w", where, errUnknown, err)
	case len(known) == 0:
		return nil, fmt.Errorf("%s: %w: its console names none; state it in the files, or use SSM", where, errUnknown)
	}
	var stranger string
	config := &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{c.auth}, HostKeyAlgorithms: algorithms,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			for _, k := range known {
				if bytes.Equal(k, key.Marshal()) {
					return nil
				}
			}
			stranger = ssh.FingerprintSHA256(key)
			return port.ErrHostKey
		}}
	raw, err := dial(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	// A forwarded connection knows no deadline, so it is closed when time is over.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	link, channels, requests, err := ssh.NewClientConn(raw, at, config)
	switch {
	case err == nil:
		return ssh.NewClient(link, channels, requests), nil
	case stranger != "":
		return nil, fmt.Errorf("%s: it shows the key %s: %w; someone else may answer there: nothing was sent", where, stranger, port.ErrHostKey)
	case strings.Contains(err.Error(), "no common algorithm for host key"):
		return nil, fmt.Errorf("%s: it has no key of a kind that is known: %w", where, port.ErrHostKey)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return nil, fmt.Errorf("%s: the private key is refused: %w; look at %s.user and key", where, port.ErrDenied, c.stated)
	}
	_ = raw.Close()
	return nil, fmt.Errorf("%s: %w", where, cmp.Or(ctx.Err(), err))
}

// watch closes a connection on which nobody answers any more, or whose context
// ends. It goes on until the function that it answers is called.
func (c *conn) watch(ctx context.Context, every time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c.alive(ctx, every) {
		}
	}()
	return func() {
		cancel()
		c.close()
		<-done
	}
}

// alive asks once whether the machine is there, after a while.
func (c *conn) alive(ctx context.Context, every time.Duration) bool {
	if port.Sleep(ctx, every) != nil {
		c.close()
		return false
	}
	answered := make(chan error, 1)
	go func() {
		_, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err
	}()
	ctx, cancel := context.WithTimeout(ctx, every)
	defer cancel()
	select {
	case err := <-answered:
		return err == nil
	case <-ctx.Done():
		c.close()
		return false
	}
}
