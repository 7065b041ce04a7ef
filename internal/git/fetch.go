package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// ErrNoBranch says that a remote, which answered, has no such branch.
var ErrNoBranch = errors.New("the repository has no such branch")

// Remote is a repository elsewhere, and as whom it is asked. Nothing is taken from
// git's own configuration (of ssh's the addresses of hosts), and no program but
// git-upload-pack, for file URLs, runs.
type Remote struct {
	URL            string // https, ssh or file, without a password
	User, Password string // https; without a password nobody is said
	Key            []byte // ssh: a private key
	KnownHosts     string // ssh: a file of the host keys that count, as ssh keeps it
	CA             []byte // https: certificates to trust beside the system's, PEM
	// Bytes, Objects and Time bound one fetch; zero are 2 GiB, five million and five
	// minutes.
	Bytes   int64
	Objects int
	Time    time.Duration
}

const (
	mostBytes   = 2 << 30
	mostObjects = 5_000_000 // each takes some 400 bytes while a pack is read
	mostTime    = 5 * time.Minute
	mostPacks   = 50 // of a mirror: go-git joins none
)

// Fetch brings branches with their history into a bare repository of the caller's own
// at dir, which is made where there is none, and opens it: each stands there as
// refs/heads/NAME; any other ref is named in full, and stands under its name. Tags,
// submodules and hooks are not fetched. ErrNoBranch. It may make the repository anew, so
// that nobody may read an earlier one meanwhile.
func (r Remote) Fetch(ctx context.Context, dir string, branches ...string) (*Repository, error) {
	limit := cmp.Or(r.Time, mostTime)
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := r.fetch(within, dir, branches)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("it took longer than %s", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", r.URL, err)
	}
	return open(dir)
}

func (r Remote) fetch(ctx context.Context, dir string, branches []string) error {
	auth, err := r.auth()
	if err != nil {
		return err
	}
	if err := tidy(dir); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	most := cmp.Or(r.Bytes, mostBytes)
	store := bounded{filesystem.NewStorage(osfs.New(dir, osfs.WithBoundOS()), cache.NewObjectLRUDefault()), dir, &budget{most, cancel}, cmp.Or(r.Objects, mostObjects), ctx}
	if _, err := git.Init(store, nil); err != nil && !errors.Is(err, git.ErrRepositoryAlreadyExists) {
		return err
	}
	remote := git.NewRemote(store, &config.RemoteConfig{Name: "origin", URLs: []string{r.URL}})
	for _, b := range branches {
		ref := plumbing.NewBranchReferenceName(b)
		if strings.HasPrefix(b, "refs/") {
			ref = plumbing.ReferenceName(b)
		}
		err := remote.FetchContext(ctx, &git.FetchOptions{RefSpecs: []config.RefSpec{config.RefSpec("+" + ref.String() + ":" + ref.String())}, Auth: auth, Tags: git.NoTags, CABundle: r.CA, Force: true})
		var none git.NoMatchingRefSpecError
		switch {
		case err == nil, errors.Is(err, git.NoErrAlreadyUpToDate):
		case errors.As(err, &none), errors.Is(err, transport.ErrEmptyRemoteRepository):
			return errors.Join(fmt.Errorf("%s: %w", b, ErrNoBranch), store.RemoveReference(ref))
		case store.budget.left < 0:
			return Unreadable{fmt.Sprintf("it holds more than %d KiB that are new", most>>10)}
		default:
			return err
		}
	}
	return nil
}

// auth is nil where nobody is said.
func (r Remote) auth() (transport.AuthMethod, error) {
	at, err := transport.NewEndpoint(r.URL)
	if err != nil {
		return nil, errors.New("the address is none")
	}
	switch {
	case at.Protocol == "ssh":
		return r.sshAuth(at.User)
	case r.Password != "":
		return &http.BasicAuth{Username: cmp.Or(r.User, "git"), Password: r.Password}, nil
	}
	return nil, nil
}

// sshAuth goes by the file of host keys alone: a host that is not in it is refused.
func (r Remote) sshAuth(user string) (transport.AuthMethod, error) {
	keys, err := ssh.NewPublicKeys(cmp.Or(r.User, user, "git"), r.Key, "")
	if err != nil {
		return nil, errors.New("the key is no private key without a passphrase")
	}
	if keys.HostKeyCallback, err = ssh.NewKnownHostsCallback(r.KnownHosts); err != nil {
		return nil, fmt.Errorf("known hosts: %w", err)
	}
	return keys, nil
}

// tidy removes what fetches that were cut off left, and a mirror of too many packs.
func tidy(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "tmp_*"))
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	packs, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.pack"))
	if err == nil && len(packs) > mostPacks {
		err = os.RemoveAll(dir)
	}
	return err
}

// bounded is a repository's storage that takes in only so much.
type bounded struct {
	*filesystem.Storage
	dir     string
	budget  *budget
	objects int
	ctx     context.Context
}

// PackfileWriter is what go-git writes a fetched pack to.
func (s bounded) PackfileWriter() (io.WriteCloser, error) {
	dir := filepath.Join(s.dir, "objects", "pack")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "tmp_pack_")
	return within{f, s}, err
}

// budget is how many bytes may still be written. Once it is spent the fetch is ended
// where it reads, and not where it writes: there alone go-git ends the other side.
type budget struct {
	left   int64
	cancel func()
}

type within struct {
	file *os.File
	bounded
}

func (w within) Write(p []byte) (int, error) {
	if w.budget.left -= int64(len(p)); w.budget.left < 0 {
		w.budget.cancel()
		return len(p), nil
	}
	return w.file.Write(p)
}

// Close keeps what was written, if that is a whole pack. What is not the next fetch
// removes.
func (w within) Close() error {
	err := w.ctx.Err()
	if err == nil {
		err = keep(w.ctx, w.file, w.objects)
	}
	w.Reindex()
	return errors.Join(err, w.file.Close())
}
