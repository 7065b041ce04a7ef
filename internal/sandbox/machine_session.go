package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// mostCommands a script may run, and shells it may start within each other,
// before it counts as one that never ends.
const (
	mostCommands = 20_000
	mostShells   = 20
)

// session runs one script on a machine. The script is interpreted here: its
// files are the machine's, its programs those of the command table, and nothing
// of the computer that the sandbox is on is read, written or started. Time does
// not pass in it: sleep returns at once.
type session struct {
	disk     *disk
	state    *state // whose registry it pulls from
	platform string
	id       string
	now      time.Time
	image    *disk // that the machine started from
	restarts bool  // once the script has ended

	mu            sync.Mutex // the sides of a pipe run at once
	calls, shells int
}

var errEndless = errors.New("the script does not end")

// run answers what the script wrote.
func (on *session) run(ctx context.Context, s port.Script) (out port.Output, err error) {
	var stdout, stderr bytes.Buffer
	err = on.interpret(ctx, s.Text, bytes.NewReader(s.Input), &stdout, &stderr)
	var exited interp.ExitStatus
	switch {
	case errors.As(err, &exited):
		out.Exit = int(exited)
	case errors.Is(err, errEndless):
		return out, port.ErrTimeout
	case err != nil:
		return out, err
	}
	out.Stdout, out.Stderr = cut(stdout.String(), maxStdout), cut(stderr.String(), maxStderr)
	out.Cut = stdout.Len() > maxStdout || stderr.Len() > maxStderr
	return out, nil
}

func cut(s string, most int) string { return s[:min(len(s), most)] }

// interpret runs a text as sh does. What cannot be parsed has sh's status, 2.
func (on *session) interpret(ctx context.Context, text string, in io.Reader, stdout, stderr io.Writer, args ...string) error {
	defer on.nested(-1)
	if !on.nested(1) {
		return errEndless
	}
	file, err := parsed(text)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return interp.ExitStatus(2)
	}
	env := expand.ListEnviron("HOME=/root", "PATH=/usr/bin", "USER=root", "PWD=/", "INSTANCE_ID="+on.id)
	r, err := interp.New(interp.Env(env), interp.Dir("/"), interp.Params(append([]string{"--"}, args...)...), interp.StdIO(in, stdout, stderr),
		interp.CallHandler(on.called), interp.OpenHandler(on.open), interp.StatHandler(on.stat), interp.ReadDirHandler2(on.list),
		interp.AccessHandler(func(ctx context.Context, path string, _ interp.AccessMode) error {
			_, err := on.stat(ctx, path, true)
			return err
		}),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return on.exec }))
	if err != nil {
		return err
	}
	return r.Run(ctx, file)
}

// parsed refuses what is not sh, and reads the rest as bash, of which the
// interpreter is one.
func parsed(text string) (*syntax.File, error) {
	if _, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "sh"); err != nil {
		return nil, err
	}
	return syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "sh")
}

func (on *session) nested(n int) bool {
	on.mu.Lock()
	defer on.mu.Unlock()
	on.shells += n
	return on.shells <= mostShells
}

// called counts commands, and keeps the look-up of programs in the table.
func (on *session) called(_ context.Context, args []string) ([]string, error) {
	on.mu.Lock()
	defer on.mu.Unlock()
	if on.calls++; on.calls > mostCommands {
		return nil, errEndless
	}
	if len(args) == 3 && args[0] == "command" && args[1] == "-v" {
		return []string{"which", args[2]}, nil
	}
	return args, nil
}

// exec runs a program: what the machine's file has an answer for, or a command of
// the table.
func (on *session) exec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	if len(args) == 0 {
		return nil
	}
	if a, ok := on.answered(strings.Join(args, " ")); ok {
		_, _ = io.WriteString(hc.Stdout, a.Stdout)
		_, _ = io.WriteString(hc.Stderr, a.Stderr)
		return status(a.Exit)
	}
	run, ok := on.program(path.Base(args[0]))
	if !ok {
		fmt.Fprintf(hc.Stderr, "sh: %s: not found\n", args[0])
		return status(127)
	}
	return run(ctx, on, hc, args)
}

