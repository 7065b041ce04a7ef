package forge

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"domctl.dev/internal/port"
)

// errNoCommit is said of an answer that lacks what each has.
var errNoCommit = errors.New("its answer names no commit")

// commitID refuses what is no object's name of git's.
func commitID(kind Kind, id string) (string, error) {
	if !regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`).MatchString(id) {
		return "", fmt.Errorf("%s: %w", kind, errNoCommit)
	}
	return id, nil
}

func pullName(repo string, number int) string {
	return fmt.Sprintf("pull request %d of %s", number, repo)
}

// pulls reads a list of them.
func pulls[T any](kind Kind, what string, all []T, read func(T) (port.Pull, error)) ([]port.Pull, error) {
	out := make([]port.Pull, 0, len(all))
	for _, one := range all {
		p, err := read(one)
		if err != nil {
			return nil, asking(kind, what, err)
		}
		out = append(out, p)
	}
	return out, asking(kind, what, distinct(out, func(p port.Pull) int { return p.Number }))
}

// numbers are those of pull requests, each once, in order.
func numbers[T any](all []T, of func(T) int) (out []int) {
	for _, one := range all {
		out = append(out, of(one))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// conversation puts the oldest comment first.
func conversation(kind Kind, what string, all []port.Comment) ([]port.Comment, error) {
	slices.SortStableFunc(all, func(a, b port.Comment) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return all, asking(kind, what, distinct(all, func(c port.Comment) string { return c.ID }))
}

func commentNumber(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is no comment's id", id)
	}
	return n, nil
}

// clip keeps the beginning of a text, in characters.
func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
