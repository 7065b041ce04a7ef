package gitops

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// footprint is which files a deployment's result rests on, so that what cannot touch it
// is known without a look at the compile cache. It says yes too often, and never no too
// often.
type footprint struct {
	commit string // of which tree
	at     string // the deployment's folder
	files  map[string]bool
	dirs   map[string]bool // in which CUE files are looked for
	wide   bool            // anything may be read
}

var pattern = regexp.MustCompile(`glob\s*=`)

// printOf is that of a deployment that was compiled in a tree.
func printOf(t Tree, dir string, c Compiled) footprint {
	f := footprint{commit: t.Commit, at: path.Clean(dir), files: map[string]bool{}, dirs: map[string]bool{}, wide: c.Lacks || schema.Stops(c.Findings)}
	for d := f.at; ; d = path.Dir(d) {
		f.dirs[d] = true
		if d == "." {
			break
		}
	}
	for _, name := range c.Result.Files {
		name = path.Join(f.at, name)
		f.files[name], f.dirs[path.Dir(name)] = true, true
		if text, err := os.ReadFile(filepath.Join(t.Dir, filepath.FromSlash(name))); err != nil || pattern.Match(text) {
			f.wide = true // a pattern finds files that were not there
		}
	}
	return f
}

// reads says whether one of some files may be read, or be missed.
func (f footprint) reads(files []string) bool {
	return f.wide || slices.ContainsFunc(files, func(name string) bool {
		return f.files[name] || within(f.at, name) || path.Ext(name) == ".cue" && f.dirs[path.Dir(name)] || slices.Contains(strings.Split(name, "/"), "cue.mod")
	})
}

// print is what a deployment reads of its branch, as far as that is known.
func (r *Reception) print(d *Desk) footprint {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.prints[d]
}

// printed remembers it.
func (r *Reception) printed(d *Desk, f footprint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prints[d] = f
}

// move is what differs between two commits of a branch.
type move struct {
	from, to string
	files    []string
}

// moved answers it; the last answer is remembered, as many ask the same.
func (r *Reception) moved(ctx context.Context, from, to string) ([]string, error) {
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	if last.from == from && last.to == to {
		return last.files, nil
	}
	files, err := r.Source.Differ(ctx, from, to)
	if err == nil {
		r.mu.Lock()
		r.last = move{from, to, files}
		r.mu.Unlock()
	}
	return files, err
}

// follow takes the footprints of a branch to another commit, as far as what differs is
// none of theirs.
func (r *Reception) follow(ctx context.Context, desks []*Desk, commit string) {
	for _, d := range desks {
		f := r.print(d)
		if f.commit == "" || f.commit == commit {
			continue
		}
		if files, err := r.moved(ctx, f.commit, commit); err == nil && !f.reads(files) {
			f.commit = commit
			r.printed(d, f)
		}
	}
}

// mayTouch says whether a change may touch a deployment, as far as that is known without
// evaluating anything.
func (r *Reception) mayTouch(ctx context.Context, d *Desk, p port.Pull, c *Proposal) bool {
	if len(c.Files) == 0 || d.Bound.Branch != p.Base || !c.Holds(d.Bound.Dir) {
		return false
	}
	if f := r.print(d); f.commit == c.From {
		return f.reads(c.Files)
	}
	before, after, err := c.Trees(ctx)
	if err != nil {
		return true
	}
	was, known, err := d.Compile(ctx, before, "", false)
	if err != nil || !known {
		return true
	}
	r.remark(d, before, was, c)
	is, known, err := d.Compile(ctx, after, pullName(p), false)
	return err != nil || !known || was.Sum != is.Sum
}

// learns finds out what a deployment reads of its branch, where that is not known, and
// says whether a change may touch it. One whose own folder is touched is not asked: it is
// planned first.
func (r *Reception) learns(ctx context.Context, d *Desk, p port.Pull, c *Proposal) bool {
	at := path.Clean(d.Bound.Dir)
	if len(c.Conflicts) > 0 || r.forked(p) && d.Bound.Recording.File == "" || slices.ContainsFunc(c.Files, func(name string) bool { return within(at, name) }) {
		return true
	}
	known := func() (f footprint, known bool) { f = r.print(d); return f, f.commit == c.From }
	f, there := known()
	if there {
		return f.reads(c.Files)
	}
	before, _, err := c.Trees(ctx)
	if err != nil {
		return true
	}
	leave, err := r.Places.Take(ctx, d, laterRank)
	if err != nil {
		return true
	}
	defer leave()
	if f, there = known(); !there { // nobody learned it meanwhile
		within, cancel := context.WithTimeout(ctx, longest)
		defer cancel()
		was, _, err := d.Compile(within, before, "", true)
		if err != nil {
			return true
		}
		r.remark(d, before, was, c)
		f = r.print(d)
	}
	return f.reads(c.Files)
}

// remark remembers what a deployment reads of its branch.
func (r *Reception) remark(d *Desk, before Tree, c Compiled, of *Proposal) {
	if len(of.Conflicts) == 0 { // else it is another commit's
		r.printed(d, printOf(before, d.Bound.Dir, c))
	}
}

// step is what a plan of a visit rests on: what a deployment reads without the pull
// request and with it.
type step struct{ before, after footprint }

// stood says that what was planned for a visit is still to be planned so: the branch
// alone moved since, and nothing that the deployment reads in either tree.
func (r *Reception) stood(ctx context.Context, v *visit, d *Desk, c *Proposal) bool {
	if v == nil || v.failed || v.head != c.To || len(c.Conflicts) > 0 {
		return false
	}
	s, there := v.steps[d]
	if !there || s.before.wide || s.after.wide {
		return false
	}
	files, err := r.moved(ctx, v.commit, c.From)
	return err == nil && !s.before.reads(files) && !s.after.reads(files)
}
