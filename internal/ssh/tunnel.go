package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"domctl.dev/internal/port"
)

// TunnelConfig says through which server connections go. Zero values take the defaults in
// brackets.
type TunnelConfig struct {
	Address  string   // host, or host:port
	User     string   // login
	HostKeys []string // lines of an authorized_keys file; one of them must be its
	Key      []byte   // private key in PEM or OpenSSH's form, not encrypted; nil: Agent's
	Agent    string   // socket of an agent (SSH_AUTH_SOCK)
	Stated   string   // where the files say this, for messages

	Timeout   time.Duration // of logging in, and of each connection [20 s]
	KeepAlive time.Duration // between two questions whether the server is there [15 s]
}

// Tunnel opens connections from a server, all in one login. It is for use from several
// goroutines; Close it when it is no longer needed.
type Tunnel struct {
	cfg   TunnelConfig
	login *Client

	mu     sync.Mutex
	closed bool
	conn   *conn
	stop   func()
}

// OpenTunnel reads the key, or finds the agent. Nothing is asked of the network.
func OpenTunnel(cfg TunnelConfig) (*Tunnel, error) {
	cfg.Timeout, cfg.KeepAlive = cmp.Or(cfg.Timeout, 20*time.Second), cmp.Or(cfg.KeepAlive, 15*time.Second)
	t := &Tunnel{cfg: cfg, login: &Client{cfg: Config{User: cfg.User}, stated: cfg.Stated}}
	if cfg.Key == nil && cfg.Agent == "" {
		return nil, fmt.Errorf("ssh: there is no private key, and no agent (SSH_AUTH_SOCK); state %s.key, or start one", cfg.Stated)
	}
	var err error
	if cfg.Key != nil {
		t.login.auth, err = keyed(cfg.Key, cfg.Stated)
	}
	return t, err
}

// agented logs in with the keys of an agent, which stays here: nothing forwards it. The
// connection to it is for the login alone.
func (t *Tunnel) agented(ctx context.Context) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", t.cfg.Agent)
	if err != nil {
		return nil, fmt.Errorf("ssh: the agent behind SSH_AUTH_SOCK does not answer: %w; start one, or state %s.key", err, t.cfg.Stated)
	}
	t.login.auth = ssh.PublicKeysCallback(agent.NewClient(conn).Signers)
	return conn, nil
}

// DialContext opens a connection from the server to an address as the server knows it. A
// login that has ended is made again.
func (t *Tunnel) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
	defer cancel()
	for again := true; ; again = false {
		c, fresh, err := t.link(ctx)
		if err != nil {
			return nil, err
		}
		stream, err := c.DialContext(ctx, network, address)
		if err == nil {
			return port.Piped(stream), nil
		}
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) || fresh || !again || ctx.Err() != nil {
			return nil, fmt.Errorf("ssh %s@%s does not reach %s: %w; look whether its sshd lets connections be forwarded (AllowTcpForwarding), and at the address", t.cfg.User, t.cfg.Address, address, err)
		}
		t.drop(c)
	}
}

// link is the login, and whether it was made for this call.
func (t *Tunnel) link(ctx context.Context) (c *conn, fresh bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, false, net.ErrClosed
	}
	if t.conn != nil {
		return t.conn, false, nil
	}
	if t.cfg.Key == nil {
		keys, err := t.agented(ctx)
		if err != nil {
			return nil, false, err
		}
		defer keys.Close()
	}
	client, err := t.login.login(ctx, (&net.Dialer{}).DialContext, t.cfg.User, address(t.cfg.Address, 22), t.cfg.HostKeys)
	if err != nil {
		return nil, false, err
	}
	t.conn = &conn{Client: client}
	t.stop = t.conn.watch(context.Background(), t.cfg.KeepAlive)
	return t.conn, true, nil
}

// Reachable logs in, unless it has.
func (t *Tunnel) Reachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
	defer cancel()
	_, _, err := t.link(ctx)
	return err
}

// drop forgets a login that has ended.
func (t *Tunnel) drop(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn == c {
		t.stop()
		t.conn, t.stop = nil, nil
	}
}

// Close ends the login, and every connection with it.
func (t *Tunnel) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed = true; t.conn != nil {
		t.stop()
		t.conn, t.stop = nil, nil
	}
	return nil
}
