package git

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// ErrUnrelated says that two commits have no history in common.
var ErrUnrelated = errors.New("have no commit in common")

// MergeBase is the best common ancestor of two commits: one that no other common
// ancestor comes after. Of several (branches that were merged crosswise) it is the
// youngest, and of those of one second the one with the lowest id. ErrUnrelated;
// where a shallow clone cuts off what would decide, an error says so.
func (r *Repository) MergeBase(ctx context.Context, one, two string) (string, error) {
	bases, err := r.common(ctx, plumbing.NewHash(one), plumbing.NewHash(two))
	if err != nil {
		return "", fmt.Errorf("merge base of %.12s and %.12s: %w", one, two, err)
	}
	var best []*object.Commit
	for i, c := range bases {
		covered, err := r.covered(ctx, c, slices.Concat(bases[:i], bases[i+1:]))
		if err != nil {
			return "", err
		}
		if !covered {
			best = append(best, c)
		}
	}
	if len(best) == 0 {
		return "", fmt.Errorf("%.12s and %.12s %w", one, two, ErrUnrelated)
	}
	slices.SortFunc(best, func(a, b *object.Commit) int {
		return cmp.Or(b.Committer.When.Compare(a.Committer.When), cmp.Compare(a.Hash.String(), b.Hash.String()))
	})
	return best[0].Hash.String(), nil
}

// Marks of a commit on the way back from two.
const (
	ofOne = 1 << iota
	ofTwo
	stale  // an ancestor of a common one
	ofBoth = ofOne | ofTwo
)

// walk goes back from commits, the youngest first, so that most commits are seen
// once: as git's own does.
type walk struct {
	r     *Repository
	marks map[plumbing.Hash]int
	queue youngest
	fresh int // in the queue and not stale
}

func (w *walk) push(h plumbing.Hash, marks int) error {
	before := w.marks[h]
	if before|marks == before {
		return nil
	}
	w.marks[h] = before | marks
	if before != 0 && w.queue.holds(h) {
		if before&stale == 0 && marks&stale != 0 {
			w.fresh--
		}
		return nil
	}
	c, err := w.r.repo.CommitObject(h)
	if err != nil {
		return w.r.missing(err)
	}
	if w.marks[h]&stale == 0 {
		w.fresh++
	}
	heap.Push(&w.queue, c)
	return nil
}

// next is the youngest commit in the queue with its marks.
func (w *walk) next() (*object.Commit, int) {
	c := heap.Pop(&w.queue).(*object.Commit)
	marks := w.marks[c.Hash]
	if marks&stale == 0 {
		w.fresh--
	}
	return c, marks
}

// common are common ancestors, the best ones among them.
func (r *Repository) common(ctx context.Context, one, two plumbing.Hash) (found []*object.Commit, err error) {
	w := walk{r: r, marks: map[plumbing.Hash]int{}, queue: youngest{in: map[plumbing.Hash]bool{}}}
	if err := errors.Join(w.push(one, ofOne), w.push(two, ofTwo)); err != nil {
		return nil, err
	}
	cut := false
	for w.fresh > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, marks := w.next()
		if marks&ofBoth == ofBoth {
			if marks&stale == 0 && !slices.ContainsFunc(found, func(f *object.Commit) bool { return f.Hash == c.Hash }) {
				found = append(found, c)
			}
			marks |= stale
		}
		if r.shallow[c.Hash] {
			cut = cut || marks&ofBoth != ofBoth
			continue
		}
		for _, p := range c.ParentHashes {
			if err := w.push(p, marks); err != nil {
				return nil, err
			}
		}
	}
	if cut { // what lies behind may be a later one
		return nil, errors.New("the clone is shallow and does not reach back to it; " + whole)
	}
	return slices.DeleteFunc(found, func(c *object.Commit) bool { return w.marks[c.Hash]&stale != 0 }), nil
}

// covered says that a commit is an ancestor of another one: dates that go backwards
// let it seem otherwise at first.
func (r *Repository) covered(ctx context.Context, c *object.Commit, others []*object.Commit) (bool, error) {
	for _, o := range others {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		is, err := c.IsAncestor(o)
		if err != nil && !(errors.Is(err, plumbing.ErrObjectNotFound) && len(r.shallow) > 0) {
			return false, r.missing(err)
		}
		if is {
			return true, nil
		}
	}
	return false, nil
}

// youngest is a heap of commits, each at most once.
type youngest struct {
	commits []*object.Commit
	in      map[plumbing.Hash]bool
}

func (y *youngest) holds(h plumbing.Hash) bool { return y.in[h] }
func (y *youngest) Len() int                   { return len(y.commits) }
func (y *youngest) Less(i, j int) bool {
	return y.commits[i].Committer.When.After(y.commits[j].Committer.When)
}
func (y *youngest) Swap(i, j int) { y.commits[i], y.commits[j] = y.commits[j], y.commits[i] }

// Push is heap.Interface's.
func (y *youngest) Push(x any) {
	c := x.(*object.Commit)
	y.commits, y.in[c.Hash] = append(y.commits, c), true
}

// Pop is heap.Interface's.
func (y *youngest) Pop() any {
	last := y.commits[len(y.commits)-1]
	y.commits = y.commits[:len(y.commits)-1]
	delete(y.in, last.Hash)
	return last
}
