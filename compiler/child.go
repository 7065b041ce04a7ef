package compiler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"syscall"
	"time"

	"domctl.dev/schema"
)

// Verb is the hidden verb under which a program runs Child.
const Verb = "__compile"

// Child compiles what a parent asks for on in and answers on out. It first
// binds itself to the limits that come with the request, and it needs nothing
// of its environment. A program calls it under Verb, and for nothing else: it
// changes the limits of the whole process.
func Child(in io.Reader, out io.Writer) error {
	var src Source
	if err := json.NewDecoder(in).Decode(&src); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	src.Self, src.Cache = "", ""
	if err := bind(src); err != nil {
		return fmt.Errorf("set limits: %w", err)
	}
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(src.memory())
	debug.SetMaxStack(int(src.memory() / 4))
	answered := make(chan error, 1)
	go func() { answered <- answerTo(src, out) }()
	select {
	case err := <-answered:
		return err
	case <-fullAt(src.memory()):
		return errFull
	}
}

func answerTo(src Source, out io.Writer) error {
	en, err := compileHere(context.Background(), src)
	if err != nil {
		return err
	}
	b, err := encode(en)
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}

var errFull = errors.New("out of memory")

// fullAt closes when the heap holds more bytes than it may. The hard limit
// stands behind it: a Go program that is denied memory dies, and says so less
// clearly.
func fullAt(memory int64) <-chan struct{} {
	full := make(chan struct{})
	go func() {
		heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for range time.Tick(5 * time.Millisecond) {
			if metrics.Read(heap); heap[0].Value.Uint64() > uint64(memory) {
				close(full)
				return
			}
		}
	}()
	return full
}

// byChild compiles in a process of its own, with an empty environment, in no
// folder of the user's.
func byChild(ctx context.Context, src Source) (string, error) {
	request, err := json.Marshal(src)
	if err != nil {
		return "", err
	}
	limited, cancel := context.WithTimeout(ctx, src.timeout())
	defer cancel()
	cmd := exec.CommandContext(limited, src.Self, Verb)
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.Stdin = bytes.NewReader(request)
	cmd.WaitDelay = time.Second
	var answer strings.Builder
	var complaint clipped
	cmd.Stdout, cmd.Stderr = &answer, &complaint
	err = cmd.Run()
	switch {
	case err == nil:
		return answer.String(), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case limited.Err() != nil, outOfTime(err):
		return "", limit{codeTime, fmt.Sprintf("evaluation takes longer than %s", src.timeout()), "simplify the expression, or raise --eval-timeout"}
	case complaint.has(deniedMemory()...):
		return "", limit{codeMemory, fmt.Sprintf("evaluation takes more than %s of memory", schema.CanonicalBytes(src.memory())), "simplify the expression, or raise --eval-memory"}
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 && complaint.Len() > 0 {
		return "", errors.New(strings.TrimSpace(complaint.String())) // the child's own words
	}
	return "", fmt.Errorf("compile in a child: %w: %s", err, clip(complaint.String()))
}

// deniedMemory is what a Go program says that dies for want of memory, a fault
// inside its runtime included.
func deniedMemory() []string {
	return []string{errFull.Error(), "cannot allocate memory", "stack exceeds", "failed to create new OS thread", "SIGSEGV"}
}

// outOfTime says whether a process ran into its limit of CPU time.
func outOfTime(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && (status.Signal() == syscall.SIGXCPU || status.Signal() == syscall.SIGKILL)
}

// limit is a finding that ends a compile: the files take too much.
type limit struct{ code, message, hint string }

func (l limit) Error() string { return l.message }

func (l limit) finding() schema.Finding {
	return schema.Finding{Code: l.code, Severity: schema.Error, Message: l.message, Hint: l.hint}
}

// clipped keeps the beginning of what a child complains of: a program that dies
// can print without end.
type clipped struct{ bytes.Buffer }

func (c *clipped) Write(b []byte) (int, error) {
	const most = 16 << 10
	c.Buffer.Write(b[:min(len(b), most-min(most, c.Len()))])
	return len(b), nil
}

func (c *clipped) has(words ...string) bool {
	for _, w := range words {
		if strings.Contains(c.String(), w) {
			return true
		}
	}
	return false
}
