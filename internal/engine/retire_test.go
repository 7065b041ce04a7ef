package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

var executor = schema.Address{Kind: "amis", Name: "executor"}

// content is the fixture with another script and one image to retain.
func content(c compiler.Result, script string) compiler.Result {
	c.Desired.Objects = maps.Clone(c.Desired.Objects)
	o := c.Desired.Objects[executor]
	o.Fields = maps.Clone(o.Fields)
	o.Fields["bake"] = schema.Value{Is: schema.Known, Text: strings.Replace(o.Fields["bake"].Text, "echo tuned", "echo "+script, 1)}
	o.Fields["retain.count"] = schema.JSON(1)
	c.Desired.Objects[executor] = o
	return c
}

// retiring is a machine on which three images were baked: what is planned there next
// takes the first away. images are those that were baked, in order.
func retiring(t *testing.T) (r rig, c compiler.Result, images []string) {
	t.Helper()
	f := bakingFixture(t)
	r = f.start(t)
	for _, script := range []string{"one", "two", "three"} {
		c = content(f.after, script)
		r.wait(time.Hour)
		p := r.applyAll(c)
		for _, s := range p.Steps {
			if s.Op == "ec2.EnableImageDeprecation" {
				t.Fatalf("%s goes already", s.Object)
			}
		}
		images = append(images, r.stands(c))
	}
	return r, c, images
}

func bakingFixture(t *testing.T) fixture {
	t.Helper()
	all := fixtures(t)
	return all[slices.IndexFunc(all, func(f fixture) bool { return f.name == "baking" })]
}

func (r rig) wait(d time.Duration) {
	r.t.Helper()
	if err := r.Clock.Sleep(r.t.Context(), d); err != nil {
		r.t.Fatal(err)
	}
}

