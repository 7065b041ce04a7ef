package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"domctl.dev/compiler"
	"domctl.dev/internal/git"
	"domctl.dev/schema"
)

// commits are the two states of a repository's files that a verb compares: the
// work tree, or a commit, and the commit where its history and another's parted.
type commits struct {
	repo       *git.Repository
	at         string // the verb's folder in the trees
	head, base string // commits; head is what the work tree stands on, without --head
	ref        string // that base was found from
	room       string // where trees are written
	present    *tree  // head's files
	unkept     sync.Once
}

// tree is a commit's files, or a part of them, in a folder of ours; without a commit
// it is the work tree.
type tree struct {
	commit, top string
	git.Written
}

// openCommits finds the commits. Its room is removed by close.
func openCommits(ctx context.Context, dir, ref, head string) (*commits, error) {
	c := &commits{ref: ref}
	var err error
	if c.repo, err = git.Open(dir); err != nil {
		return nil, err
	}
	if c.at, err = c.repo.Within(dir); err != nil {
		return nil, err
	}
	if c.head, err = c.repo.Commit(cmp.Or(head, "HEAD")); err != nil {
		if head == "" && c.repo.Empty() {
			err = errors.New("nothing is committed yet, so nothing can be compared")
		}
		return nil, fmt.Errorf("the change: %w", err)
	}
	to, err := c.repo.Commit(ref)
	if err != nil {
		return nil, fmt.Errorf("its base: %w", err)
	}
	if c.base, err = c.repo.MergeBase(ctx, c.head, to); err != nil {
		return nil, fmt.Errorf("its base %s: %w", ref, err)
	}
	if c.room, err = os.MkdirTemp("", "domctl-"); err != nil {
		return nil, err
	}
	if c.room, err = filepath.EvalSymlinks(c.room); err != nil {
		return nil, err
	}
	c.present = &tree{top: c.repo.Top()}
	if head == "" && c.repo.Bare() {
		err = errors.New("a bare repository has no work tree; name a commit with --head")
	}
	if err != nil {
		c.close()
	}
	return c, err
}

func (c *commits) close() { _ = os.RemoveAll(c.room) }

// write writes a commit's files below some folders ("." for all) into the room.
func (c *commits) write(ctx context.Context, name, commit string, folders ...string) (*tree, error) {
	v := &tree{commit: commit, top: filepath.Join(c.room, name)}
	err := os.Mkdir(v.top, 0o700)
	for _, under := range folders {
		if err != nil {
			return v, err
		}
		var w git.Written
		w, err = c.repo.Write(ctx, commit, under, v.top, git.Limits{})
		v.Pointers = append(v.Pointers, w.Pointers...)
	}
	if slices.Sort(v.Pointers); err == nil {
		err = v.fill(c.repo.Top())
	}
	return v, err
}

// writeModules writes the CUE modules below a folder, and the one that it is in; of
// those of which no file is among some, none. nil are all files.
func (c *commits) writeModules(ctx context.Context, name, commit string, touched []string) (*tree, error) {
	modules, err := c.repo.Holding(ctx, commit, c.at, "cue.mod")
	if err != nil {
		return nil, err
	}
	if touched != nil {
		modules = slices.DeleteFunc(modules, func(m string) bool {
			return !slices.ContainsFunc(touched, func(f string) bool { return m == "." || strings.HasPrefix(f, m+"/") })
		})
	}
	return c.write(ctx, name, commit, modules...)
}

