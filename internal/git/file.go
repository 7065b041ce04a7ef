package git

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// ErrLarge is answered for a file that is larger than somebody reads.
var ErrLarge = errors.New("more than")

// File is the content of a commit's file, seen from the top, of at most so many bytes;
// ErrNotFound where there is no such file. Links are not followed.
func (r *Repository) File(commit, name string, most int64) ([]byte, error) {
	t, err := r.tree(commit, ".")
	if err != nil {
		return nil, err
	}
	f, err := t.File(name)
	switch {
	case errors.Is(err, object.ErrFileNotFound), err == nil && f.Mode != filemode.Regular && f.Mode != filemode.Executable:
		return nil, fmt.Errorf("%s: %w", name, ErrNotFound)
	case err != nil:
		return nil, r.missing(err)
	case f.Size > most:
		return nil, fmt.Errorf("%s holds %d bytes, %w %d", name, f.Size, ErrLarge, most)
	}
	in, err := f.Reader()
	if err != nil {
		return nil, r.missing(err)
	}
	defer in.Close()
	body, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, r.missing(err)
	}
	return body, nil
}
