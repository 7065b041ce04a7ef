package world

import (
	"context"
	"errors"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// removals are the operations of gc alone, each of one call.
func (w *World) removals() applier.Operations {
	row := func(call, flag string, remove func(o port.Outside, ctx context.Context, id string) error) applier.Operation {
		return applier.Operation{Tool: "aws", Calls: []string{"ec2:" + call},
			Executor: single{w, nil, func(ctx context.Context, _ *World, a applier.Attempt) error {
				err := remove(w.Outside, ctx, a.Step.Object.ID())
				if errors.Is(err, port.ErrNotFound) {
					return nil // gone already: the next look tells
				}
				return err
			}},
			Command: func(m applier.Manual) string { return "aws ec2 " + flag + " " + sh(m.Step.Object.ID()) }}
	}
	return applier.Operations{
		operation.TerminateInstances: row("TerminateInstances", "terminate-instances --instance-ids", port.Outside.TerminateInstance),
		operation.DeleteVolume:       row("DeleteVolume", "delete-volume --volume-id", port.Outside.DeleteVolume),
		operation.DeleteSnapshot:     row("DeleteSnapshot", "delete-snapshot --snapshot-id", port.Outside.DeleteSnapshot),
	}
}

// tagRaw is an object of which no more is compared than its tags.
func tagRaw(tags map[string]string) planner.Raw {
	raw := planner.Raw{}
	for k, v := range tags {
		raw["tags."+schema.JoinPath(k)] = schema.JSON(v)
	}
	return raw
}

// readTagged reads objects by id; what answers "" for the id of one is on its way out.
func readTagged[T any](typ string, read func(context.Context, port.Select) ([]T, error), what func(T) (id string, tags map[string]string)) func(context.Context, []string) (map[planner.Ref]planner.Raw, error) {
	return func(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
		out := map[planner.Ref]planner.Raw{}
		if len(ids) == 0 {
			return out, nil // the port takes none for all
		}
		found, err := read(ctx, port.Select{IDs: ids})
		for _, o := range found {
			if id, tags := what(o); id != "" {
				out[objectRef(typ, id)] = tagRaw(tags)
			}
		}
		return out, err
	}
}

// taggedReaders are the readers of the types that gc alone removes.
func (w *World) taggedReaders() map[string]func(context.Context, []string) (map[planner.Ref]planner.Raw, error) {
	return map[string]func(context.Context, []string) (map[planner.Ref]planner.Raw, error){
		"ec2/instance": readTagged("ec2/instance", w.Outside.DescribeInstances, func(i port.Instance) (string, map[string]string) {
			if i.Going() {
				return "", nil
			}
			return i.ID, i.Tags
		}),
		"ec2/volume":   readTagged("ec2/volume", w.Outside.DescribeVolumes, func(v port.Volume) (string, map[string]string) { return v.ID, v.Tags }),
		"ec2/snapshot": readTagged("ec2/snapshot", w.Outside.DescribeSnapshots, func(s port.Snapshot) (string, map[string]string) { return s.ID, s.Tags }),
	}
}
