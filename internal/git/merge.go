package git

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage"
)

// Merged is what merging one commit into another gives, file by file.
type Merged struct {
	// Base is their merge base.
	Base string
	// Commit names the result as a commit does, but only in the Repository that made it:
	// nothing is written to disk. Where there are conflicts it is the commit that was to
	// be merged.
	Commit string
	// Conflicts are the files that the two sides changed, each in another way; sorted.
	Conflicts []string
}

// Merge merges theirs into ours. A file that one side alone changed is that side's, one
// that both changed alike is as they have it; lines are not merged. ErrUnrelated.
func (r *Repository) Merge(ctx context.Context, ours, theirs string) (Merged, error) {
	base, err := r.MergeBase(ctx, ours, theirs)
	if err != nil {
		return Merged{}, err
	}
	m := Merged{Base: base, Commit: theirs}
	if base == ours || base == theirs {
		if base == theirs {
			m.Commit = ours
		}
		return m, nil
	}
	var trees [3]*object.Tree
	for i, c := range []string{base, ours, theirs} {
		if trees[i], err = r.tree(c, "."); err != nil {
			return Merged{}, err
		}
	}
	j := joining{r: r, made: r.overlay()}
	root, err := j.trees(ctx, trees, "", 0)
	if err != nil {
		return Merged{}, fmt.Errorf("merge of %.12s into %.12s: %w", theirs, ours, err)
	}
	if slices.Sort(j.conflicts); len(j.conflicts) > 0 {
		m.Conflicts = j.conflicts
		return m, nil
	}
	m.Commit, err = j.made.commit(root, ours, theirs)
	return m, err
}

// joining merges trees by their entries' ids; no file is read.
type joining struct {
	r         *Repository
	made      *overlay
	conflicts []string
}

// Whose a tree or an entry is.
const (
	former = iota
	our
	their
)

// trees merges folders, of which any may be nil, and answers the id of the result.
func (j *joining) trees(ctx context.Context, t [3]*object.Tree, at string, depth int) (plumbing.Hash, error) {
	if err := ctx.Err(); err != nil {
		return plumbing.ZeroHash, err
	}
	if depth > DefaultLimits.Depth {
		return plumbing.ZeroHash, fmt.Errorf("%s: folders within each other deeper than %d are not read", brief(at), DefaultLimits.Depth)
	}
	names := map[string]bool{}
	var all [3]map[string]object.TreeEntry
	for i := range t {
		var err error
		if all[i], err = entries(t[i], at); err != nil {
			return plumbing.ZeroHash, err
		}
		for name := range all[i] {
			names[name] = true
		}
	}
	var result []object.TreeEntry
	for _, name := range slices.Sorted(maps.Keys(names)) {
		e, err := j.entry(ctx, [3]object.TreeEntry{all[former][name], all[our][name], all[their][name]}, path.Join(at, name), depth)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if e.Hash != plumbing.ZeroHash {
			result = append(result, object.TreeEntry{Name: name, Mode: e.Mode, Hash: e.Hash})
		}
	}
	if len(result) == 0 && depth > 0 {
		return plumbing.ZeroHash, nil // git keeps no empty folder
	}
	return j.made.tree(result)
}

// entry merges what stands at one name; the zero entry is nothing.
func (j *joining) entry(ctx context.Context, e [3]object.TreeEntry, name string, depth int) (object.TreeEntry, error) {
	same := func(a, b int) bool { return e[a].Hash == e[b].Hash && e[a].Mode == e[b].Mode }
	switch {
	case same(our, their), same(their, former):
		return e[our], nil
	case same(our, former):
		return e[their], nil
	}
	var below [3]*object.Tree
	for i := range e {
		switch {
		case e[i].Mode == filemode.Dir:
			t, err := j.r.repo.TreeObject(e[i].Hash)
			if err != nil {
				return object.TreeEntry{}, j.r.missing(err)
			}
			below[i] = t
		case i != former && e[i].Hash != plumbing.ZeroHash:
			j.conflicts = append(j.conflicts, name)
			return e[their], nil
		}
	}
	if below[our] == nil && below[their] == nil { // it was a file, and is nothing on either side: same
		return object.TreeEntry{}, nil
	}
	hash, err := j.trees(ctx, below, name, depth+1)
	return object.TreeEntry{Mode: filemode.Dir, Hash: hash}, err
}

// overlay is a repository's storage with objects that are in memory alone.
type overlay struct {
	storage.Storer
	made map[plumbing.Hash]plumbing.EncodedObject
}

func (r *Repository) overlay() *overlay {
	if o, ok := r.repo.Storer.(*overlay); ok {
		return o
	}
	o := &overlay{r.repo.Storer, map[plumbing.Hash]plumbing.EncodedObject{}}
	r.repo.Storer = o
	return o
}

// EncodedObject is storer.EncodedObjectStorer's.
func (o *overlay) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	if made, ok := o.made[h]; ok && (t == plumbing.AnyObject || t == made.Type()) {
		return made, nil
	}
	return o.Storer.EncodedObject(t, h)
}

// EncodedObjectSize is storer.EncodedObjectStorer's.
func (o *overlay) EncodedObjectSize(h plumbing.Hash) (int64, error) {
	if made, ok := o.made[h]; ok {
		return made.Size(), nil
	}
	return o.Storer.EncodedObjectSize(h)
}

// HasEncodedObject is storer.EncodedObjectStorer's.
func (o *overlay) HasEncodedObject(h plumbing.Hash) error {
	if _, ok := o.made[h]; ok {
		return nil
	}
	return o.Storer.HasEncodedObject(h)
}

type encodable interface {
	Encode(plumbing.EncodedObject) error
}

func (o *overlay) keep(e encodable) (plumbing.Hash, error) {
	m := &plumbing.MemoryObject{}
	if err := e.Encode(m); err != nil {
		return plumbing.ZeroHash, err
	}
	o.made[m.Hash()] = m
	return m.Hash(), nil
}

// tree keeps entries in git's order, in which a folder's name ends in a slash.
func (o *overlay) tree(all []object.TreeEntry) (plumbing.Hash, error) {
	slices.SortFunc(all, func(a, b object.TreeEntry) int { return cmp.Compare(sortedAs(a), sortedAs(b)) })
	return o.keep(&object.Tree{Entries: all})
}

func sortedAs(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

// commit is the same for the same tree and parents.
func (o *overlay) commit(tree plumbing.Hash, parents ...string) (string, error) {
	who := object.Signature{Name: "domctl", Email: "domctl", When: time.Unix(0, 0).UTC()}
	c := &object.Commit{TreeHash: tree, Author: who, Committer: who, Message: "merge of " + strings.Join(parents, " and ")}
	for _, p := range parents {
		c.ParentHashes = append(c.ParentHashes, plumbing.NewHash(p))
	}
	h, err := o.keep(c)
	return h.String(), err
}
