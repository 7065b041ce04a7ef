package git

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/go-git/go-git/v5"
)

// Origin answers where the repository of a folder was cloned from, by the remote
// "origin", and where in the repository the folder is ("" at its top). All is empty
// without a repository or such a remote.
func Origin(dir string) (url, within string, err error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("git: %w", err)
	}
	remote, err := repo.Remote("origin")
	if errors.Is(err, git.ErrRemoteNotFound) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("git: %w", err)
	}
	work, err := repo.Worktree()
	if err != nil {
		return "", "", fmt.Errorf("git: %w", err)
	}
	root, err := filepath.EvalSymlinks(work.Filesystem.Root())
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err == nil {
		within, err = filepath.Rel(root, dir)
	}
	if err != nil {
		return "", "", fmt.Errorf("git: %w", err)
	}
	if within == "." {
		within = ""
	}
	if urls := remote.Config().URLs; len(urls) > 0 {
		url = urls[0]
	}
	return url, filepath.ToSlash(within), nil
}
