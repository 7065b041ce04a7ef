package compiler

import (
	"context"
	"fmt"
	"os"
	"path"

	"domctl.dev/internal/lint"
	"domctl.dev/schema"
)

// Often finds lines of Dockerfile instructions that change often above what takes long.
// changes says of a file, relative to the deployment's folder, and its text, how often
// each line was changed, and how often the file was. Like Fix it evaluates
// nothing: r is what the source was compiled to.
func Often(ctx context.Context, src Source, r Result, changes func(ctx context.Context, file string, text []byte) (lines []int, commits int, err error)) ([]schema.Finding, error) {
	root, err := os.OpenRoot(src.Root)
	if err != nil {
		return nil, fmt.Errorf("open the module: %w", err)
	}
	defer root.Close()
	t := newTree(root.FS(), src.Dir)
	for _, name := range r.Files {
		if _, err := t.ReadFile(path.Join(src.Dir, name)); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	type history struct {
		lines   []int
		commits int
	}
	x, known := t.texts(), map[string]history{}
	found := lint.Often(r.Desired, func(p lint.Place) (int, int) {
		at, exact := x.At(r.Desired.Objects[p.Address], p.Path, p.Offset)
		if !exact || err != nil || ctx.Err() != nil {
			return 0, 0
		}
		h, is := known[at.File]
		if !is {
			h.lines, h.commits, err = changes(ctx, at.File, []byte(x.file(at.File).text))
			known[at.File] = h
		}
		if at.Line > len(h.lines) {
			return 0, h.commits
		}
		return h.lines[at.Line-1], h.commits
	})
	if err != nil {
		return nil, err
	}
	var out []schema.Finding
	for _, f := range found {
		out = append(out, x.finding(r.Desired, f))
	}
	return schema.Police(out, r.Desired.Deployment.Findings), nil
}
