package main

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/compiler"
	"domctl.dev/internal/git"
	"domctl.dev/schema"
)

// mostHistory is how long a check looks back.
const mostHistory = time.Second

// often adds what git's history says of deployments whose files are in a repository.
func (a *app) often(ctx context.Context, all []*deployment) error {
	within, cancel := context.WithTimeout(ctx, mostHistory)
	defer cancel()
	var wait sync.WaitGroup
	failed := make([]error, len(all))
	for i, d := range all {
		wait.Go(func() {
			found, err := d.often(within)
			failed[i] = err
			d.compiled.Findings = slices.Concat(d.compiled.Findings, found)
		})
	}
	wait.Wait()
	for _, err := range failed {
		if err != nil {
			a.tell("warning", "how often lines changed is not known: "+err.Error())
		}
	}
	return ctx.Err()
}

func (d *deployment) often(ctx context.Context) ([]schema.Finding, error) {
	if !slices.ContainsFunc(schema.Addresses(d.compiled.Desired.Objects), func(a schema.Address) bool {
		return d.compiled.Desired.Objects[a].Fields["dockerfile"].Is == schema.Known
	}) {
		return nil, nil
	}
	repo, err := git.Open(d.dir)
	if errors.Is(err, git.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	below, err := repo.Within(d.dir)
	if err != nil {
		return nil, err
	}
	src, err := compiler.Find(d.dir)
	if err != nil {
		return nil, err
	}
	return compiler.Often(ctx, src, d.compiled, func(ctx context.Context, file string, text []byte) ([]int, int, error) {
		name := path.Join(below, file)
		if name == ".." || strings.HasPrefix(name, "../") {
			return nil, 0, nil
		}
		return repo.Changes(ctx, name, text)
	})
}
