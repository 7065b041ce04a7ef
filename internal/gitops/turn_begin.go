package gitops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// opened opens the engine for a commit; whoever calls it calls shut.
func (t *turn) opened(ctx context.Context, commit string, mode config.Mode) (e *engine.Engine, shut func(), err error) {
	closes := func() {}
	tree, back, err := t.Source.Tree(ctx, commit)
	if err == nil && mode == config.ToPlan {
		err = t.keyed(ctx, tree)
	}
	if err == nil {
		e, closes, err = t.Open(ctx, tree, mode)
		t.engine = e
	}
	t.toApply = func(ctx context.Context) (e *engine.Engine, err error) {
		closes()
		e, closes, err = t.Open(ctx, tree, config.ToApply)
		t.engine = e
		return e, err
	}
	return e, func() { closes(); back() }, err
}

// begin plans a commit and applies the plan. That an apply is about to begin is
// recorded with its id before it does: whoever comes after a crash finds it, or finds
// that it never began, and plans again.
func (t *turn) begin(ctx context.Context, commit string) (again bool, err error) {
	t.turned.Worked = true
	_, p, shut, err := t.planned(ctx, commit)
	defer shut()
	var invalid *engine.Invalid
	if errors.As(err, &invalid) {
		return false, t.later(ctx, Head{Commit: commit, Stage: Refused}, refusal(invalid.Findings))
	}
	if err != nil {
		return false, err
	}
	h := Head{Commit: commit, Plan: p.ID, Effect: p.Effect, Blocked: p.Summary.Blocked}
	if t.head.Commit == commit || t.head.Commit == "" {
		h.Pull, h.PullHead = t.head.Pull, t.head.PullHead
	}
	if p.Refused() {
		h.Stage = Refused
		return false, t.later(ctx, h, refusal(p.Findings))
	}
	if h.Out, err = t.leaves(ctx, p, commit); err != nil {
		return false, fmt.Errorf("who wrote what %.12s leaves out: %w", commit, err)
	}
	switch {
	case p.Stuck():
		h.Stage, h.Since, h.Out = Refused, commit, h.Out.done()
		return false, t.later(ctx, h, h.blocked("nothing applied"))
	case p.Empty():
		h.Stage, h.Why = Done, nothingToDo
		return true, t.save(ctx, h)
	}
	if now, err := t.Source.Head(ctx, t.Bound.Branch); err != nil || now != commit {
		return true, err
	}
	v, err := t.gate(ctx, p, commit)
	if err != nil {
		return false, err
	}
	if h.From = v.from.Pull.Number; h.From == 0 {
		h.From = t.brought(ctx, commit)
	}
	if len(v.missing) > 0 {
		return false, t.wait(ctx, h, v, p)
	}
	e, err := t.toApply(ctx)
	if err != nil {
		return false, err
	}
	h.Stage, h.Why = Applying, "is applied"
	if err := t.save(ctx, h); err != nil {
		return false, err
	}
	if len(t.Bound.Rules) > 0 {
		if err := t.take(ctx, p.ID, v.granted, v.from); err != nil {
			return false, err
		}
	}
	ctx, end := t.observe(ctx, ApplyWork, "")
	res, err := e.Apply(ctx, p)
	end(applyOutcome(res, err))
	return t.ended(ctx, res, err)
}

// nothingToDo is why an empty plan is done.
const nothingToDo = "nothing to do"

// planned plans a commit within a slot, and within a time that nobody's plan takes.
func (t *turn) planned(ctx context.Context, commit string) (e *engine.Engine, p planner.Plan, shut func(), err error) {
	free, err := t.slot(ctx)
	if err != nil {
		return nil, p, func() {}, err
	}
	defer free()
	ctx, end := t.observe(ctx, PlanWork, "")
	defer func() { end(planOutcome(p, err)) }()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	e, shut, err = t.opened(ctx, commit, config.ToPlan)
	if err != nil {
		return e, p, shut, err
	}
	if p, err = e.Plan(ctx, t.options()); err == nil && !p.Empty() {
		err = KeepPlan(ctx, t.store, HeadPlan, p)
	}
	return e, p, shut, err
}

// longest is how long a plan may take, its tree and its files included.
const longest = 15 * time.Minute

// slot waits for a place among those that plan.
func (t *turn) slot(ctx context.Context) (free func(), err error) {
	if t.Slots == nil {
		return func() {}, nil
	}
	_, end := t.observe(ctx, QueueWork, "")
	select {
	case t.Slots <- struct{}{}:
		end("free")
		return func() { <-t.Slots }, nil
	case <-ctx.Done():
		end("error")
		return nil, ctx.Err()
	}
}

// refusal names the codes of what was found wrong, and the first of it.
func refusal(found []schema.Finding) string {
	var codes []string
	first := ""
	for _, f := range schema.SortFindings(slices.Clone(found)) {
		if f.Severity != schema.Error {
			continue
		}
		if !slices.Contains(codes, f.Code) {
			codes = append(codes, f.Code)
		}
		first = cmp.Or(first, f.Message)
	}
	return planner.Printable(schema.Listed(codes, "and") + ": " + first)
}
