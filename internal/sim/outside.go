package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// outside notes every write of one process that took effect, also when the
// answer is lost.
type outside struct {
	*sandbox.World
	m      *Machine
	holder string
	gate   Gate
}

// note makes one write between the two sides of the gate, and writes it down
// when the world is another one after it.
func note[T any](ctx context.Context, o outside, call string, args []any, do func(context.Context) (T, error)) (T, error) {
	return pass(ctx, o.gate, o.m.Clock, call, func(ctx context.Context) (T, error) {
		before := o.m.content()
		answer, err := do(ctx)
		if o.m.content() != before {
			o.m.took(call, schema.JSON(args).Text, o.holder)
		}
		return answer, err
	})
}

// effect notes a write that answers nothing.
func effect(ctx context.Context, o outside, call string, args []any, do func(context.Context) error) error {
	_, err := note(ctx, o, call, args, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) })
	return err
}

// reads keeps a gate to the calls that are no writes: those pass it in note.
func reads(gate Gate) Gate {
	return func(call string, phase sandbox.Phase) error {
		if isWrite(call) {
			return nil
		}
		return gate(call, phase)
	}
}

func isWrite(call string) bool {
	return slices.Contains([]string{"InsertOne", "UpdateOne", "DeleteOne", "CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "DeleteLaunchTemplateVersion",
		"CreateLaunchTemplate", "DeleteLaunchTemplate", "TerminateInstanceInGroup", "StartInstanceRefresh", "CancelInstanceRefresh", "UpdateNodegroupVersion", "EvictPod", "SetCordoned",
		"HoldDrift", "SetImageTerms", "SetLimits", "DeleteNodeClaim",
		"CopyLaunchConfiguration", "DeleteLaunchConfiguration", "UpdateAutoScalingGroup", "UpdateNodegroupConfig", "TagGroup", "UntagGroup",
		"RunInstance", "StartInstance", "StopInstance", "TerminateInstance", "CreateImage", "CopyImage", "ModifyLaunchPermission", "CreateTags", "DeleteTags",
		"EnableImageDeprecation", "DisableImageDeprecation", "DeregisterImage", "DeleteSnapshot", "DeleteVolume",
		"RunScript", "CreateEnvironment", "ArchiveEnvironment", "ShareEnvironment", "CreateRevision", "SetActiveRevision", "CancelBuild", "SetDefaultEnvironment", "CreateTier", "UpdateTier", "ArchiveTier", "CreateSetting", "UpdateSetting", "DeleteSetting", "StartJob", "StopJob"}, call)
}

func (o outside) InsertOne(ctx context.Context, collection string, d port.Document) error {
	return effect(ctx, o, "InsertOne", []any{collection, d}, func(ctx context.Context) error { return o.World.InsertOne(ctx, collection, d) })
}

func (o outside) UpdateOne(ctx context.Context, collection string, where, set port.Document, unset []string) (bool, error) {
	return note(ctx, o, "UpdateOne", []any{collection, where["_id"], set, unset}, func(ctx context.Context) (bool, error) {
		return o.World.UpdateOne(ctx, collection, where, set, unset)
	})
}

func (o outside) DeleteOne(ctx context.Context, collection string, where port.Document) (bool, error) {
	return note(ctx, o, "DeleteOne", []any{collection, where}, func(ctx context.Context) (bool, error) { return o.World.DeleteOne(ctx, collection, where) })
}

func (o outside) CreateLaunchTemplateVersion(ctx context.Context, v port.NewLaunchTemplateVersion) (int64, error) {
	return note(ctx, o, "CreateLaunchTemplateVersion", []any{v.Template, v.Token}, func(ctx context.Context) (int64, error) {
		return o.World.CreateLaunchTemplateVersion(ctx, v)
	})
}

func (o outside) ModifyLaunchTemplate(ctx context.Context, template string, def int64) error {
	return effect(ctx, o, "ModifyLaunchTemplate", []any{template, def}, func(ctx context.Context) error { return o.World.ModifyLaunchTemplate(ctx, template, def) })
}

