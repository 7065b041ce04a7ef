package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// HistoryOptions narrow the history; zero fields do not. The address may be a
// pattern.
type HistoryOptions struct {
	Address schema.Address
	Since   time.Time
}

// Past is one apply, and what of it was taken back since.
type Past struct {
	applier.Summary
	// TakenBack are the rollbacks that took back all of it or a part, in order.
	TakenBack []string
	// Left are the addresses that it touched and that none of them took back, in
	// order.
	Left []schema.Address
	// back names by address the rollback that took it back.
	back map[schema.Address]string
}

// RestorePoint says that the apply did something that a rollback is for: it
// wrote, or it settled records. What gc removed cannot be made again.
func (p Past) RestorePoint() bool {
	return p.Plan != nil && p.Plan.Restores == "" && len(p.Touched) > 0 && !p.Plan.Collects()
}

// Final are the addresses at which the apply did, or was to do, what cannot be taken
// back, in order.
func (p Past) Final() []schema.Address {
	final := map[schema.Address]bool{}
	for _, s := range p.Plan.Steps {
		if s.Irreversible != "" {
			final[s.Address] = true
		}
	}
	return schema.Addresses(final)
}

// Whole says that the apply was taken back, and nothing of it is left.
func (p Past) Whole() bool { return len(p.TakenBack) > 0 && len(p.Left) == 0 }

// History answers what was applied, latest first. With an error it answers what of
// it can be read.
func (e *Engine) History(ctx context.Context, o HistoryOptions) ([]Past, error) {
	history, err := e.past(ctx)
	return slices.DeleteFunc(history, func(p Past) bool {
		return p.At.Before(o.Since) || o.Address != (schema.Address{}) && !p.touches(o.Address)
	}), errors.Join(err, e.Applier.Kept(ctx))
}

func (p Past) touches(pattern schema.Address) bool {
	return p.Plan != nil && slices.ContainsFunc(p.Plan.Addresses(), func(a schema.Address) bool { return matchAny([]string{pattern.String()}, a) })
}

// MeantAddress is the address that one misses narrowly which no apply set and no
// file states, or "".
func (e *Engine) MeantAddress(ctx context.Context, a schema.Address) string {
	known := map[schema.Address]schema.Object{}
	maps.Copy(known, e.Compiled.Desired.Objects)
	history, _ := e.past(ctx) // what can be read
	for _, p := range history {
		if p.Plan != nil {
			for _, touched := range p.Plan.Addresses() {
				known[touched] = schema.Object{}
			}
		}
	}
	there := schema.Addresses(known)
	if slices.ContainsFunc(there, func(known schema.Address) bool { return matchAny([]string{a.String()}, known) }) {
		return ""
	}
	return nearest(a.String(), there)
}

func (e *Engine) past(ctx context.Context) ([]Past, error) {
	all, err := e.Applier.History(ctx)
	rollbacks := map[string][]applier.Summary{} // that ended, in order, by what they take back
	for _, r := range slices.Backward(all) {
		if r.Plan != nil && r.Plan.Restores != "" && r.Outcome == applier.EndedOutcome {
			rollbacks[r.Plan.Restores] = append(rollbacks[r.Plan.Restores], r)
		}
	}
	history := make([]Past, len(all))
	for i, s := range all {
		history[i] = past(s, rollbacks[s.ID])
	}
	return history, err
}

// past finds what took an apply back, address by address: a rollback can be of a
// part, or be abandoned on its way.
func past(s applier.Summary, rollbacks []applier.Summary) Past {
	p := Past{Summary: s, back: map[schema.Address]string{}}
	for _, r := range rollbacks {
		took := false
		for a, whole := range r.Touched {
			if took = took || whole; whole {
				p.back[a] = r.ID
			}
		}
		if took {
			p.TakenBack = append(p.TakenBack, r.ID)
		}
	}
	for _, a := range schema.Addresses(s.Touched) {
		if p.back[a] == "" {
			p.Left = append(p.Left, a)
		}
	}
	return p
}

// RestorePoints are the applies that did something, latest first; with an error
// those that can be read.
func (e *Engine) RestorePoints(ctx context.Context) ([]Past, error) {
	history, err := e.History(ctx, HistoryOptions{})
	return slices.DeleteFunc(history, func(p Past) bool { return !p.RestorePoint() }), err
}

// Standing is one path of an outside object, as an apply found it and as it set
// it.
type Standing struct {
	Address       schema.Address
	Object        planner.Ref
	Path          string // "" is the object itself
	Found, Set    schema.Value
	Made, Deleted bool   // the apply made or deleted the object
	Final         string // why that cannot be taken back; "" when it can
}

