package git

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// ErrNone says that no folder above is a repository.
var ErrNone = errors.New("no git repository here or in a folder above")

// Repository is one on disk, read through its objects: work tree, index and refs
// stay as they are.
type Repository struct {
	repo    *git.Repository
	top     string // folder that its trees stand for; of a bare one, its own
	shallow map[plumbing.Hash]bool
	borrows bool // objects of another repository
}

// Open finds the repository that a folder is in, which need not be there: a clone,
// a linked work tree or a bare one. ErrNone.
func Open(dir string) (*Repository, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	at, _, err = real(at)
	if err != nil {
		return nil, err
	}
	for ; ; at = filepath.Dir(at) {
		_, err := os.Lstat(filepath.Join(at, git.GitDirName))
		if err == nil || isBare(at) {
			return open(at)
		}
		if at == filepath.Dir(at) {
			return nil, fmt.Errorf("%s: %w", dir, ErrNone)
		}
	}
}

func open(top string) (*Repository, error) {
	repo, err := git.PlainOpenWithOptions(top, &git.PlainOpenOptions{EnableDotGitCommonDir: true})
	if err != nil {
		return nil, fmt.Errorf("git: %s: %w", top, err)
	}
	r := &Repository{repo: repo, top: top, shallow: map[plumbing.Hash]bool{}}
	ends, err := repo.Storer.Shallow()
	if err != nil {
		return nil, fmt.Errorf("git: %s: %w", top, err)
	}
	for _, h := range ends {
		r.shallow[h] = true
	}
	if s, ok := repo.Storer.(*filesystem.Storage); ok {
		_, err := s.Filesystem().Stat("objects/info/alternates")
		r.borrows = err == nil
	}
	return r, nil
}

// isBare goes by what git itself asks of a folder.
func isBare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// real resolves the links of as much of a path as is there; rest is what is not.
func real(dir string) (there, rest string, err error) {
	for {
		there, err = filepath.EvalSymlinks(dir)
		if err == nil || !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
			return there, rest, err
		}
		dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest)
	}
}

// Top is the folder that the repository's trees stand for.
func (r *Repository) Top() string { return r.top }

// Empty says that nothing is committed yet where HEAD stands.
func (r *Repository) Empty() bool {
	_, err := r.repo.Head()
	return errors.Is(err, plumbing.ErrReferenceNotFound)
}

// Bare says that it has no work tree.
func (r *Repository) Bare() bool {
	_, err := os.Lstat(filepath.Join(r.top, git.GitDirName))
	return err != nil
}

// Within is where a folder, which need not be there, stands in the repository's
// trees: slash-separated, "." for the top.
func (r *Repository) Within(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	there, rest, err := real(abs)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(r.top, filepath.Join(there, rest))
	if err == nil && !filepath.IsLocal(rel) {
		err = fmt.Errorf("%s lies outside the repository %s", dir, r.top)
	}
	return filepath.ToSlash(rel), err
}

// Commit is the commit that a branch, a tag, a remote's branch ("origin/main") or
// an id names, in 40 hexadecimal digits.
func (r *Repository) Commit(ref string) (string, error) {
	if strings.HasPrefix(ref, "refs/heads/") { // of which a revision cannot name all
		if at, err := r.repo.Reference(plumbing.ReferenceName(ref), true); err == nil {
			return at.Hash().String(), nil
		}
	}
	if strings.ContainsAny(ref, ":{") { // go-git passes over what it does not know of them
		return "", fmt.Errorf("%q names no commit as read here; write a branch, a tag or an id, with ~ or ^ behind it", ref)
	}
	hash, err := r.repo.ResolveRevision(plumbing.Revision(ref))
	switch {
	case err == nil:
	case errors.Is(err, plumbing.ErrReferenceNotFound), errors.Is(err, plumbing.ErrObjectNotFound):
		return "", fmt.Errorf("%q names no commit of this clone; %s", ref, r.meant(ref))
	default:
		return "", fmt.Errorf("%q names no commit: %w", ref, err)
	}
	if _, err := r.repo.CommitObject(*hash); err != nil {
		return "", fmt.Errorf("%q names no commit: %w", ref, r.missing(err))
	}
	return hash.String(), nil
}

// meant is what to do about a ref that is not there.
func (r *Repository) meant(ref string) string {
	if r.borrows {
		return own
	}
	if refs, err := r.repo.References(); err == nil {
		var near []string
		_ = refs.ForEach(func(at *plumbing.Reference) error {
			if name := at.Name(); name.IsRemote() && strings.HasSuffix(name.Short(), "/"+ref) {
				near = append(near, name.Short())
			}
			return nil
		})
		if slices.Sort(near); len(near) > 0 {
			return "did you mean " + strings.Join(near, " or ") + "?"
		}
	}
	return "fetch it first (git fetch origin; in a CI job a checkout with fetch-depth: 0)"
}

// missing says what to do about an object that the clone does not hold.
func (r *Repository) missing(err error) error {
	if !errors.Is(err, plumbing.ErrObjectNotFound) {
		return err
	}
	if len(r.shallow) > 0 {
		return fmt.Errorf("%w: this clone is shallow; %s", err, whole)
	}
	if r.borrows {
		return fmt.Errorf("%w: %s", err, own)
	}
	return fmt.Errorf("%w: this clone does not hold it; fetch it without a filter, or clone again", err)
}

const whole = "fetch the whole history (git fetch --unshallow; in a CI job a checkout with fetch-depth: 0)"

const own = "this clone borrows objects of another repository, which are not read here (git repack -ad copies them)"

// tree is a commit's, or the one at a folder of it; ErrNotFound where there is no
// such folder.
func (r *Repository) tree(commit, under string) (*object.Tree, error) {
	c, err := r.repo.CommitObject(plumbing.NewHash(commit))
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrGone, r.missing(err))
	}
	if err != nil {
		return nil, err
	}
	t, err := c.Tree()
	if err != nil {
		return nil, r.missing(err)
	}
	if under == "." {
		return t, nil
	}
	t, err = t.Tree(under)
	switch {
	case errors.Is(err, object.ErrDirectoryNotFound), errors.Is(err, object.ErrEntryNotFound):
		return nil, fmt.Errorf("%s: %w", under, ErrNotFound)
	case err != nil:
		return nil, r.missing(err)
	}
	return t, nil
}

// ErrGone says that the repository does not hold the commit, or not any more.
var ErrGone = errors.New("the commit is not there")

// ErrNotFound says that a commit has no such folder, or no such file.
var ErrNotFound = errors.New("not in the commit")

// Above is the folder, the one named or the nearest above it, in which a commit
// holds a folder of a name; there is false where none does.
func (r *Repository) Above(commit, dir, name string) (at string, there bool, err error) {
	top, err := r.tree(commit, ".")
	if err != nil {
		return "", false, err
	}
	for at = dir; ; at = path.Dir(at) {
		e, err := top.FindEntry(path.Join(at, name))
		switch {
		case err == nil && e.Mode == filemode.Dir:
			return at, true, nil
		case err != nil && !errors.Is(err, object.ErrEntryNotFound) && !errors.Is(err, object.ErrDirectoryNotFound):
			return "", false, r.missing(err)
		case at == ".":
			return "", false, nil
		}
	}
}