func (o outside) DeleteLaunchTemplateVersion(ctx context.Context, template string, number int64) error {
	return effect(ctx, o, "DeleteLaunchTemplateVersion", []any{template, number}, func(ctx context.Context) error {
		return o.World.DeleteLaunchTemplateVersion(ctx, template, number)
	})
}

func (o outside) CopyLaunchConfiguration(ctx context.Context, from, name, image string) error {
	return effect(ctx, o, "CopyLaunchConfiguration", []any{name, image}, func(ctx context.Context) error {
		return o.World.CopyLaunchConfiguration(ctx, from, name, image)
	})
}

func (o outside) DeleteLaunchConfiguration(ctx context.Context, name string) error {
	return effect(ctx, o, "DeleteLaunchConfiguration", []any{name}, func(ctx context.Context) error { return o.World.DeleteLaunchConfiguration(ctx, name) })
}

func (o outside) UpdateAutoScalingGroup(ctx context.Context, u port.GroupUpdate) error {
	return effect(ctx, o, "UpdateAutoScalingGroup", []any{u}, func(ctx context.Context) error { return o.World.UpdateAutoScalingGroup(ctx, u) })
}

func (o outside) UpdateNodegroupConfig(ctx context.Context, cluster, name, token string, c port.NodegroupConfig) error {
	return effect(ctx, o, "UpdateNodegroupConfig", []any{cluster, name, c}, func(ctx context.Context) error {
		return o.World.UpdateNodegroupConfig(ctx, cluster, name, token, c)
	})
}

func (o outside) TagGroup(ctx context.Context, group string, tags []port.GroupTag) error {
	return effect(ctx, o, "TagGroup", []any{group, tags}, func(ctx context.Context) error { return o.World.TagGroup(ctx, group, tags) })
}

func (o outside) UntagGroup(ctx context.Context, group string, keys []string) error {
	return effect(ctx, o, "UntagGroup", []any{group, keys}, func(ctx context.Context) error { return o.World.UntagGroup(ctx, group, keys) })
}

// lent is an instance that nobody launched with a token, so not domctl's: what is on
// its disk is not taken back.
func lent(i map[string]any) map[string]any {
	if i["token"] != nil {
		return i
	}
	power := map[any]string{"stopping": "stopped", "stopped": "stopped"}[i["state"]]
	return map[string]any{"image": i["image"], "stopped": power != "", "tags": i["tags"]}
}

// managed drops what the real APIs remember beside what they show.
func managed(content []byte) (string, error) {
	var all struct {
		AWS    map[string]any `json:"aws"`
		Domino map[string]any `json:"domino,omitempty"`
		Mongo  map[string]any `json:"mongo"`
	}
	if err := json.Unmarshal(content, &all); err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	for _, docs := range all.Mongo {
		if docs, ok := docs.([]any); ok { // a collection has no order
			slices.SortFunc(docs, func(a, b any) int { return strings.Compare(schema.JSON(a).Text, schema.JSON(b).Text) })
		}
	}
	left(all.Domino, all.Mongo)
	ended(all.Domino, all.Mongo)
	delete(all.AWS, "tokens")
	templates, _ := all.AWS["launchTemplates"].(map[string]any)
	for _, t := range templates {
		if t, ok := t.(map[string]any); ok {
			delete(t, "next")
		}
	}
	delete(all.AWS, "made")
	instances, _ := all.AWS["instances"].(map[string]any)
	maps.DeleteFunc(instances, func(_ string, i any) bool { // EC2 shows one that is gone for about an hour
		state, _ := i.(map[string]any)["state"].(string)
		return state == "shutting-down" || state == "terminated"
	})
	for id, i := range instances {
		instances[id] = lent(i.(map[string]any))
	}
	for _, kind := range []string{"instances", "volumes", "snapshots"} {
		if left, ok := all.AWS[kind].(map[string]any); ok && len(left) == 0 {
			delete(all.AWS, kind)
		}
	}
	return timeless(schema.JSON(all).Text), nil
}
