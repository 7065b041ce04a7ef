package forge

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// every reads all pages of a list. get answers one page, what names the next ("" none)
// and how many bytes it took. A page that was there before would never end.
func every[T any](ctx context.Context, get func(at string) (page []T, next string, size int64, err error)) (all []T, err error) {
	seen := map[string]bool{}
	var read int64
	for at := ""; ; {
		if seen[at] {
			return nil, errAgain
		}
		seen[at] = true
		page, next, size, err := get(at)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if read += size; read > mostListing || len(seen) > mostPages {
			return nil, fmt.Errorf("the list is longer than %d pages or %d MiB", mostPages, mostListing>>20)
		}
		if next == "" {
			return all, ctx.Err()
		}
		at = next
	}
}

// numbered is for every, of a forge that counts its pages from 1 on.
func numbered[T any](get func(page int) (all []T, next int, size int64, err error)) func(string) ([]T, string, int64, error) {
	return func(at string) ([]T, string, int64, error) {
		page := 1
		if at != "" {
			page, _ = strconv.Atoi(at)
		}
		all, n, size, err := get(page)
		next := ""
		if n > 0 {
			next = strconv.Itoa(n)
		}
		if next == "1" { // the first was asked for as ""
			err = errAgain
		}
		return all, next, size, err
	}
}

// after is the page behind one. A full one without another is not believed: a proxy
// may have left the forge's headers out.
func after[T any](page int, all []T, size, next int) int {
	if next == 0 && len(all) >= size {
		return page + 1
	}
	return next
}

var errAgain = errors.New("it sends on to a page that it sent before")

// distinct refuses a list that holds a thing twice: a page that was sent again under
// another number, or a list that moved while it was read.
func distinct[T any, K comparable](all []T, key func(T) K) error {
	seen := make(map[K]bool, len(all))
	for _, one := range all {
		if seen[key(one)] {
			return errors.New("it sends the same page twice, or the list changed while it was read; run again")
		}
		seen[key(one)] = true
	}
	return nil
}

// asking wraps what a client answers: what was asked for, and the forge's refusal
// without what clients put around it.
func asking(kind Kind, what string, err error) error {
	if err == nil {
		return nil
	}
	var r *refusal
	var u *url.Error
	switch {
	case errors.As(err, &r) && r.kind != nil:
		return fmt.Errorf("%s: %s: %w: %w", kind, what, r.kind, r)
	case errors.As(err, &r):
		err = r
	case errors.As(err, &u):
		err = u.Err
	}
	return fmt.Errorf("%s: %s: %w", kind, what, err)
}

// status of a refusal, 0 for any other error.
func status(err error) int {
	var r *refusal
	if errors.As(err, &r) {
		return r.status
	}
	return 0
}