// stands is the image that the records have for the entry.
func (r rig) stands(c compiler.Result) string {
	r.t.Helper()
	all, err := r.engine(c).AMIs(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, a := range all {
		if a.Recorded && slices.ContainsFunc(a.Uses, func(u string) bool { return strings.Contains(u, "records have it on "+executor.String()) }) {
			return a.ID
		}
	}
	r.t.Fatal("no image stands")
	return ""
}

// twin is a copy at the same time.
func (r rig) twin() rig {
	r.t.Helper()
	clock := sim.NewJump()
	if err := clock.Sleep(r.t.Context(), r.Clock.Now().Sub(clock.Now())); err != nil {
		r.t.Fatal(err)
	}
	m, err := r.Copy(r.t.Context(), clock)
	if err != nil {
		r.t.Fatal(err)
	}
	return rig{m, r.t}
}

// changed is a twin whose AWS somebody changed by hand.
func (r rig) changed(edit func(aws map[string]any)) rig {
	r.t.Helper()
	r = r.twin()
	var err error
	if r.Box, err = sandbox.NewMemory("sandbox.json", r.edited(edit)); err != nil {
		r.t.Fatal(err)
	}
	return r
}

// meanwhile changes AWS under the processes that run.
func (r rig) meanwhile(edit func(aws map[string]any)) {
	r.t.Helper()
	if err := r.Box.Replace(r.edited(edit)); err != nil {
		r.t.Fatal(err)
	}
}

func (r rig) edited(edit func(aws map[string]any)) []byte {
	r.t.Helper()
	var world map[string]any
	if err := json.Unmarshal(r.Box.Content(), &world); err != nil {
		r.t.Fatal(err)
	}
	edit(world["aws"].(map[string]any))
	text, err := json.Marshal(world)
	if err != nil {
		r.t.Fatal(err)
	}
	return text
}

// ops are the steps of a plan by operation and object.
func ops(p planner.Plan) (out []string) {
	for _, s := range p.Steps {
		out = append(out, s.Op+" "+s.Object.ID())
	}
	return out
}

// spoken is what a plan says of an image.
func spoken(p planner.Plan, image string) string {
	for _, f := range p.Findings {
		if strings.HasPrefix(f.Message, image+" ") {
			return f.Code + " " + f.Message
		}
	}
	return ""
}

// TestRetire: an image that nothing refers to is deprecated, then deregistered with its
// snapshots, and what is left of the entry is as before.
func TestRetire(t *testing.T) {
	r, c, images := retiring(t)
	first := r.plan(c)
	if got := ops(first); !slices.Equal(got, []string{"ec2.EnableImageDeprecation " + images[0]}) {
		t.Fatal(got)
	}
	for image, want := range map[string]string{images[0]: "DC266 " + images[0] + " ", images[1]: "would put it back"} {
		if got := spoken(first, image); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	r.applyAll(c)
	r.atDesired(fixture{after: c})

	r.wait(29 * 24 * time.Hour)
	if p := r.plan(c); len(p.Steps) > 0 {
		t.Fatalf("within the grace: %v", ops(p))
	}
	r.wait(2 * 24 * time.Hour)
	p := r.plan(c)
	if got := ops(p); !slices.Contains(got, "ec2.DeregisterImage "+images[0]) || !strings.HasPrefix(spoken(p, images[0]), "DC278") {
		t.Fatalf("%v; %s", got, spoken(p, images[0]))
	}
	snapshots := strings.Count(string(r.Box.Content()), `"volume": "vol-`)
	p = r.applyAll(c)
	if text := string(r.Box.Content()); strings.Contains(text, `"`+images[0]+`": {`) || strings.Count(text, `"volume": "vol-`) != snapshots-1 {
		t.Error("the image or its snapshot is there")
	}
	r.atDesired(fixture{after: c})
	_, err := r.engine(c).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err == nil || !strings.Contains(err.Error(), "DC421") || !strings.Contains(err.Error(), "gone with its snapshots") {
		t.Errorf("rollback of a deregistration: %v", err)
	}

	standing, err := r.engine(c).RestorePoint(t.Context(), p.ID)
	if err != nil || !slices.ContainsFunc(standing, func(s engine.Standing) bool { return s.Object.ID() == images[0] && strings.Contains(s.Final, "gone") }) {
		t.Errorf("%+v, %v", standing, err)
	}

	// The apply that had left the image goes back to what is not there.
	history, err := r.engine(c).RestorePoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, p := range history {
		s, err := r.engine(c).Rollback(t.Context(), p.ID, engine.RollbackOptions{Exclude: []string{executor.String()}})
		found = found || err == nil && slices.ContainsFunc(s.Findings, func(f schema.Finding) bool { return f.Code == "DC426" && strings.Contains(f.Message, images[0]) })
	}
	if !found {
		t.Error("no rollback misses the image")
	}
}

// TestRetireIsTakenBack: a rollback takes the deprecation away again.
func TestRetireIsTakenBack(t *testing.T) {
	r, c, images := retiring(t)
	p := r.applyAll(c)
	back, err := r.engine(c).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.ended(r.engine(c).Apply(t.Context(), back))
	if i, err := r.engine(c).AMI(t.Context(), images[0]); err != nil || i.Deprecated != "" {
		t.Errorf("%+v, %v", i, err)
	}
}

// TestUsedAgain: an image that comes to be used within the grace is no longer
// deprecated.
func TestUsedAgain(t *testing.T) {
	r, c, images := retiring(t)
	r.applyAll(c)
	r = r.changed(func(aws map[string]any) {
		aws["launchTemplates"].(map[string]any)["lt-z"] = map[string]any{"default": 1, "name": "z", "versions": []any{map[string]any{"image": images[0], "instanceType": "m5.large", "number": 1}}}
	})
	r.wait(60 * 24 * time.Hour)
	p := r.plan(c)
	if i := slices.IndexFunc(p.Steps, func(s planner.Step) bool { return s.Object.ID() == images[0] }); i < 0 || p.Steps[i].Op != "ec2.EnableImageDeprecation" || p.Steps[i].Writes["deprecates"].Is != schema.Absent {
		t.Fatalf("%v; %s", ops(p), spoken(p, images[0]))
	}
	r.applyAll(c)
	if i, err := r.engine(c).AMI(t.Context(), images[0]); err != nil || i.Deprecated != "" {
		t.Errorf("%+v, %v", i, err)
	}
	r.atDesired(fixture{after: c})
}

// TestRetireKeeps: each reference by itself keeps an image, when the plan is made and
// when only the apply finds it.
func TestRetireKeeps(t *testing.T) {
	r, c, images := retiring(t)
	id := images[0]
	table := func(aws map[string]any, name string) map[string]any {
		if aws[name] == nil {
			aws[name] = map[string]any{}
		}
		return aws[name].(map[string]any)
	}
	image := func(aws map[string]any) map[string]any { return table(aws, "images")[id].(map[string]any) }
	version := func(n int, image string) map[string]any {
		return map[string]any{"image": image, "instanceType": "m5.large", "number": n}
	}
	for name, k := range map[string]struct {
		edit func(aws map[string]any)
		says string
	}{
		"default version": {func(aws map[string]any) {
			table(aws, "launchTemplates")["lt-z"] = map[string]any{"default": 1, "name": "z", "versions": []any{version(1, id)}}
		}, "default version of launch template lt-z"},
		"latest version": {func(aws map[string]any) {
			table(aws, "launchTemplates")["lt-z"] = map[string]any{"default": 1, "name": "z", "versions": []any{version(1, "ami-00000000000000001"), version(2, id)}}
		}, "latest version of launch template lt-z"},
		"numbered version": {func(aws map[string]any) {
			table(aws, "launchTemplates")["lt-z"] = map[string]any{"default": 2, "name": "z", "versions": []any{version(1, id), version(2, "ami-00000000000000001")}}
			table(aws, "autoScalingGroups")["z"] = map[string]any{"desired": 0, "max": 0, "min": 0, "template": "lt-z", "version": "1"}
		}, "Auto Scaling group z names it"},
		"version of an override": {func(aws map[string]any) {
			table(aws, "launchTemplates")["lt-z"] = map[string]any{"default": 2, "name": "z", "versions": []any{version(1, id), version(2, "ami-00000000000000001")}}
			table(aws, "autoScalingGroups")["z"] = map[string]any{"desired": 0, "max": 0, "min": 0, "mixed": true, "template": "lt-z", "version": "2", "instanceTypes": []any{"m5.large", "m5.xlarge"}, "overrides": []any{map[string]any{"template": "lt-z", "version": "1"}}}
		}, "an override of Auto Scaling group z names it"},
		"latest version of an override": {func(aws map[string]any) {
			table(aws, "launchTemplates")["lt-z"] = map[string]any{"default": 1, "name": "z", "versions": []any{version(1, "ami-00000000000000001"), version(2, id)}}
			table(aws, "autoScalingGroups")["z"] = map[string]any{"desired": 0, "max": 0, "min": 0, "mixed": true, "template": "lt-z", "version": "1", "instanceTypes": []any{"m5.large"}, "overrides": []any{map[string]any{"template": "lt-z", "version": "$Latest"}}}
		}, "an override of Auto Scaling group z names it"},
		"image of an override": {func(aws map[string]any) {
			table(aws, "launchTemplates")["lt-z"] = map[string]any{"default": 1, "name": "z", "versions": []any{version(1, "ami-00000000000000001")}}
			table(aws, "autoScalingGroups")["z"] = map[string]any{"desired": 0, "max": 0, "min": 0, "mixed": true, "template": "lt-z", "version": "1", "instanceTypes": []any{"m5.large"}, "overrides": []any{map[string]any{"image": id}}}
		}, "an override of Auto Scaling group z names it"},
		"parameter of an override": {func(aws map[string]any) {
			table(aws, "launchTemplates")["lt-z"] = map[string]any{"default": 1, "name": "z", "versions": []any{version(1, "ami-00000000000000001")}}
			table(aws, "autoScalingGroups")["z"] = map[string]any{"desired": 0, "max": 0, "min": 0, "mixed": true, "template": "lt-z", "version": "1", "instanceTypes": []any{"m5.large"}, "overrides": []any{map[string]any{"image": "resolve:ssm:/none"}}}
		}, "SSM parameter /none has no value that tells"},
		"launch configuration": {func(aws map[string]any) {
			table(aws, "launchConfigurations")["spare"] = map[string]any{"image": id, "instanceType": "m5.large"}
		}, "launch configuration spare names it"},
		"instance": {func(aws map[string]any) {
			table(aws, "instances")["i-0123456789abcdef0"] = map[string]any{"image": id, "state": "stopped"}
		}, "instance i-0123456789abcdef0 is stopped"},
		"parameter": {func(aws map[string]any) {
			table(aws, "parameters")["/z"] = id
			table(aws, "launchTemplates")["lt-z"] = map[string]any{"default": 1, "name": "z", "versions": []any{version(1, "resolve:ssm:/z")}}
		}, "default version of launch template lt-z"},
		"parameter that cannot be read": {func(aws map[string]any) {
			table(aws, "launchTemplates")["lt-z"] = map[string]any{"default": 1, "name": "z", "versions": []any{version(1, "resolve:ssm:/none")}}
		}, "SSM parameter /none has no value that tells"},
		"shared":       {func(aws map[string]any) { image(aws)["launch"] = []any{"999988887777"} }, "shared with 999988887777"},
		"tags":         {func(aws map[string]any) { image(aws)["tags"].(map[string]any)["domctl:key"] = "forged" }, "its tags are not what was recorded"},
		"taken":        {func(aws map[string]any) { image(aws)["tags"].(map[string]any)["domctl:deployment"] = "other" }, "its tags are not what was recorded"},
		"owner":        {func(aws map[string]any) { image(aws)["owner"] = "999988887777" }, ""},
		"deregistered": {func(aws map[string]any) { image(aws)["state"] = "deregistered" }, ""},
		"gone":         {func(aws map[string]any) { delete(table(aws, "images"), id) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := r.twin()
			before.t = t
			p := before.plan(c)
			after := before.changed(k.edit)
			after.t = t
			kept := after.plan(c)
			if got := spoken(kept, id); len(kept.Steps) > 0 || !strings.Contains(got, k.says) {
				t.Fatalf("%v; %q, want %q", ops(kept), got, k.says)
			}
			res, err := after.engine(c).Apply(t.Context(), p) // planned before that
			if text := fmt.Sprint(res, err); res.Done > 0 || slices.ContainsFunc(after.Told(), func(s string) bool { return strings.HasPrefix(s, "EnableImage") }) {
				t.Errorf("it was taken away all the same: %s, %v", text, after.Told())
			}
		})
	}
}

// TestRetireKeepsForOthers: the files of another deployment keep an image, and so does
// not knowing what they say.
func TestRetireKeepsForOthers(t *testing.T) {
	r, c, images := retiring(t)
	e := r.engine(c)
	e.Beside = func(context.Context) (map[string][]byte, error) {
		return map[string][]byte{"other/compute.cue": []byte("amis: x: pin: id: \"" + images[0] + "\"")}, nil
	}
	p, err := e.Plan(t.Context(), engine.PlanOptions{})
	if got := spoken(p, images[0]); err != nil || len(p.Steps) > 0 || !strings.Contains(got, "stays: other/compute.cue names it") {
		t.Errorf("%v; %q", err, got)
	}
	e.Beside = func(context.Context) (map[string][]byte, error) { return nil, errors.New("a disk that fails") }
	if _, err := e.Plan(t.Context(), engine.PlanOptions{}); err == nil || !strings.Contains(err.Error(), "a disk that fails") {
		t.Errorf("%v", err)
	}
	for _, call := range []string{"DescribeInstances", "DescribeLaunchConfigurations", "DescribeLaunchPermission", "DescribeAutoScalingGroups"} {
		e, err := r.Process(t.Context(), c, sim.Options{Holder: "test", Gate: failing(call)})
		if err == nil {
			_, err = e.Plan(t.Context(), engine.PlanOptions{})
		}
		if err == nil || !strings.Contains(err.Error(), "denied") {
			t.Errorf("%s fails: %v", call, err)
		}
	}
}

// failing is a gate that one call does not pass.
func failing(call string) sim.Gate {
	return func(name string, _ sandbox.Phase) error {
		if name == call {
			return errors.New("denied")
		}
		return nil
	}
}

// TestRetireLeavesWhatIsForeign: an image that was deprecated, and whose tags somebody
// changed since, is no matter of ours any more, and stops no apply.
func TestRetireLeavesWhatIsForeign(t *testing.T) {
	r, c, images := retiring(t)
	r.applyAll(c)
	r = r.changed(func(aws map[string]any) {
		aws["images"].(map[string]any)[images[0]].(map[string]any)["tags"].(map[string]any)["domctl:deployment"] = "sim-other"
	})
	r.wait(60 * 24 * time.Hour)
	p := r.plan(c)
	if got := spoken(p, images[0]); slices.ContainsFunc(p.Steps, func(s planner.Step) bool { return s.Object.ID() == images[0] }) || !strings.Contains(got, "its tags are not what was recorded") {
		t.Fatalf("%v; %s", ops(p), got)
	}
	r.applyAll(c)
	r.atDesired(fixture{after: c})
}

// TestRetireByAge: count and age keep images each by itself, and grace is as stated.
func TestRetireByAge(t *testing.T) {
	r, c, images := retiring(t)
	retain := func(fields map[string]any) compiler.Result {
		c := content(c, "three")
		o := c.Desired.Objects[executor]
		delete(o.Fields, "retain.count")
		for p, v := range fields {
			o.Fields[p] = schema.JSON(v)
		}
		return c
	}
	for _, k := range []struct {
		wait   time.Duration
		fields map[string]any
		says   string
		steps  int
	}{
		{0, map[string]any{}, "", 0},
		{0, map[string]any{"retain.age": "10d"}, "stays: it is younger than 10d", 0},
		{0, map[string]any{"retain.age": "10d", "retain.count": 1}, "stays: it is younger than 10d", 0},
		{11, map[string]any{"retain.age": "10d", "retain.count": 3}, "stays: it is among the 3 newest", 0},
		{11, map[string]any{"retain.age": "10d", "retain.count": 2}, "goes: nothing refers to it", 1},
		{11, map[string]any{"retain.age": "10d", "retain.grace": "2d"}, "deregistered by an apply 2d after that", 1},
		{11, map[string]any{"retain.count": 0}, "goes: nothing refers to it", 1},
	} {
		one := r.twin()
		one.wait(k.wait * 24 * time.Hour)
		p := one.plan(retain(k.fields))
		if got := spoken(p, images[0]); len(p.Steps) != k.steps || !strings.Contains(got, k.says) || k.says == "" && got != "" {
			t.Errorf("%v after %d days: %v; %q", k.fields, k.wait, ops(p), got)
		}
	}
}