func status(n int) error {
	if n == 0 {
		return nil
	}
	return interp.ExitStatus(uint8(n))
}

// answered finds the answer to a command line, and uses it up.
func (on *session) answered(line string) (answer, bool) {
	on.mu.Lock()
	defer on.mu.Unlock()
	for _, pattern := range schema.Sorted(on.disk.Commands) {
		a := on.disk.Commands[pattern]
		if !port.Wildcard(pattern, line) {
			continue
		}
		if a.Times == 1 {
			delete(on.disk.Commands, pattern)
		} else if a.Times > 1 {
			left := a
			left.Times--
			on.disk.Commands[pattern] = left
		}
		return a, true
	}
	return answer{}, false
}

// absolute is a path from the root of the machine.
func absolute(ctx context.Context, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(interp.HandlerCtx(ctx).Dir, name)
}

func missing(op, name string) error { return &os.PathError{Op: op, Path: name, Err: fs.ErrNotExist} }

func (on *session) open(ctx context.Context, name string, flag int, _ os.FileMode) (io.ReadWriteCloser, error) {
	name = absolute(ctx, name)
	on.mu.Lock()
	defer on.mu.Unlock()
	text, ok := on.disk.Files[name]
	f := &file{on: on, name: name, writes: flag&(os.O_WRONLY|os.O_RDWR) != 0}
	switch {
	case name == "/dev/null":
		f.writes = false
	case !ok && !f.writes:
		return nil, missing("open", name)
	case !f.writes:
		_, _ = f.Buffer.WriteString(text)
	case flag&os.O_APPEND != 0:
		_, _ = f.Buffer.WriteString(text)
	}
	return f, nil
}

// file is an open one; what was written is there once it is closed.
type file struct {
	bytes.Buffer
	on     *session
	name   string
	writes bool
}

// Close implements io.Closer.
func (f *file) Close() error {
	if f.writes {
		f.on.mu.Lock()
		defer f.on.mu.Unlock()
		f.on.disk.Files[f.name] = f.Buffer.String()
	}
	return nil
}

func (on *session) stat(ctx context.Context, name string, _ bool) (fs.FileInfo, error) {
	name = absolute(ctx, name)
	on.mu.Lock()
	defer on.mu.Unlock()
	if text, ok := on.disk.Files[name]; ok {
		return entry{name: path.Base(name), size: len(text), written: on.when(name)}, nil
	}
	for p := range on.disk.Files {
		if strings.HasPrefix(p, strings.TrimSuffix(name, "/")+"/") {
			return entry{name: path.Base(name), folder: true, written: on.when(strings.TrimSuffix(name, "/"))}, nil
		}
	}
	if strings.Count(name, "/") == 1 { // "/", "/run", "/etc"
		return entry{name: path.Base(name), folder: true}, nil
	}
	return nil, missing("stat", name)
}

func (on *session) list(ctx context.Context, name string) (out []fs.DirEntry, err error) {
	folder := strings.TrimSuffix(absolute(ctx, name), "/") + "/"
	on.mu.Lock()
	defer on.mu.Unlock()
	seen := map[string]bool{}
	for _, p := range schema.Sorted(on.disk.Files) {
		rest, below := strings.CutPrefix(p, folder)
		first, _, deeper := strings.Cut(rest, "/")
		if below && first != "" && !seen[first] {
			seen[first] = true
			out = append(out, fs.FileInfoToDirEntry(entry{name: first, folder: deeper}))
		}
	}
	return out, nil
}

// entry is what is known of a file.
type entry struct {
	name    string
	size    int
	folder  bool
	written time.Time
}

// Name implements fs.FileInfo, as the rest does.
func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return int64(e.size) }
func (e entry) ModTime() time.Time { return e.written }
func (e entry) IsDir() bool        { return e.folder }
func (e entry) Sys() any           { return nil }
func (e entry) Mode() fs.FileMode {
	if e.folder {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
