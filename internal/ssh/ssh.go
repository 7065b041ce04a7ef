// Package ssh runs scripts on machines over SSH, and is the only importer of
// golang.org/x/crypto/ssh: port.Shell for `connect: ssh`.
//
// It connects to machines whose host keys are known beforehand and to no other,
// forwards no agent, and logs in with one private key. Each script has a
// connection of its own, so a machine may restart in between.
package ssh

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"domctl.dev/internal/port"
)

// Config says how to log in. Zero values take the defaults in brackets.
type Config struct {
	User string // login; any but root needs sudo without a password
	Key  []byte // private key in PEM or OpenSSH's form, not encrypted
	Port int    // [22]
	// Bastion is the host that machines are reached through; nil: directly.
	Bastion *Bastion

	Timeout   time.Duration // of connecting and logging in [20 s]
	KeepAlive time.Duration // between two questions whether the machine is there [15 s]
	MaxOutput int           // bytes kept of each of a script's outputs [1 MiB]

	// Dial opens connections. nil is the network's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Clock tells how long a script ran. nil means time.Now.
	Clock func() time.Time
}

// Bastion is a host that forwards connections. It logs in with the same key.
type Bastion struct {
	Address  string   // host, or host:port
	User     string   // "": that of the machines
	HostKeys []string // lines of an authorized_keys file; one of them must be its
}

// Client runs scripts. Its methods may be called concurrently.
type Client struct {
	cfg    Config
	auth   ssh.AuthMethod
	stated string // where the files say how to log in
}

var _ port.Shell = (*Client)(nil)

// Open reads the key. Nothing is asked of the network.
func Open(cfg Config) (*Client, error) {
	cfg.Port, cfg.Timeout = cmp.Or(cfg.Port, 22), cmp.Or(cfg.Timeout, 20*time.Second)
	cfg.KeepAlive, cfg.MaxOutput = cmp.Or(cfg.KeepAlive, 15*time.Second), cmp.Or(cfg.MaxOutput, 1<<20)
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{}).DialContext
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.User == "" {
		return nil, errors.New("ssh: no user is stated; set connect.ssh.user")
	}
	auth, err := keyed(cfg.Key, stated)
	if err != nil {
		return nil, err
	}
	return &Client{cfg, auth, stated}, nil
}

// stated is where the files say how to log in to instances.
const stated = "connect.ssh"

// keyed logs in with a private key.
func keyed(key []byte, stated string) (ssh.AuthMethod, error) {
	signer, err := ssh.ParsePrivateKey(key)
	var encrypted *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &encrypted):
		return nil, errors.New("ssh: the private key is encrypted; give one that is not, by reference")
	case err != nil: // the error may quote the key
		return nil, fmt.Errorf("ssh: the private key cannot be read; %s.key takes one in PEM or OpenSSH's form", stated)
	}
	return ssh.PublicKeys(signer), nil
}

// Reachable connects and logs in. A machine that refuses the key is
// port.ErrDenied: one that has just started may set up its users yet.
func (c *Client) Reachable(ctx context.Context, m port.Machine) (bool, error) {
	conn, err := c.connect(ctx, m)
	switch {
	case err == nil:
		conn.close()
		return true, nil
	case ctx.Err() != nil, errors.Is(err, port.ErrHostKey), errors.Is(err, port.ErrDenied), errors.Is(err, errUnknown):
		return false, err
	}
	return false, nil
}

// RunScript runs the script under timeout(1), and under sudo for any user but
// root. Its text comes over standard input, whole or not at all, and is of any
// length; where s.Input takes that, it is one word of the command line, which Linux
// bounds at mostWord.
func (c *Client) RunScript(ctx context.Context, m port.Machine, s port.Script) (out port.Output, err error) {
	at := c.cfg.User + "@" + m.Address
	if s.Timeout < time.Second {
		return out, fmt.Errorf("ssh %s: a script needs a timeout", at)
	}
	command, input := c.command(s)
	if len(command) > mostWord {
		return out, fmt.Errorf("ssh %s: a script of %d bytes %w", at, len(s.Text), port.ErrInput)
	}
	conn, err := c.connect(ctx, m)
	if err != nil {
		if errors.Is(err, port.ErrHostKey) || errors.Is(err, port.ErrDenied) || errors.Is(err, errUnknown) || ctx.Err() != nil {
			return out, err
		}
		return out, fmt.Errorf("%w: %w", err, port.ErrState)
	}
	defer conn.close()
	session, err := conn.NewSession()
	if err != nil {
		return out, fmt.Errorf("ssh %s: no session: %w: %w", at, err, port.ErrState)
	}
	stdout, stderr := &kept{most: c.cfg.MaxOutput}, &kept{most: c.cfg.MaxOutput}
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(input), stdout, stderr
	began := c.cfg.Clock()
	// The script is ended on the machine. What is waited beyond that is for its answer.
	watched, cancel := context.WithTimeout(ctx, s.Timeout+c.cfg.Timeout+killAfter)
	defer cancel()
	defer conn.watch(watched, c.cfg.KeepAlive)()
	err = session.Run(command)
	out = port.Output{Stdout: stdout.text.String(), Stderr: stderr.text.String(), Cut: stdout.cut || stderr.cut}
	return c.ended(ctx, at, out, err, c.cfg.Clock().Sub(began) >= s.Timeout)
}

