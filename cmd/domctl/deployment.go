package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// deployment is a folder that was read.
type deployment struct {
	dir      string
	compiled compiler.Result
	wrote    *atomic.Bool  // something was recorded
	logs     *engine.Logs  // of bakes
	keep     bool          // leave the instances of bakes that fail
	limits   *limits       // of evaluating files, also those of a deployment beside it
	at       *tree         // whose files these are; nil: the work tree's
	bound    *bound        // by a controller's configuration; nil: the files say it all
	closes   []func()      // what its engine keeps open; a verb ends with it open
	lease    time.Duration // of the lock; zero is the engine's own
	short    func(string)  // hears of references to secrets that are too short to be hidden; nil: nobody does
}

// shut ends the connections of its engine.
func (d *deployment) shut() {
	for _, f := range d.closes {
		f()
	}
}

// compile reads a folder and prints what it found of it.
func (a *app) compile(ctx context.Context, dir string) (*deployment, error) {
	all, err := a.compileAll(ctx, []string{dir})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// compileAll reads folders side by side.
func (a *app) compileAll(ctx context.Context, dirs []string) ([]*deployment, error) {
	a.doing("evaluating the files", fmt.Sprintf("--eval-timeout ends it after %s", a.limits.timeout))
	sources := make([]compiler.Source, len(dirs))
	for i, dir := range dirs {
		if err := engine.Locate(dir); err != nil {
			return nil, err
		}
		src, err := compiler.Find(dir)
		if err != nil {
			return nil, err
		}
		a.limits.apply(&src)
		sources[i] = src
	}
	results, err := compiler.CompileAll(ctx, sources)
	if errors.Is(err, compiler.ErrCache) {
		a.tell("warning", err.Error())
		err = nil
	}
	if err != nil {
		return nil, err
	}
	all := make([]*deployment, len(dirs))
	for i, dir := range dirs {
		all[i] = &deployment{dir, results[i], a.wrote, a.logs, a.keep, &a.limits, nil, nil, nil, a.lease, a.tooShort()}
	}
	return all, nil
}

// open compiles a folder and wires the engine to its world and its records.
func (a *app) open(ctx context.Context, dir string, report func(applier.Event), parallelism int) (*engine.Engine, error) {
	d, err := a.compile(ctx, dir)
	if err != nil {
		return nil, err
	}
	return a.openCompiled(ctx, d, report, parallelism)
}

// openCompiled is open for files that were compiled.
func (a *app) openCompiled(ctx context.Context, d *deployment, report func(applier.Event), parallelism int) (*engine.Engine, error) {
	if schema.Stops(d.compiled.Findings) {
		return nil, a.refuse(d.compiled.Findings)
	}
	a.doing("reading the records, and what lives outside", patience)
	return d.engine(ctx, report, parallelism)
}

// openBack is open for the way back, which must not wait for the files to be
// right.
func (a *app) openBack(ctx context.Context, dir string, report func(applier.Event), parallelism int) (*engine.Engine, error) {
	d, err := a.compileRecords(ctx, dir)
	if err != nil {
		return nil, err
	}
	a.doing("reading the records, and what lives outside", patience)
	return d.engine(ctx, report, parallelism)
}

// openRecords is for verbs that need the records alone: no database and no cloud
// is opened but the one that keeps them.
func (a *app) openRecords(ctx context.Context, dir string) (*engine.Engine, error) {
	d, err := a.compileRecords(ctx, dir)
	if err != nil {
		return nil, err
	}
	a.doing("reading the records", patience)
	store, err := d.store(ctx)
	if err != nil {
		return nil, err
	}
	return engine.Open(ctx, engine.Config{Compiled: d.compiled, Store: witness{store, d.wrote}, Clock: d.clock(), Wall: wallClock{}, Random: rand.Text, Holder: holder(), Alive: alive})
}

// compileRecords reads who the deployment is, and lets go of mistakes in what its
// files want. Where the records are must not be guessed: if the files as a whole do
// not tell, those that state the deployment must.
func (a *app) compileRecords(ctx context.Context, dir string) (*deployment, error) {
	d, err := a.compile(ctx, dir)
	if err != nil {
		return nil, err
	}
	wrong, told := 0, d.compiled.Desired.Deployment.Name != ""
	for _, f := range d.compiled.Findings {
		if f.Severity == schema.Error {
			wrong++
			told = told && f.Address != (schema.Address{})
		}
	}
	if wrong > 0 && !told {
		src, err := compiler.Find(dir)
		if err != nil {
			return nil, err
		}
		a.limits.apply(&src)
		alone, findings, err := compiler.Alone(ctx, src)
		if err != nil {
			return nil, err
		}
		if alone.Name == "" || schema.Failed(findings) {
			return nil, a.refuse(d.compiled.Findings)
		}
		d.compiled.Desired.Deployment = alone
	}
	if wrong > 0 {
		a.tell("warning", fmt.Sprintf("the files hold mistakes, %d in all; only the records are used (domctl check tells more)", wrong))
	}
	return d, nil
}

// engine wires a deployment to its world and its records.
func (d *deployment) engine(ctx context.Context, report func(applier.Event), parallelism int) (*engine.Engine, error) {
	var w *wiring
	var source planner.Source
	var group errgroup.Group
	group.Go(func() (err error) { w, err = d.wire(ctx); return err })
	group.Go(func() (err error) { source, err = d.source(); return err })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	resolve, others := w.secrets.Resolve, d.otherApplied
	d.logs.Dir, d.logs.Shown, d.logs.Hide = d.path(logsDir), logsDir, w.secrets.Known.Mask
	if b := d.bound; b != nil {
		resolve, others = b.secrets(w.secrets), b.otherApplied
		d.logs.Dir, d.logs.Shown = b.logs, b.logs
	}
	return engine.Open(ctx, engine.Config{Compiled: d.compiled, Source: source, Beside: d.beside, Outside: w.outside, Domino: w.domino, Nodes: w.nodes, Executions: w.domino, Store: witness{w.store, d.wrote}, Secret: resolve, SSH: w.ssh, Others: others, Logs: d.logs, KeepOnFailure: d.keep, Lease: d.lease, Clock: w.clock, Wall: wallClock{},
		Random: rand.Text, Holder: holder(), Parallelism: parallelism, Report: report, Alive: alive})
}

// logsDir is where a deployment's folder holds the logs of bakes.
const logsDir = ".domctl/logs"

// source is the commit the files stand on, for the records.
func (d *deployment) source() (planner.Source, error) {
	if d.at != nil {
		return planner.Source{Commit: d.at.commit}, nil
	}
	commit, dirty, err := git.Head(d.dir, d.compiled.Files)
	return planner.Source{Commit: commit, Dirty: dirty && commit != ""}, err
}

// refuse prints findings and ends the program with 1.
func (a *app) refuse(findings []schema.Finding) error {
	findings = schema.SortFindings(findings)
	if err := a.tellFindings(findings); err != nil {
		return err
	}
	return exitCode(1)
}

// sandboxPath is the file of a deployment's sandbox.
func (d *deployment) sandboxPath() string {
	if d.bound != nil {
		return d.bound.Sandbox
	}
	return d.path(sandboxFile)
}

func (d *deployment) path(rel string) string { return filepath.Join(d.dir, filepath.FromSlash(rel)) }

// holder says who holds a lock, and where.
func holder() string {
	host := "unknown"
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return fmt.Sprintf("%s@%s pid %d", person(), host, os.Getpid())
}

// person is who runs this process, as the machine knows them.
func person() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// alive knows about holders on this machine, where there is a /proc to ask: one
// that is gone need not be waited for.
func alive(of string) (alive, known bool) {
	at, of, found := strings.Cut(of, " pid ")
	pid, err := strconv.Atoi(of)
	mine, _, _ := strings.Cut(holder(), " pid ")
	if !found || err != nil || at != mine {
		return false, false
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return false, false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !over(stat), true
}

// over says that a process ended and waits for its parent to ask; its state
// follows the name in brackets (proc_pid_stat(5)).
func over(stat []byte) bool {
	rest := stat[bytes.LastIndexByte(stat, ')')+1:]
	return len(rest) > 1 && (rest[1] == 'Z' || rest[1] == 'X')
}

// clock is that of the outside, for verbs that open the records alone: a sandbox that
// cannot be read is nothing to them.
func (d *deployment) clock() applier.Clock {
	if d.compiled.Desired.Deployment.World == "sandbox" {
		if outside, err := sandbox.Open(d.sandboxPath(), sandbox.Options{}); err == nil {
			return outside
		}
	}
	return wallClock{}
}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) Sleep(ctx context.Context, d time.Duration) error { return port.Sleep(ctx, d) }