// fill puts files that git-lfs keeps in the place of their pointers, where the work
// tree has them under the same name. Larger ones are never compiled.
func (v *tree) fill(from string) error {
	var left []string
	for _, name := range v.Pointers {
		at, file := filepath.Join(v.top, filepath.FromSlash(name)), filepath.Join(from, filepath.FromSlash(name))
		want, size := git.Pointer(at)
		info, err := os.Lstat(file)
		if err != nil || !info.Mode().IsRegular() || info.Size() != size || size > mostFile {
			left = append(left, name)
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if fmt.Sprintf("%x", sha256.Sum256(text)) != want {
			left = append(left, name)
			continue
		}
		if err := os.WriteFile(at, text, 0o600); err != nil {
			return err
		}
	}
	v.Pointers = left
	return nil
}

// source is a deployment's folder of a version to compile; there is false where it is
// none. What lies above a tree that was written out is nothing of it.
func (a *app) source(v *tree, at string) (src compiler.Source, there bool, err error) {
	if !v.holds(at) {
		return src, false, nil
	}
	src, err = compiler.Find(filepath.Join(v.top, filepath.FromSlash(at)))
	if errors.Is(err, compiler.ErrNoModule) || err == nil && v.commit != "" && !inside(v.top, src.Root) {
		return src, false, nil
	}
	a.limits.apply(&src)
	return src, err == nil, err
}

// kept are the names under which a module is looked for among compiled ones: as the
// work tree has it, and as commits have it, the last of which a commit's is kept as.
func (c *commits) kept(v *tree, src compiler.Source) []string {
	rel, err := filepath.Rel(v.top, src.Root)
	root := filepath.Join(c.repo.Top(), rel)
	switch {
	case err != nil || v.commit == "":
		return []string{src.Root}
	case v == c.present:
		return []string{root, root + "@head"}
	}
	return []string{root, root + "@head", root + "@base"}
}

// compileVersion compiles a deployment of a version, unless one of the same files was
// compiled before. name is what its result is kept as.
func (a *app) compileVersion(ctx context.Context, c *commits, v *tree, src compiler.Source) (r compiler.Result, name string, err error) {
	for _, name = range c.kept(v, src) {
		src.Name = name
		if r, ok := compiler.Kept(src); ok {
			return r, name, nil
		}
	}
	r, err = compiler.Compile(ctx, src)
	if errors.Is(err, compiler.ErrCache) {
		c.unkept.Do(func() { a.tell("warning", err.Error()) })
		err = nil
	}
	return r, name, err
}

// pointers are the files of a deployment that git-lfs keeps elsewhere.
func (v *tree) pointers(r compiler.Result, at string) (files []string) {
	for _, f := range r.Files {
		if _, is := slices.BinarySearch(v.Pointers, path.Join(at, f)); is {
			files = append(files, f)
		}
	}
	return files
}

// named compiles the deployment as it is at head, which was named.
func (a *app) named(ctx context.Context, c *commits, dir string) (*deployment, error) {
	src, there, err := a.source(c.present, c.at)
	if err == nil && !there {
		err = fmt.Errorf("commit %.12s holds no deployment in %s", c.head, c.at)
	}
	if err != nil {
		return nil, err
	}
	r, _, err := a.compileVersion(ctx, c, c.present, src)
	if err != nil {
		return nil, err
	}
	for _, f := range c.present.pointers(r, c.at) {
		r.Findings = append(slices.Clone(r.Findings), schema.Finding{Code: "DC501", Severity: schema.Error, Message: fmt.Sprintf("commit %.12s holds a pointer of git-lfs instead of the file", c.head),
			Hint: "keep files that deployments embed in git itself, or plan the work tree, without --head", Positions: []schema.Position{{File: f, Line: 1, Col: 1}}})
	}
	return &deployment{dir, r, a.wrote, a.logs, a.keep, &a.limits, c.present, nil, nil, a.lease, a.tooShort()}, nil
}

// holds says whether a folder of a version has CUE files.
func (v *tree) holds(at string) bool {
	files, err := filepath.Glob(filepath.Join(globbed(v.top), globbed(filepath.FromSlash(at)), "*.cue"))
	return err == nil && len(files) > 0
}

// globbed is a path as a pattern that matches it alone.
func globbed(name string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(name)
}

// deployments are the folders below one, itself too, that are deployments, seen from
// the top: of the modules there, and of the one that it is in.
func (v *tree) deployments(ctx context.Context, under string) (found []string, err error) {
	start := filepath.Join(v.top, filepath.FromSlash(under))
	if _, err := os.Stat(start); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	modules := map[string]bool{}
	if src, err := compiler.Find(start); err == nil && inside(v.top, src.Root) {
		modules[src.Root] = true
	}
	err = filepath.WalkDir(start, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil || ctx.Err() != nil:
			return cmp.Or(err, ctx.Err())
		case !e.IsDir():
		case e.Name() == "cue.mod":
			modules[filepath.Dir(name)] = true
			return fs.SkipDir
		case name != start && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		}
		return nil
	})
	for _, module := range schema.Sorted(modules) {
		if err != nil {
			return nil, err
		}
		var all []string
		all, err = compiler.DeploymentsIn(module)
		for _, d := range all {
			if at := filepath.Join(module, filepath.FromSlash(d)); inside(start, at) {
				rel, _ := filepath.Rel(v.top, at)
				found = append(found, filepath.ToSlash(rel))
			}
		}
	}
	slices.Sort(found)
	return found, err
}

// inside says that a folder is another one or lies in it.
func inside(dir, at string) bool {
	rel, err := filepath.Rel(dir, at)
	return err == nil && filepath.IsLocal(rel)
}
