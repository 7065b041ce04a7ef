package ssh

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"domctl.dev/internal/port"
)

// target is a server that a client may log in at.
type target struct {
	cfg Config
	m   port.Machine
}

func (g target) open(t *testing.T) *Client {
	t.Helper()
	c, err := Open(g.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// local is a server in this process; root, so that nothing runs under sudo.
func local(t *testing.T) (target, *server) {
	key, line, _ := pair(t)
	s := startServer(t, line)
	return target{Config{User: "root", Key: key, Timeout: 5 * time.Second}, s.machine()}, s
}

func TestShell(t *testing.T) {
	g, _ := local(t)
	shell(t, g)
}

// shell is what every server must show.
func shell(t *testing.T, g target) {
	c := g.open(t)
	if yes, err := c.Reachable(t.Context(), g.m); !yes || err != nil {
		t.Fatalf("reachable: %v, %v", yes, err)
	}
	for text, want := range map[string]port.Output{
		"set -eu\nfor w in a 'b c'; do echo \"<$w>\"; done\necho bad >&2": {Stdout: "<a>\n<b c>\n", Stderr: "bad\n"},
		"echo before; exit 7": {Stdout: "before\n", Exit: 7},
		"kill -9 $$":          {Stderr: "*", Exit: 137},
		"cat; echo \"'$0'\"":  {Stdout: "input'sh'\n"},
		"if ; then":           {Stderr: "*", Exit: 2},
	} {
		s := port.Script{Text: text, Timeout: time.Minute}
		if strings.HasPrefix(text, "cat") {
			s.Input = []byte("input")
		}
		out, err := c.RunScript(t.Context(), g.m, s)
		if want.Stderr == "*" { // who says it, and whether, differs
			out.Stderr = "*"
		}
		if out != want || err != nil {
			t.Errorf("%s: %+v, %v; want %+v", text, out, err, want)
		}
	}
	long(t, g)
	if out, err := c.RunScript(t.Context(), g.m, port.Script{Text: "sleep 30", Timeout: time.Second}); !errors.Is(err, port.ErrTimeout) {
		t.Errorf("a script without an end: %+v, %v", out, err)
	}
	if _, err := c.RunScript(t.Context(), g.m, port.Script{Text: "true"}); err == nil {
		t.Error("a script without a timeout is run")
	}
	g.cfg.MaxOutput = 10
	out, err := g.open(t).RunScript(t.Context(), g.m, port.Script{Text: "echo 0123456789abcdef", Timeout: time.Minute})
	if err != nil || out != (port.Output{Stdout: "0123456789", Cut: true}) {
		t.Errorf("a long output: %+v, %v", out, err)
	}
	impostor(t, g)
	denied(t, g)
}

// long scripts run whole: Linux takes no word of 128 KiB. With a standard input of
// their own they are refused rather than cut.
func long(t *testing.T, g target) {
	t.Helper()
	c := g.open(t)
	text := "echo begun\n" + strings.Repeat("# 'a' \\ \"$b\"\n", 22_000) + "cat; printf ended"
	s := port.Script{Text: text, Timeout: time.Minute}
	if out, err := c.RunScript(t.Context(), g.m, s); err != nil || out != (port.Output{Stdout: "begun\nended"}) {
		t.Errorf("a script of %d bytes: %+v, %v", len(text), out, err)
	}
	s.Input = []byte("input")
	if out, err := c.RunScript(t.Context(), g.m, s); !errors.Is(err, port.ErrInput) {
		t.Errorf("a script of %d bytes with an input: %+v, %v", len(text), out, err)
	}
	s.Text, s.Input = "cat <<END\nhere", nil // it ends before the line that domctl adds
	if out, err := c.RunScript(t.Context(), g.m, s); err != nil || out.Stdout != "here\n" {
		t.Errorf("an open document: %+v, %v", out, err)
	}
}

// TestHalfAScript is not run.
func TestHalfAScript(t *testing.T) {
	g, _ := local(t)
	line, input := g.open(t).command(port.Script{Text: "echo ran\necho on", Timeout: time.Minute})
	for _, n := range []int{0, 1, 9, len(input) - 1, len(input)} {
		cmd := exec.Command("sh", "-c", line)
		cmd.Stdin = strings.NewReader(input[:n])
		out, err := cmd.Output()
		if whole := n == len(input); (err == nil) != whole || (string(out) == "ran\non\n") != whole {
			t.Errorf("%d bytes of %d: %q, %v", n, len(input), out, err)
		}
	}
}

// impostor: with another key pinned nothing is sent, whatever the server is.
func impostor(t *testing.T, g target) {
	t.Helper()
	_, other, _ := pair(t)
	c := g.open(t)
	for name, keys := range map[string][]string{"another key": {other}, "another kind of key": {"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7"}, "none": nil} {
		m := g.m
		m.HostKeys = keys
		_, reach := c.Reachable(t.Context(), m)
		_, ran := c.RunScript(t.Context(), m, port.Script{Text: "true", Timeout: time.Minute})
		for _, err := range []error{reach, ran} {
			if name == "another key" && !errors.Is(err, port.ErrHostKey) || name != "another key" && !errors.Is(err, errUnknown) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// denied: the machine does not know the key that logs in.
func denied(t *testing.T, g target) {
	t.Helper()
	g.cfg.Key, _, _ = pair(t)
	c := g.open(t)
	if yes, err := c.Reachable(t.Context(), g.m); yes || !errors.Is(err, port.ErrDenied) {
		t.Errorf("an unknown key: %v, %v", yes, err)
	}
	if _, err := c.RunScript(t.Context(), g.m, port.Script{Text: "true", Timeout: time.Minute}); !errors.Is(err, port.ErrDenied) {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestThroughABastion(t *testing.T) {
	g, s := local(t)
	_, line, _ := pair(t)
	hop := startServer(t, line)
	hop.config = s.config
	g.cfg.Bastion = &Bastion{Address: hop.address, HostKeys: []string{s.hostKey}}
	direct := 0
	g.cfg.Dial = func(ctx context.Context, network, at string) (net.Conn, error) {
		if at != hop.address {
			direct++
		}
		return (&net.Dialer{}).DialContext(ctx, network, at)
	}
	shell(t, g)
	if direct != 0 {
		t.Errorf("%d connections went past the bastion", direct)
	}
	g.cfg.Bastion.HostKeys = []string{line}
	if _, err := g.open(t).Reachable(t.Context(), g.m); !errors.Is(err, port.ErrHostKey) || !strings.Contains(err.Error(), "bastion") {
		t.Errorf("an impostor for a bastion: %v", err)
	}
}

// TestAnotherKindOfKey is asked for, and the server has none.
func TestAnotherKindOfKey(t *testing.T) {
	g, _ := local(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	g.m.HostKeys = []string{string(ssh.MarshalAuthorizedKey(public))}
	if yes, err := g.open(t).Reachable(t.Context(), g.m); yes || !errors.Is(err, port.ErrHostKey) {
		t.Errorf("%v, %v", yes, err)
	}
}

func TestSudo(t *testing.T) {
	g, _ := local(t)
	g.cfg.User = "ec2-user"
	s := port.Script{Text: "echo 'a'", Input: []byte("b"), Timeout: 90 * time.Second}
	line, input := g.open(t).command(s)
	if want := `sudo -n -- timeout -k 10s 90s sh -c 'echo '\''a'\'''`; line != want || input != "b" {
		t.Errorf("%s with %q, want %s", line, input, want)
	}
	s.Input = nil
	if line, _ := g.open(t).command(s); !strings.HasPrefix(line, "sudo -n -- timeout -k 10s 90s sh -c 'domctl=$(cat)\n") {
		t.Error(line)
	}
}

func TestNobodyAnswers(t *testing.T) {
	g, _ := local(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	g.cfg.Timeout = 100 * time.Millisecond
	for _, at := range []string{"127.0.0.1:1", silent.Addr().String()} {
		g.m.Address = at
		if yes, err := g.open(t).Reachable(t.Context(), g.m); yes || err != nil {
			t.Errorf("%s: %v, %v; want no, and no error", at, yes, err)
		}
		if _, err := g.open(t).RunScript(t.Context(), g.m, port.Script{Text: "true", Timeout: time.Minute}); !errors.Is(err, port.ErrState) {
			t.Errorf("%s: %v, want ErrState", at, err)
		}
	}
}

// TestTheConnectionEnds while a script runs, in three ways.
func TestTheConnectionEnds(t *testing.T) {
	long := port.Script{Text: "echo begun; sleep 20", Timeout: time.Minute}
	t.Run("it is cut", func(t *testing.T) {
		g, s := local(t)
		time.AfterFunc(300*time.Millisecond, s.drop)
		_, err := g.open(t).RunScript(t.Context(), g.m, long)
		if err == nil || !strings.Contains(err.Error(), "may run on until its timeout") {
			t.Errorf("%v", err)
		}
	})
	t.Run("the machine hangs", func(t *testing.T) {
		g, s := local(t)
		s.mute, g.cfg.KeepAlive = true, 50*time.Millisecond
		_, err := g.open(t).RunScript(t.Context(), g.m, long)
		if err == nil || !strings.Contains(err.Error(), "may run on until its timeout") {
			t.Errorf("%v", err)
		}
	})
	t.Run("the caller ends it", func(t *testing.T) {
		g, _ := local(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		_, err := g.open(t).RunScript(ctx, g.m, long)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestAMachineThatAnswersIsKept(t *testing.T) {
	g, s := local(t)
	g.cfg.KeepAlive = 20 * time.Millisecond
	out, err := g.open(t).RunScript(t.Context(), g.m, port.Script{Text: "sleep 1; echo done", Timeout: time.Minute})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || out.Stdout != "done\n" || s.asked < 5 {
		t.Errorf("%+v, %v after %d questions", out, err, s.asked)
	}
}

func TestOpenRefuses(t *testing.T) {
	key, _, _ := pair(t)
	for name, cfg := range map[string]Config{"no user": {Key: key}, "no key": {User: "root"}, "what is no key": {User: "root", Key: []byte("canary")}} {
		_, err := Open(cfg)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzPinned(f *testing.F) {
	_, line, _ := pair(&testing.T{})
	for _, s := range []string{line, "", "ssh-rsa", "ssh-ed25519 AAAA", "# " + line, "no-pty " + line} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if keys, algorithms, err := pinned([]string{line}); err == nil && (len(keys) != 1 || len(algorithms) == 0) {
			t.Errorf("%q: %d keys, %v", line, len(keys), algorithms)
		}
	})
}
