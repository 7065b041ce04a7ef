package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"domctl.dev/internal/gen"
)

// figure is one command's median: wall time in milliseconds, peak resident
// memory in MiB.
type figure struct{ ms, mib float64 }

func (f figure) over(g figure) figure { return figure{f.ms / g.ms, f.mib / g.mib} }

// row is everything measured at one size.
type row struct {
	n                                        int
	startup                                  figure // of a program that does nothing
	export, vet                              figure
	checkCold, checkWarm, planCold, planWarm figure
	changed                                  figure // plan with one file changed
}

// size lays out a deployment of n objects and times the commands on it.
func (b *bench) size(n int) (row, error) {
	root := filepath.Join(b.work, fmt.Sprint(n))
	for name, text := range gen.Tree(n) {
		if err := write(filepath.Join(root, name), text); err != nil {
			return row{}, err
		}
	}
	dir := filepath.Join(root, "prod")
	if err := b.furnish(root); err != nil {
		return row{}, err
	}
	r := row{n: n}
	cold := func() error { return os.RemoveAll(b.cache()) }
	touch := func() error {
		return appendTo(filepath.Join(dir, "objects_0000.cue"), fmt.Sprintf("\n// %d\n", time.Now().UnixNano()))
	}
	return r, b.inTurn(root, []timed{
		{&r.export, nil, []string{b.cue, "export", "./prod"}},
		{&r.planCold, cold, []string{b.domctl, "plan", "prod"}},
		{&r.vet, nil, []string{b.cue, "vet", "-c", "./prod"}},
		{&r.checkCold, cold, []string{b.domctl, "check", "prod"}},
		{&r.startup, nil, []string{b.domctl, "version"}},
		{&r.checkWarm, nil, []string{b.domctl, "check", "prod"}},
		{&r.planWarm, nil, []string{b.domctl, "plan", "prod"}},
		{&r.changed, touch, []string{b.domctl, "plan", "prod"}},
	})
}

// furnish vendors the schema, so that cue checks what domctl checks, and gives
// the deployment a world in which its objects live. A process of
// its own does it: a child's peak memory counts what its parent held when it
// forked, so this one stays small.
func (b *bench) furnish(root string) error {
	if err := b.quiet(root, b.domctl, "schema", "vendor", "prod"); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := b.quiet(root, self, "-world", root); err != nil {
		return err
	}
	return b.quiet(root, b.domctl, "apply", "prod", "--auto-approve", "--exclude", "environments.*")
}

func (b *bench) cache() string { return filepath.Join(b.work, "cache") }

func (b *bench) command(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+b.cache(), "CUE_CACHE_DIR="+filepath.Join(b.work, "cue-cache"))
	return cmd
}

func (b *bench) quiet(dir string, args ...string) error {
	if out, err := b.command(dir, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", args, err, tail(out))
	}
	return nil
}

func tail(b []byte) []byte { return b[max(0, len(b)-800):] }

// timed is a command, what goes ahead of each run of it and is not timed, and
// where its medians go.
type timed struct {
	into   *figure
	before func() error
	args   []string
}

// inTurn runs the commands one after the other, A B A B …, so that a machine that
// slows down slows all of them.
func (b *bench) inTurn(dir string, commands []timed) error {
	wall, memory := make([][]float64, len(commands)), make([][]float64, len(commands))
	for range b.runs {
		for i, c := range commands {
			if c.before != nil {
				if err := c.before(); err != nil {
					return err
				}
			}
			f, err := b.once(dir, c.args)
			if err != nil {
				return err
			}
			wall[i], memory[i] = append(wall[i], f.ms), append(memory[i], f.mib)
		}
	}
	for i, c := range commands {
		*c.into = figure{median(wall[i]), median(memory[i])}
	}
	return nil
}

func (b *bench) once(dir string, args []string) (figure, error) {
	cmd := b.command(dir, args...)
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return figure{}, fmt.Errorf("%v: %w", args, err)
	}
	return figure{float64(time.Since(start).Microseconds()) / 1000, float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / 1024}, nil
}

func median[T cmp.Ordered](s []T) T {
	slices.Sort(s)
	return s[len(s)/2]
}

func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

func appendTo(name, text string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}
