package gitops_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// board is a forge in memory, of one repository.
type board struct {
	mu       sync.Mutex
	rig      rig
	pulls    map[int]*port.Pull
	comments map[int][]port.Comment
	statuses map[string][]port.CommitStatus // by commit and name
	calls    map[string]int
	rights   map[string]port.Rights // nil: everybody may write
	last     int
	fault    func(call string) error
	at       time.Time
	now      func() time.Time // nil: a second passes with each call
}

func newBoard(r rig) *board {
	return &board{rig: r, pulls: map[int]*port.Pull{}, comments: map[int][]port.Comment{}, statuses: map[string][]port.CommitStatus{}, calls: map[string]int{}, at: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)}
}

func (b *board) call(name string) (func(), error) {
	b.mu.Lock()
	b.calls[name]++
	b.at = b.at.Add(time.Second)
	if b.fault != nil {
		if err := b.fault(name); err != nil {
			return b.mu.Unlock, err
		}
	}
	return b.mu.Unlock, nil
}

func (b *board) Me(context.Context) (string, error) { return "domctl-bot", nil }

func (b *board) Pull(_ context.Context, _ string, n int) (port.Pull, error) {
	free, err := b.call("Pull")
	defer free()
	p := b.pulls[n]
	if err != nil || p == nil {
		return port.Pull{}, fmt.Errorf("pull request: %w", cmp.Or(err, port.ErrNotFound))
	}
	return *p, nil
}

func (b *board) Pulls(context.Context, string) (all []port.Pull, err error) {
	free, err := b.call("Pulls")
	defer free()
	if err != nil {
		return nil, err
	}
	for _, n := range slices.Sorted(maps.Keys(b.pulls)) {
		if p := b.pulls[n]; p.State == port.PullOpen {
			all = append(all, *p)
		}
	}
	return all, nil
}

func (b *board) Comments(_ context.Context, _ string, n int) ([]port.Comment, error) {
	free, err := b.call("Comments")
	defer free()
	return slices.Clone(b.comments[n]), err
}

func (b *board) Comment(_ context.Context, _ string, n int, body string) (string, error) {
	free, err := b.call("Comment")
	defer free()
	if err != nil {
		return "", err
	}
	return b.add(n, "domctl-bot", body), nil
}

func (b *board) add(n int, user, text string) string {
	b.last++
	id, at := fmt.Sprint(b.last), b.at
	if b.now != nil {
		at = b.now().Truncate(time.Second)
	}
	b.comments[n] = append(b.comments[n], port.Comment{ID: id, Author: user, Body: text, CreatedAt: at})
	return id
}

func (b *board) EditComment(_ context.Context, _ string, n int, id, body string) error {
	free, err := b.call("EditComment")
	defer free()
	if err != nil {
		return err
	}
	for i, c := range b.comments[n] {
		if c.ID == id {
			b.comments[n][i].Body = body
			return nil
		}
	}
	return port.ErrNotFound
}

func (b *board) SetStatus(_ context.Context, _, commit string, s port.CommitStatus) error {
	free, err := b.call("SetStatus")
	defer free()
	if err == nil {
		b.statuses[commit+" "+s.Name] = append(b.statuses[commit+" "+s.Name], s)
	}
	return err
}

func (b *board) Rights(_ context.Context, _, user string) (port.Rights, error) {
	free, err := b.call("Rights")
	defer free()
	if b.rights == nil {
		return port.WriteRights, err
	}
	return b.rights[strings.ToLower(user)], err
}

func (b *board) Carried(_ context.Context, _, commit string) (all []int, err error) {
	free, err := b.call("Carried")
	defer free()
	for n, p := range b.pulls {
		if p.MergeCommit == commit {
			all = append(all, n)
		}
	}
	return all, err
}

func (b *board) MaxComment() int { return 65_000 }

// propose opens a pull request of a branch, which stands on its commit.
func (b *board) propose(n int, branch string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	commit := b.rig.git("rev-parse", "refs/heads/"+branch)
	b.rig.git("update-ref", fmt.Sprintf("refs/pull/%d/head", n), commit)
	if p := b.pulls[n]; p != nil {
		p.HeadCommit, p.UpdatedAt = commit, p.UpdatedAt.Add(time.Second)
		return
	}
	b.pulls[n] = &port.Pull{Number: n, Author: "ann", Repo: repo, Head: branch, Base: "main", HeadCommit: commit, Ref: fmt.Sprintf("refs/pull/%d/head", n), State: port.PullOpen}
}

// said are the texts of a pull request's comments.
func (b *board) said(n int) (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.comments[n] {
		all = append(all, c.Body)
	}
	return all
}

// shown are the states that a commit went through.
func (b *board) shown(commit string) (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.statuses[commit+" domctl/sim-modern"] {
		all = append(all, string(s.State))
	}
	return all
}

func (b *board) count() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.calls
	b.calls = map[string]int{}
	return all
}

