package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/rogpeppe/go-internal/diff"
)

// What a look at a file's history takes at most.
const (
	mostLooked   = 500     // commits
	mostVersions = 50      // of the file
	mostVersion  = 1 << 20 // bytes of one
)

// Changes says of each line of a file, as it stands in a text, how often it was changed
// along the first parents of HEAD, and how often the file was; what is not committed is
// the newest change. The file's name is seen from the top. It goes back until the file was not there, or was too large, or
// so far as there are commits in the repository, and no further than ctx lasts.
func (r *Repository) Changes(ctx context.Context, name string, text []byte) (lines []int, all int, err error) {
	head, err := r.repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("git: %w", err)
	}
	f := newFollowed(text)
	last := plumbing.ZeroHash
	for at, looked := head.Hash(), 0; looked < mostLooked && all < mostVersions && ctx.Err() == nil; looked++ {
		c, err := r.repo.CommitObject(at)
		if err != nil {
			if r.shallow[at] || looked > 0 && errors.Is(err, plumbing.ErrObjectNotFound) {
				break // the clone holds no more
			}
			return nil, 0, r.missing(err)
		}
		body, hash, err := r.version(c, name, last)
		if err != nil {
			return nil, 0, err
		}
		if hash.IsZero() {
			break
		}
		if hash != last {
			if last = hash; f.back(body) {
				all++
			}
		}
		if len(c.ParentHashes) == 0 {
			break
		}
		at = c.ParentHashes[0]
	}
	return f.changed, all, nil
}

// version is a commit's file; zero where there is none that can be followed. One of
// the last hash is not read again.
func (r *Repository) version(c *object.Commit, name string, last plumbing.Hash) (body []byte, hash plumbing.Hash, err error) {
	t, err := c.Tree()
	if err != nil {
		return nil, hash, r.missing(err)
	}
	e, err := t.FindEntry(name)
	switch {
	case errors.Is(err, object.ErrEntryNotFound), errors.Is(err, object.ErrDirectoryNotFound), err == nil && !e.Mode.IsFile():
		return nil, plumbing.ZeroHash, nil
	case err != nil:
		return nil, hash, r.missing(err)
	case e.Hash == last:
		return nil, last, nil
	}
	b, err := r.repo.BlobObject(e.Hash)
	if err != nil {
		return nil, hash, r.missing(err)
	}
	if b.Size > mostVersion {
		return nil, plumbing.ZeroHash, nil
	}
	in, err := b.Reader()
	if err != nil {
		return nil, hash, r.missing(err)
	}
	defer in.Close()
	body, err = io.ReadAll(io.LimitReader(in, mostVersion))
	return body, e.Hash, err
}

// followed is a text whose lines are followed back through versions.
type followed struct {
	at      []byte // the version that was reached
	stands  []int  // where each line of the text stands in it; -1: it did not come so far
	changed []int
}

func newFollowed(text []byte) *followed {
	n := bytes.Count(text, []byte("\n")) + 1
	f := &followed{at: text, stands: make([]int, n), changed: make([]int, n)}
	for i := range f.stands {
		f.stands[i] = i
	}
	return f
}

// back goes on to an earlier version; false: it is the same.
func (f *followed) back(earlier []byte) bool {
	from, changed := descent(earlier, f.at)
	for i, at := range f.stands {
		if at < 0 {
			continue
		}
		if next, moved := from[at]; moved {
			if f.stands[i] = next; changed[at] {
				f.changed[i]++
			}
		} else if from != nil {
			f.stands[i] = -1
		}
	}
	f.at = earlier
	return from != nil
}

// descent says for lines of a later text where each comes from, and which were changed;
// nil: both are the same. Of a block in whose place another stands, lines follow each
// other.
func descent(earlier, later []byte) (from map[int]int, changed map[int]bool) {
	text := diff.Diff("a", ended(earlier), "b", ended(later))
	if len(text) == 0 {
		return nil, nil
	}
	from, changed = map[int]int{}, map[int]bool{}
	old, now := 0, 0 // the lines that are next
	var gone []int
	same := func(until int) {
		for ; now < until; old, now = old+1, now+1 {
			from[now] = old
		}
	}
	for i, line := range strings.SplitAfter(string(text), "\n") {
		if i < 3 || line == "" {
			continue // the heading
		}
		switch line[0] {
		case '@':
			var a, b, c, d int
			if _, err := fmt.Sscanf(line, "@@ -%d,%d +%d,%d @@", &a, &b, &c, &d); err == nil {
				if d == 0 {
					c++
				}
				same(c - 1)
			}
			gone = nil
		case '-':
			gone = append(gone, old)
			old++
		case '+':
			if len(gone) > 0 {
				from[now], changed[now], gone = gone[0], true, gone[1:]
			}
			now++
		case ' ':
			from[now], gone = old, nil
			old, now = old+1, now+1
		}
	}
	same(bytes.Count(later, []byte("\n")) + 1)
	return from, changed
}

// ended ends with a newline.
func ended(text []byte) []byte {
	if bytes.HasSuffix(text, []byte("\n")) {
		return text
	}
	return append(bytes.Clone(text), '\n')
}
