package git

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Differ are the names of files that two commits do not hold alike: contents, modes,
// or only one has it. A file that moved is two. Slash-separated and sorted; contents
// are compared by their ids, none is read.
func (r *Repository) Differ(ctx context.Context, one, two string) ([]string, error) {
	a, err := r.tree(one, ".")
	if err == nil {
		var b *object.Tree
		if b, err = r.tree(two, "."); err == nil {
			d := differing{r: r, left: mostNames}
			err = d.trees(ctx, a, b, "", 0)
			slices.Sort(d.names)
			return d.names, err
		}
	}
	return nil, fmt.Errorf("compare %.12s with %.12s: %w", one, two, err)
}

// Unreadable says why commits are not read, whoever asks: they are no commits that git
// itself would make, or hold more than is read.
type Unreadable struct{ Why string }

func (u Unreadable) Error() string { return u.Why }

// mostNames bounds what is compared: a few trees, each within the other ten times, name
// more files than any machine has room for.
const (
	mostNames = 64 << 20 // bytes
	perName   = 64       // that a name takes beside itself
)

type differing struct {
	r     *Repository
	names []string
	left  int // of mostNames
}

// spend takes of what is left.
func (d *differing) spend(bytes int, name string) error {
	if d.left -= bytes; d.left < 0 {
		return Unreadable{fmt.Sprintf("more differs than is compared, %d MiB of names: %s", mostNames>>20, brief(name))}
	}
	return nil
}

// brief is a name as a message has room for.
func brief(name string) string {
	const most = 200
	if len(name) > most {
		return fmt.Sprintf("%q…", name[:most])
	}
	return name
}

// trees compares two folders; nil is one that is not there.
func (d *differing) trees(ctx context.Context, a, b *object.Tree, at string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > DefaultLimits.Depth {
		return fmt.Errorf("%s: folders within each other deeper than %d are not read", brief(at), DefaultLimits.Depth)
	}
	held := perName * (len(listed(a)) + len(listed(b))) // while what lies in them is compared
	if err := d.spend(held, at); err != nil {
		return err
	}
	defer func() { d.left += held }()
	here, err := entries(a, at)
	if err != nil {
		return err
	}
	there, err := entries(b, at)
	if err != nil {
		return err
	}
	for _, e := range listed(a) {
		if err := d.entry(ctx, e, there[e.Name], path.Join(at, e.Name), depth); err != nil {
			return err
		}
	}
	for _, e := range listed(b) {
		if _, both := here[e.Name]; !both {
			if err := d.entry(ctx, object.TreeEntry{}, e, path.Join(at, e.Name), depth); err != nil {
				return err
			}
		}
	}
	return nil
}

func listed(t *object.Tree) []object.TreeEntry {
	if t == nil {
		return nil
	}
	return t.Entries
}

// entries are a folder's by name. One that git would not make is refused: of a name that
// stands there twice each reader takes another, and one with a slash stands elsewhere
// than it seems.
func entries(t *object.Tree, at string) (map[string]object.TreeEntry, error) {
	all := make(map[string]object.TreeEntry, len(listed(t)))
	last := ""
	for _, e := range listed(t) {
		name, sorted := brief(path.Join(at, e.Name)), sortedAs(e)
		switch _, twice := all[e.Name]; {
		case twice:
			return nil, Unreadable{fmt.Sprintf("its folder holds %s twice", name)}
		case !nameable(e.Name):
			return nil, Unreadable{fmt.Sprintf("%q in %s is no name that a file may have", brief(e.Name), brief(cmp.Or(at, ".")))}
		case e.Hash == plumbing.ZeroHash:
			return nil, Unreadable{fmt.Sprintf("%s is nothing, and in its folder", name)}
		case sorted < last:
			return nil, Unreadable{fmt.Sprintf("%s is not where git looks for it in its folder", name)}
		}
		all[e.Name], last = e, sorted
	}
	return all, nil
}

// entry compares what stands at one name; the zero entry is nothing.
func (d *differing) entry(ctx context.Context, a, b object.TreeEntry, name string, depth int) error {
	if a.Hash == b.Hash && a.Mode == b.Mode {
		return nil
	}
	if err := d.spend(perName+len(name), name); err != nil {
		return err
	}
	if isFile(a) || isFile(b) {
		d.names = append(d.names, name)
	}
	if a.Mode != filemode.Dir && b.Mode != filemode.Dir {
		return nil
	}
	below, err := d.below(a)
	if err != nil {
		return err
	}
	other, err := d.below(b)
	if err != nil {
		return err
	}
	return d.trees(ctx, below, other, name, depth+1)
}

func isFile(e object.TreeEntry) bool { return e.Hash != plumbing.ZeroHash && e.Mode != filemode.Dir }

func (d *differing) below(e object.TreeEntry) (*object.Tree, error) {
	if e.Mode != filemode.Dir {
		return nil, nil
	}
	t, err := d.r.repo.TreeObject(e.Hash)
	if err != nil {
		return nil, d.r.missing(err)
	}
	return t, nil
}