// reception is one of the rig's, which dies with its gate.
func (r rig) reception(b port.Forge, kill life, log *bytes.Buffer) *gitops.Reception {
	d := r.desk(kill)
	d.Compile, d.Engine = r.compileTree, func(ctx context.Context, t gitops.Tree, c gitops.Compiled) (*engine.Engine, func(), error) {
		if schema.Failed(c.Findings) {
			return nil, func() {}, &engine.Invalid{Findings: c.Findings}
		}
		e, err := r.machine.Process(ctx, c.Result, sim.Options{Holder: "test", Gate: kill.Gate, Parallelism: 1, Source: planner.Source{Commit: t.Commit}})
		return e, func() {}, err
	}
	if log == nil {
		log = &bytes.Buffer{}
	}
	var n atomic.Int64
	return &gitops.Reception{Name: "domino", Repo: repo, Forge: b, Desks: []*gitops.Desk{d}, Places: gitops.NewPlaces(2), Room: r.t.TempDir(), Now: r.machine.Clock.Now,
		Random: func() string { return fmt.Sprintf("r%d-%p", n.Add(1), kill) }, Log: slog.New(slog.NewTextHandler(log, nil)),
		Source: own{&gitops.Clone{Dir: filepath.Join(r.repo+"-pulls", "r"), Remote: func() (git.Remote, error) { return git.Remote{URL: "file://" + r.repo}, nil }}, b}}
}

// own is the rig's repository without the branches of forks, which stand in it too.
type own struct {
	*gitops.Clone
	forge port.Forge
}

func (o own) Heads(ctx context.Context) (map[string]string, error) {
	all, err := o.Clone.Heads(ctx)
	if g, gated := o.forge.(gatedForge); gated {
		o.forge = g.Forge
	}
	if b, ok := o.forge.(*board); ok {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.pulls {
			if p.Repo != repo {
				delete(all, p.Head)
			}
		}
	}
	return all, err
}

// compileTree compiles the files of a tree once.
func (r rig) compileTree(ctx context.Context, t gitops.Tree, _ string, evaluate bool) (c gitops.Compiled, known bool, err error) {
	dir := filepath.Join(t.Dir, "prod")
	if _, err := os.Stat(dir); err != nil {
		c.Lacks, c.Findings = true, []schema.Finding{{Code: "DC523", Severity: schema.Error, Message: "the commit holds no deployment in prod"}}
		return c, true, nil
	}
	sum := sha256.New()
	err = filepath.WalkDir(t.Dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && filepath.Ext(name) == ".cue" {
			text, _ := os.ReadFile(name)
			fmt.Fprintf(sum, "%s %d %s", strings.TrimPrefix(name, t.Dir), len(text), text)
		}
		return err
	})
	c.Sum = fmt.Sprintf("%x", sum.Sum(nil))
	r.compiled.mu.Lock()
	defer r.compiled.mu.Unlock()
	res, known := r.compiled.trees[c.Sum]
	if !known && !evaluate || err != nil {
		return c, false, err
	}
	if !known {
		src, err := compiler.Find(dir)
		if err != nil {
			return c, false, err
		}
		if res, err = compiler.Compile(ctx, src); err != nil {
			return c, false, err
		}
		r.compiled.trees[c.Sum] = res
	}
	var found []schema.Finding
	c.Result, found = bound.Bind("sim-modern", config.ToPlan, res)
	c.Findings = append(found, c.Findings...)
	return c, true, nil
}

// look looks once and waits for all that it begins.
func look(t *testing.T, r *gitops.Reception) {
	t.Helper()
	if _, err := r.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Wait()
}

// gatedForge is a forge of which every call is one that a process can die at.
type gatedForge struct {
	port.Forge
	gate sim.Gate
}

func (g gatedForge) Pulls(ctx context.Context, repo string) (all []port.Pull, err error) {
	err = pass(g.gate, "pulls", func() (err error) { all, err = g.Forge.Pulls(ctx, repo); return err })
	return all, err
}

func (g gatedForge) Pull(ctx context.Context, repo string, n int) (p port.Pull, err error) {
	err = pass(g.gate, "pull", func() (err error) { p, err = g.Forge.Pull(ctx, repo, n); return err })
	return p, err
}

func (g gatedForge) Comments(ctx context.Context, repo string, n int) (all []port.Comment, err error) {
	err = pass(g.gate, "comments", func() (err error) { all, err = g.Forge.Comments(ctx, repo, n); return err })
	return all, err
}

func (g gatedForge) Comment(ctx context.Context, repo string, n int, body string) (id string, err error) {
	err = pass(g.gate, "comment", func() (err error) { id, err = g.Forge.Comment(ctx, repo, n, body); return err })
	return id, err
}

func (g gatedForge) EditComment(ctx context.Context, repo string, n int, id, body string) error {
	return pass(g.gate, "edit", func() error { return g.Forge.EditComment(ctx, repo, n, id, body) })
}

func (g gatedForge) SetStatus(ctx context.Context, repo, commit string, s port.CommitStatus) error {
	return pass(g.gate, "status", func() error { return g.Forge.SetStatus(ctx, repo, commit, s) })
}

func (g gatedForge) Rights(ctx context.Context, repo, user string) (r port.Rights, err error) {
	err = pass(g.gate, "rights", func() (err error) { r, err = g.Forge.Rights(ctx, repo, user); return err })
	return r, err
}

func (g gatedForge) Carried(ctx context.Context, repo, commit string) (all []int, err error) {
	err = pass(g.gate, "carried", func() (err error) { all, err = g.Forge.Carried(ctx, repo, commit); return err })
	return all, err
}
