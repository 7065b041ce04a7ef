package main

import (
	"context"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

// noticeShape is what plan --notice --format json prints.
type noticeShape struct {
	Format int `json:"format"`
	planner.Notice
}

// notice writes a plan as a message to those who feel it.
func (a *app) notice(ctx context.Context, dir string, o engine.PlanOptions, format string) error {
	e, err := a.open(ctx, dir, nil, 0)
	if err != nil {
		return err
	}
	p, n, err := e.Notice(ctx, o)
	if err != nil {
		return err
	}
	if p.Refused() {
		return a.refuse(p.Findings)
	}
	switch format {
	case "json":
		return a.json(noticeShape{shapes, n})
	case "markdown":
		return n.Markdown(a.stdout)
	}
	return n.Text(a.stdout)
}
