package sim

import (
	"context"
	"encoding/json"
	"fmt"
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
	gate   func(call string, phase sandbox.Phase) error
}

// note makes one write between the two sides of the gate, and writes it down
// when the world is another one after it.
func (o outside) note(ctx context.Context, call string, do func() error, args ...any) error {
	if err := o.gate(call, sandbox.Before); err != nil {
		return err
	}
	before := o.m.content()
	err := do()
	if o.m.content() != before {
		o.m.took(call, schema.JSON(args).Text, o.holder)
	}
	if err != nil {
		return err
	}
	return o.gate(call, sandbox.After)
}

// reads keeps a gate to the calls that are no writes: those pass it in note.
func reads(gate func(call string, phase sandbox.Phase) error) func(string, sandbox.Phase) error {
	writes := []string{"InsertOne", "UpdateOne", "DeleteOne", "CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "DeleteLaunchTemplateVersion",
		"CopyLaunchConfiguration", "DeleteLaunchConfiguration", "UpdateAutoScalingGroup", "UpdateNodegroupScaling"}
	return func(call string, phase sandbox.Phase) error {
		if slices.Contains(writes, call) {
			return nil
		}
		return gate(call, phase)
	}
}

func (m *Machine) content() string { return string(m.Box.Content()) }

func (o outside) InsertOne(ctx context.Context, collection string, d port.Document) error {
	return o.note(ctx, "InsertOne", func() error { return o.World.InsertOne(ctx, collection, d) }, collection, d["_id"])
}

func (o outside) UpdateOne(ctx context.Context, collection string, where, set port.Document, unset []string) (matched bool, err error) {
	err = o.note(ctx, "UpdateOne", func() (err error) {
		matched, err = o.World.UpdateOne(ctx, collection, where, set, unset)
		return err
	}, collection, where["_id"], set, unset)
	return matched, err
}

func (o outside) DeleteOne(ctx context.Context, collection string, where port.Document) (matched bool, err error) {
	err = o.note(ctx, "DeleteOne", func() (err error) { matched, err = o.World.DeleteOne(ctx, collection, where); return err }, collection, where["_id"])
	return matched, err
}

func (o outside) CreateLaunchTemplateVersion(ctx context.Context, v port.NewLaunchTemplateVersion) (n int64, err error) {
	err = o.note(ctx, "CreateLaunchTemplateVersion", func() (err error) { n, err = o.World.CreateLaunchTemplateVersion(ctx, v); return err }, v.Template, v.Token)
	return n, err
}

func (o outside) ModifyLaunchTemplate(ctx context.Context, template string, def int64) error {
	return o.note(ctx, "ModifyLaunchTemplate", func() error { return o.World.ModifyLaunchTemplate(ctx, template, def) }, template, def)
}

func (o outside) DeleteLaunchTemplateVersion(ctx context.Context, template string, number int64) error {
	return o.note(ctx, "DeleteLaunchTemplateVersion", func() error { return o.World.DeleteLaunchTemplateVersion(ctx, template, number) }, template, number)
}

func (o outside) CopyLaunchConfiguration(ctx context.Context, from, name, image string) error {
	return o.note(ctx, "CopyLaunchConfiguration", func() error { return o.World.CopyLaunchConfiguration(ctx, from, name, image) }, name)
}

func (o outside) DeleteLaunchConfiguration(ctx context.Context, name string) error {
	return o.note(ctx, "DeleteLaunchConfiguration", func() error { return o.World.DeleteLaunchConfiguration(ctx, name) }, name)
}

func (o outside) UpdateAutoScalingGroup(ctx context.Context, u port.GroupUpdate) error {
	return o.note(ctx, "UpdateAutoScalingGroup", func() error { return o.World.UpdateAutoScalingGroup(ctx, u) }, u)
}

func (o outside) UpdateNodegroupScaling(ctx context.Context, cluster, name, token string, lo, hi, desired *int64) error {
	return o.note(ctx, "UpdateNodegroupScaling", func() error { return o.World.UpdateNodegroupScaling(ctx, cluster, name, token, lo, hi, desired) }, cluster, name, lo, hi, desired)
}

// managed drops what the real APIs remember beside what they show.
func managed(content []byte) (string, error) {
	var all struct {
		AWS   map[string]any `json:"aws"`
		Mongo map[string]any `json:"mongo"`
	}
	if err := json.Unmarshal(content, &all); err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	for _, docs := range all.Mongo {
		if docs, ok := docs.([]any); ok { // a collection has no order
			slices.SortFunc(docs, func(a, b any) int { return strings.Compare(schema.JSON(a).Text, schema.JSON(b).Text) })
		}
	}
	delete(all.AWS, "tokens")
	templates, _ := all.AWS["launchTemplates"].(map[string]any)
	for _, t := range templates {
		if t, ok := t.(map[string]any); ok {
			delete(t, "next")
		}
	}
	return schema.JSON(all).Text, nil
}
