//go:build linux

package wiretest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// startTimeout is generous: it covers a JVM on a busy two-core machine.
	startTimeout = 60 * time.Second
	// pollEvery is the time between two looks at a condition.
	pollEvery = 10 * time.Millisecond
	// logTail is how many bytes of a server's log a failed test shows.
	logTail = 8 << 10
)

// program is how one kind of server is started.
type program struct {
	name  string
	argv  func(port string) []string
	env   []string                                     // beside this process's own
	as    *syscall.Credential                          // nil: this process's user
	ready func(ctx context.Context, addr string) error // nil once it serves
}

// processes forks every server of this test process. It never changes after
// its first use.
var processes forker

// Server is one process of a server, at one address for its whole life. Its
// methods end the test that started it when they fail. They are not for use
// from several goroutines.
type Server struct {
	Addr string // host:port, on loopback

	program
	t      testing.TB // nil for a server of the whole process
	log    *os.File
	cmd    *exec.Cmd
	exited chan struct{}
}

// launch starts p for the test alone.
func launch(t testing.TB, p program) *Server {
	t.Helper()
	s, err := run(p)
	check(t, err)
	s.t = t
	t.Cleanup(s.end)
	showLog(t, s)
	return s
}

// run starts p on a free port. Another process can take the port between the
// choice and the server's own bind, so a server that ends at once gets another.
func run(p program) (*Server, error) {
	log, err := unnamedFile()
	if err != nil {
		return nil, err
	}
	s := &Server{program: p, log: log}
	for range 3 {
		if s.Addr, err = FreeAddr(); err != nil {
			return nil, err
		}
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w\n%s", err, s.logged(0))
}

// unnamedFile goes with the last process that has it open, so a shared
// server's log needs no one to remove it.
func unnamedFile() (*os.File, error) {
	f, err := os.CreateTemp("", "domctl-wire-*.log")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// FreeAddr is an address on loopback that nobody serves at this moment.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *Server) start() error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	argv := s.argv(port)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if err := processes.start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is seen in its log
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited
	return s.await()
}

// await waits until the server serves, and kills it if it does not.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	err := poll(ctx, func() error {
		if s.ended() {
			return final{fmt.Errorf("%s ended before it served", s.name)}
		}
		return s.ready(ctx, s.Addr)
	})
	if err != nil {
		s.end()
	}
	return err
}

func (s *Server) ended() bool {
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

// end kills the server and waits until it is gone. A second time it does nothing.
func (s *Server) end() {
	_ = s.cmd.Process.Kill() // the one error is that it has ended
	<-s.exited
}

// Stop suspends the server: connections stay and are accepted by the kernel,
// and nothing answers.
func (s *Server) Stop() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP, "T")
}

// Cont lets a stopped server go on.
func (s *Server) Cont() {
	s.t.Helper()
	s.signal(syscall.SIGCONT, "RSD")
}

// Kill ends the server as a crash would: no clean-up, all connections reset.
func (s *Server) Kill() {
	s.end()
}

// Restart ends the server if it runs, and starts it at the same address.
// docker-registry and mongod keep their data, mongo-java-server and moto begin
// empty.
func (s *Server) Restart() {
	s.t.Helper()
	s.end()
	check(s.t, s.start())
}

// signal sends sig and waits until the process is in one of the states, which
// are those of proc(5).
func (s *Server) signal(sig syscall.Signal, states string) {
	s.t.Helper()
	check(s.t, s.cmd.Process.Signal(sig))
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	check(s.t, poll(ctx, func() error {
		state, err := processState(s.cmd.Process.Pid)
		if err == nil && !strings.Contains(states, state) {
			err = fmt.Errorf("%s is in state %s", s.name, state)
		}
		return err
	}))
}

func processState(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", final{err}
	}
	// The name before it stands in parentheses and may hold anything.
	_, after, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
	return after[:1], nil
}

// final is an error that polling does not wait out.
type final struct{ error }

// poll calls f until it gives nil or a final error, or ctx ends.
func poll(ctx context.Context, f func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := f()
		if err == nil || errors.As(err, &final{}) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// showLog prints what the server logs from here to the end of the test, if
// the test fails.
func showLog(t testing.TB, s *Server) {
	from := s.logSize()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s:\n%s", s.name, s.logged(from))
		}
	})
}

func (s *Server) logSize() int64 {
	info, err := s.log.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// logged is the end of the log from the byte given.
func (s *Server) logged(from int64) []byte {
	size := s.logSize()
	text := make([]byte, size-max(from, size-logTail))
	n, _ := s.log.ReadAt(text, size-int64(len(text))) // a short log is better than none
	return text[:n]
}
