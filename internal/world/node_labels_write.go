package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// updateTags gives a group the tags that the step writes, or takes them away.
func updateTags(ctx context.Context, w *World, a applier.Attempt) error {
	tags, gone := tagsOf(a.Step)
	if len(gone) > 0 {
		return w.Outside.UntagGroup(ctx, a.Step.Object.ID(), gone)
	}
	return w.Outside.TagGroup(ctx, a.Step.Object.ID(), tags)
}

// tagsOf are the tags that a step gives, and the keys of those that it takes away.
func tagsOf(s planner.Step) (tags []port.GroupTag, gone []string) {
	propagated := s.Args["propagated"].Strings()
	for _, path := range schema.Sorted(s.Writes) {
		key, v := schema.SplitPath(path)[1], s.Writes[path]
		if v.Is == schema.Absent {
			gone = append(gone, key)
			continue
		}
		tags = append(tags, port.GroupTag{Key: key, Value: v.Str(), Propagates: slices.Contains(propagated, key)})
	}
	return tags, gone
}

// configWait is how long until EKS is asked again for an update.
const configWait = 10 * time.Second

// observeConfig waits for the update: EKS answers what was asked for at once, and takes no
// other update before it is done.
func observeConfig(ctx context.Context, w *World, a applier.Attempt) (applier.Status, error) {
	raw, err := w.Read(ctx, []planner.Ref{a.Step.Object})
	if err != nil {
		return applier.Status{}, err
	}
	live := raw[a.Step.Object]
	st := w.judge(a, live)
	if st.State == applier.Finished && live["status"].Str() == "UPDATING" {
		return applier.Status{State: applier.Pending, Wait: configWait, Why: fmt.Sprintf("EKS updates %s", a.Step.Object.ID())}, nil
	}
	return st, nil
}

// configure begins the update of a managed node group.
func configure(ctx context.Context, w *World, a applier.Attempt) error {
	cluster, name := cutID(a.Step.Object.ID())
	c := configOf(a.Step, a.Pre)
	if c.Max != nil || c.Desired != nil {
		group, err := w.Outside.DescribeNodegroup(ctx, cluster, name)
		if err != nil {
			return errors.Join(port.ErrUnsent, err)
		}
		if err := w.shrinks(ctx, group.Groups, group.Desired, c.Max, c.Desired); err != nil {
			return err
		}
	}
	return w.Outside.UpdateNodegroupConfig(ctx, cluster, name, a.Token, c)
}

// configOf is what a step asks of EKS. A taint that goes is named with the value that it
// had.
func configOf(s planner.Step, pre planner.Raw) (c port.NodegroupConfig) {
	c.Min, c.Max, c.Desired = sizes(s.Writes)
	for _, path := range schema.Sorted(s.Writes) {
		at, v := schema.SplitPath(path), s.Writes[path]
		switch {
		case at[0] == "labels" && v.Is == schema.Absent:
			c.NoLabels = append(c.NoLabels, at[1])
		case at[0] == "labels":
			if c.Labels == nil {
				c.Labels = map[string]string{}
			}
			c.Labels[at[1]] = v.Str()
		case at[0] == "taints" && v.Is == schema.Absent:
			c.NoTaints = append(c.NoTaints, port.Taint{Key: at[1], Value: pre.At(path).Str(), Effect: at[2]})
		case at[0] == "taints":
			c.Taints = append(c.Taints, port.Taint{Key: at[1], Value: v.Str(), Effect: at[2]})
		}
	}
	return c
}