// RestorePoint says what stood before one apply, by address. It asks nothing
// outside, and shows no value that the plan did not show.
func (e *Engine) RestorePoint(ctx context.Context, id string) ([]Standing, error) {
	if _, err := e.Story(ctx, id); err != nil {
		return nil, err
	}
	s, err := e.Applier.Snapshot(ctx, id)
	if err != nil {
		return nil, err
	}
	var out []Standing
	for _, d := range s.Done {
		whole, isWhole := d.Step.Writes[""]
		switch {
		case isWhole && whole.Is == schema.Absent:
			out = append(out, Standing{Address: d.Step.Address, Object: d.Step.Object, Deleted: true, Final: d.Step.Irreversible})
		case isWhole:
			out = append(out, Standing{Address: d.Step.Address, Object: d.Step.Object, Made: true})
		case d.Step.Creates != "":
			out = append(out, Standing{Address: d.Step.Address, Object: d.Step.Object, Path: d.Step.Creates, Set: d.Outputs[d.Step.Creates], Made: true})
		default:
			out = append(out, found(d.Step)...)
		}
	}
	slices.SortStableFunc(out, func(x, y Standing) int { return x.Address.Compare(y.Address) })
	return out, nil
}

// found takes the values from what the step expected: those are masked where
// the plan masked them.
func found(s planner.Step) (out []Standing) {
	for _, p := range schema.Sorted(s.Writes) {
		at := Standing{Address: s.Address, Object: s.Object, Path: p, Set: s.Writes[p]}
		for _, e := range s.Expects {
			if e.Ref == s.Object && e.Path == p {
				at.Found = e.Value
			}
		}
		out = append(out, at)
	}
	return out
}

// Story is one apply, with its records.
func (e *Engine) Story(ctx context.Context, id string) (applier.Summary, error) {
	s, err := e.Applier.Summary(ctx, id)
	if applier.IsMissing(err) {
		err = fmt.Errorf("DC314: there is no apply %s; domctl history shows those there are", id)
	}
	return s, err
}

// Newest finds the apply that "last" means among those listed, latest first. Any
// other name is answered as it is.
func Newest(name string, listed func() ([]Past, error)) (id string, err error) {
	if name != "last" {
		return name, nil
	}
	all, err := listed()
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", errors.New("nothing was applied yet: there is no last apply")
	}
	return all[0].ID, nil
}

// Commands are an apply's steps as commands for a person, of one tool: "mongosh", "aws", "kubectl" or "curl". n
// counts the steps that the tool is for.
func (e *Engine) Commands(ctx context.Context, id, tool string) (text string, n int, err error) {
	s, err := e.Story(ctx, id)
	if err != nil {
		return "", 0, err
	}
	if s.Plan == nil {
		return "", 0, fmt.Errorf("DC312: apply %s was fenced before it began: it has no steps; plan again", id)
	}
	text, n, known := e.world.Script(tool, s.Plan.World, manual(s))
	if !known {
		return "", 0, fmt.Errorf("there are no commands for %q; choose mongosh, aws, curl or kubectl", tool)
	}
	return text, n, nil
}

func manual(s applier.Summary) []applier.Manual {
	outputs := map[string]map[string]schema.Value{}
	pre := map[planner.Ref]planner.Raw{}
	for _, r := range s.Records {
		switch r.Kind {
		case applier.KindDone:
			outputs[r.Step] = r.Outputs
		case applier.KindPre:
			maps.Copy(pre, r.Pre)
		}
	}
	steps := make([]applier.Manual, len(s.Plan.Steps))
	for i, step := range s.Plan.Steps {
		_, done := outputs[step.ID]
		step = filled(step, outputs)
		steps[i] = applier.Manual{Apply: s.ID, Token: s.Token(step.ID), Step: step, Pre: pre[step.Object], Done: done}
	}
	return steps
}

// filled puts outputs of done steps in the place of their names.
func filled(s planner.Step, outputs map[string]map[string]schema.Value) planner.Step {
	return s.Resolved(func(v schema.Value) schema.Value {
		if step, name, ok := planner.SplitOut(v); ok && outputs[step][name].Is != schema.Absent {
			return outputs[step][name]
		}
		return v
	})
}

// ParseTime reads a point in time: RFC 3339, a day or a minute in local time,
// or how long ago ("90m", "7d").
func ParseTime(s string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	if d, err := schema.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time; write 2026-03-01, 2026-03-01T10:15:00Z, or how long ago: 90m, 7d", s)
}