// killAfter is how long a script has that does not end when it is asked to.
const killAfter = 10 * time.Second

// mostWord bounds a command line, which sshd hands to a shell as one word.
// https://man7.org/linux/man-pages/man2/execve.2.html (MAX_ARG_STRLEN)
const mostWord = 128<<10 - 1

// command is what is asked to run, and its standard input. A text that comes over
// standard input ends in a line that the command knows: half of one, which a
// connection that ends leaves behind, is not run.
func (c *Client) command(s port.Script) (line, input string) {
	text, input := s.Text, string(s.Input)
	if input == "" {
		end := fmt.Sprintf("# end %x", sha256.Sum256([]byte(s.Text)))
		text, input = fmt.Sprintf(`domctl=$(cat)
case $domctl in *'%[1]s') eval "${domctl%%'%[1]s'}" ;; *) echo 'the script did not arrive whole' >&2; exit 125 ;; esac`, end), s.Text+"\n"+end
	}
	line = fmt.Sprintf("timeout -k %ds %ds sh -c %s", int(killAfter.Seconds()), int(s.Timeout.Round(time.Second).Seconds()), quote(text))
	if c.cfg.User != "root" {
		line = "sudo -n -- " + line
	}
	return line, input
}

// quote is a word of sh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Statuses of timeout(1).
const (
	timedOut = 124
	killed   = 128 + 9
)

// ended reads how a script ended; late says that its time was over.
func (c *Client) ended(ctx context.Context, at string, out port.Output, err error, late bool) (port.Output, error) {
	var status *ssh.ExitError
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil:
		return port.Output{}, fmt.Errorf("ssh %s: broken off; the script may run on until its timeout: %w", at, ctx.Err())
	case !errors.As(err, &status):
		return port.Output{}, fmt.Errorf("ssh %s: the connection ended before the script did, which may run on until its timeout: %w", at, err)
	}
	if out.Exit = status.ExitStatus(); status.Signal() != "" {
		out.Exit = 128 + signals()[status.Signal()]
	}
	if out.Exit == timedOut || out.Exit == killed && late {
		return port.Output{}, fmt.Errorf("ssh %s: the script %w", at, port.ErrTimeout)
	}
	return out, nil
}

// signals by their names in SSH (RFC 4254, 6.10).
func signals() map[string]int {
	return map[string]int{"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15}
}

// kept keeps the first bytes of an output, and drops the rest. Its buffer is not
// embedded: that would read from the connection by itself.
type kept struct {
	text strings.Builder
	most int
	cut  bool
}

// Write implements io.Writer.
func (k *kept) Write(b []byte) (int, error) {
	room := min(k.most-k.text.Len(), len(b))
	k.cut = k.cut || room < len(b)
	k.text.Write(b[:room])
	return len(b), nil
}

// address adds the port to a host that has none.
func address(host string, portNumber int) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(portNumber))
}

// pinned are host keys as they are compared, and their algorithms: the machine
// is asked for a key that is known, not for the one it likes best.
func pinned(lines []string) (keys [][]byte, algorithms []string, err error) {
	for _, line := range lines {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, nil, fmt.Errorf("host key %.40q cannot be read", line)
		}
		keys = append(keys, key.Marshal())
		if key.Type() == ssh.KeyAlgoRSA {
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else {
			algorithms = append(algorithms, key.Type())
		}
	}
	return keys, slices.Compact(algorithms), nil
}
