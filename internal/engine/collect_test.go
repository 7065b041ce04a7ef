package engine_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// madeBy is the token of the last bake, and the apply that it was of.
func (r rig) madeBy(c compiler.Result) (token string, began time.Time) {
	return r.stepBy(c, "bake.image")
}

func (r rig) stepBy(c compiler.Result, op string) (token string, began time.Time) {
	r.t.Helper()
	history, err := r.engine(c).History(r.t.Context(), engine.HistoryOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range history {
		for _, s := range p.Plan.Steps {
			if s.Op == op && p.Outcome == applier.EndedOutcome {
				return p.Token(s.ID), p.At.UTC()
			}
		}
	}
	r.t.Fatal("nothing was baked")
	return "", time.Time{}
}

// keyOf is the content of an image, which is called as its bake calls it.
func (r rig) keyOf(c compiler.Result, image string) string {
	r.t.Helper()
	i, err := r.engine(c).AMI(r.t.Context(), image)
	if err != nil {
		r.t.Fatal(err)
	}
	_, at := r.madeBy(c)
	if !schema.BakedAs(i.Name, "sim-baking", "executor", i.Key, at) || schema.BakedAs(i.Name+" copy", "sim-baking", "executor", i.Key, at) {
		r.t.Errorf("%s is not called as its bake calls it", i.Name)
	}
	return i.Key
}

func object(aws map[string]any, kind, id string, fields map[string]any) {
	if aws[kind] == nil {
		aws[kind] = map[string]any{}
	}
	aws[kind].(map[string]any)[id] = fields
}

// littered is a machine on which somebody, or a bug, left much lying about.
func littered(t *testing.T) (r rig, c compiler.Result, want map[string]string) {
	t.Helper()
	r, c, images := retiring(t)
	r.wait(time.Hour)
	token, at := r.madeBy(c)
	name := "domino-sim-baking-executor-" + at.Format("20060102-1504") + "-executor-" + r.keyOf(c, images[2])[:8]
	ours := map[string]any{"domctl:deployment": "sim-baking", "domctl:token": token, "domctl:ami": "executor", "domctl:key": "k"}
	with := func(more map[string]any) map[string]any {
		tags := map[string]any{}
		for _, m := range []map[string]any{ours, more} {
			for k, v := range m {
				tags[k] = v
			}
		}
		return tags
	}
	verifies, _ := r.stepBy(c, "bake.verify")
	verified := with(map[string]any{"domctl:token": verifies})
	forged, other := with(map[string]any{"domctl:token": "0123456789abcdef"}), with(map[string]any{"domctl:deployment": "sim-other"})
	instance := func(tags map[string]any, client string, more map[string]any) map[string]any {
		i := map[string]any{"image": images[2], "type": "m5.large", "tags": tags, "token": client}
		for k, v := range more {
			i[k] = v
		}
		return i
	}
	r = r.changed(func(aws map[string]any) {
		object(aws, "instances", "i-00000000000000001", instance(ours, token, map[string]any{"groups": []any{"sg-00000000000000001"}, "key": "bake"}))
		object(aws, "instances", "i-00000000000000002", instance(ours, applier.RoundToken(token, 1, 0), nil))
		object(aws, "instances", "i-00000000000000003", instance(ours, "", nil))
		object(aws, "instances", "i-00000000000000004", instance(forged, "0123456789abcdef", map[string]any{"groups": []any{"sg-00000000000000002"}}))
		object(aws, "instances", "i-00000000000000005", instance(with(map[string]any{"aws:autoscaling:groupName": "shared-a"}), token, nil))
		object(aws, "instances", "i-00000000000000006", instance(other, token, nil))
		object(aws, "instances", "i-00000000000000007", instance(map[string]any{"Name": "executor-template"}, "", nil))
		object(aws, "volumes", "vol-00000000000000001", map[string]any{"gib": 8, "tags": ours})
		object(aws, "volumes", "vol-00000000000000002", map[string]any{"gib": 8, "tags": ours, "instance": "i-00000000000000007"})
		object(aws, "volumes", "vol-00000000000000003", map[string]any{"gib": 8})
		baked := aws["images"].(map[string]any)[images[2]].(map[string]any)
		snapshot := baked["snapshots"].(map[string]any)["/dev/xvda"]
		object(aws, "volumes", "vol-00000000000000004", map[string]any{"gib": 8, "tags": verified, "snapshot": snapshot})
		object(aws, "volumes", "vol-00000000000000005", map[string]any{"gib": 8, "tags": ours, "snapshot": snapshot})
		object(aws, "snapshots", "snap-00000000000000001", map[string]any{"gib": 8, "tags": ours, "description": fmt.Sprintf("Created by CreateImage(%s) for ami-0123456789abcdef0", baked["instance"])})
		object(aws, "snapshots", "snap-00000000000000005", map[string]any{"gib": 8, "tags": ours, "description": "Created by CreateImage(i-00000000000000007) for ami-0123456789abcdef0"})
		object(aws, "snapshots", "snap-00000000000000002", map[string]any{"gib": 8, "tags": ours})
		object(aws, "snapshots", "snap-00000000000000003", map[string]any{"gib": 8, "tags": forged})
		object(aws, "snapshots", "snap-00000000000000004", map[string]any{"gib": 8, "description": fmt.Sprintf("Created by CreateImage(%s) for ami-0123456789abcdef0", baked["instance"]), "tags": with(map[string]any{"aws:backup:source-resource": "x"})})
		image := func(name string, tags map[string]any, owner string) map[string]any {
			return map[string]any{"architecture": "x86_64", "name": name, "tags": tags, "owner": owner}
		}
		used := image(name+"-3", ours, "")
		used["snapshots"] = map[string]any{"/dev/xvda": "snap-00000000000000002"}
		object(aws, "images", "ami-00000000000000011", image(name+"-2", ours, ""))
		object(aws, "images", "ami-00000000000000012", used)
		object(aws, "images", "ami-00000000000000013", image(name+"-4", ours, "999988887777"))
		object(aws, "images", "ami-00000000000000014", image(name+"-5", other, ""))
		object(aws, "images", "ami-00000000000000015", image(name+"-6", forged, ""))
		object(aws, "images", "ami-00000000000000016", image(name+" copy", ours, ""))
		object(aws, "launchTemplates", "lt-z", map[string]any{"default": 1, "name": "z", "versions": []any{map[string]any{"image": "ami-00000000000000012", "instanceType": "m5.large", "number": 1}}})
		object(aws, "securityGroups", "sg-00000000000000001", map[string]any{"name": "bake", "tags": ours})
		object(aws, "securityGroups", "sg-00000000000000002", map[string]any{"name": "shared", "tags": ours})
		object(aws, "keyPairs", "key-00000000000000001", map[string]any{"name": "bake", "tags": ours})
		object(aws, "keyPairs", "key-00000000000000002", map[string]any{"name": "forged", "tags": forged})
	})
	return r, c, map[string]string{
		"ec2/instance#i-00000000000000001":       "goes",
		"ec2/instance#i-00000000000000002":       "goes",
		"ec2/instance#i-00000000000000003":       "not launched by the step",
		"ec2/instance#i-00000000000000004":       "no record",
		"ec2/instance#i-00000000000000005":       "no record|Auto Scaling group shared-a has it",
		"ec2/volume#vol-00000000000000001":       "it is not of an image",
		"ec2/volume#vol-00000000000000004":       "goes",
		"ec2/volume#vol-00000000000000005":       "it is not of an image",
		"ec2/snapshot#snap-00000000000000005":    "EC2 does not say",
		"ec2/volume#vol-00000000000000002":       "in-use",
		"ec2/snapshot#snap-00000000000000001":    "goes",
		"ec2/snapshot#snap-00000000000000003":    "no record",
		"ec2/image#ami-00000000000000011":        "goes",
		"ec2/image#ami-00000000000000012":        "default version of launch template lt-z",
		"ec2/image#ami-00000000000000015":        "no record",
		"ec2/image#ami-00000000000000016":        "it is not called as the apply",
		"ec2/snapshot#snap-00000000000000004":    "a service of AWS",
		"ec2/securitygroup#sg-00000000000000001": "domctl makes none",
		"ec2/securitygroup#sg-00000000000000002": "domctl makes none",
		"ec2/keypair#key-00000000000000001":      "domctl makes none",
		"ec2/keypair#key-00000000000000002":      "no record",
	}
}

func (r rig) collect(c compiler.Result) ([]world.Leftover, planner.Plan) {
	r.t.Helper()
	left, p, err := r.engine(c).Collect(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return left, p
}

// TestCollect: what is proven to be left goes, all else stays and says why.
func TestCollect(t *testing.T) {
	r, c, want := littered(t)
	left, p := r.collect(c)
	for _, o := range left {
		w, listed := want[string(o.Object)]
		delete(want, string(o.Object))
		if o.Object.Type() == "ec2/version" {
			if !o.Goes {
				w = "would put it back"
			} else {
				w = "goes"
			}
			listed = true
		}
		if !listed || o.Goes != (w == "goes") || w != "goes" && !slices.ContainsFunc(strings.Split(w, "|"), func(s string) bool { return strings.Contains(o.Why, s) }) {
			t.Errorf("%s: goes %v, %s; want %q", o.Object, o.Goes, o.Why, w)
		}
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	r.ended(r.engine(c).Apply(t.Context(), p))
	left, again := r.collect(c)
	if len(again.Steps) > 0 {
		t.Errorf("left after it: %v of %v", ops(again), left)
	}
	for _, id := range []string{"i-00000000000000007", "sg-00000000000000001", "key-00000000000000001", "vol-00000000000000003", "ami-00000000000000013", "ami-00000000000000014"} {
		if !strings.Contains(string(r.Box.Content()), `"`+id+`": {`) {
			t.Errorf("%s is gone", id)
		}
	}
	if p := r.plan(c); slices.ContainsFunc(p.Changes, func(c planner.Change) bool { return c.Action == planner.ActionCreate }) {
		t.Errorf("something of the deployment is gone: %v", ops(p))
	}
	points, err := r.engine(c).RestorePoints(t.Context())
	if err != nil || slices.ContainsFunc(points, func(x engine.Past) bool { return x.ID == p.ID }) {
		t.Errorf("gc is a restore point, %v", err)
	}
}

// TestCollectKeepsWhatOverridesName: a launch template version that only an override
// of a mixed instances policy names stays, also when it comes to be named after gc has
// shown it.
func TestCollectKeepsWhatOverridesName(t *testing.T) {
	r, c, _ := littered(t)
	_, p := r.collect(c)
	i := slices.IndexFunc(p.Steps, func(s planner.Step) bool { return s.Op == "ec2.DeleteLaunchTemplateVersion" })
	if i < 0 {
		t.Fatalf("no version goes: %v", ops(p))
	}
	id := p.Steps[i].Object.ID()
	template, number, _ := strings.Cut(id, "/")
	one := r.changed(func(aws map[string]any) {
		object(aws, "autoScalingGroups", "z", map[string]any{"desired": 0, "max": 0, "min": 0, "mixed": true, "template": template,
			"instanceTypes": []any{"m5.large"}, "overrides": []any{map[string]any{"template": template, "version": number}}})
	})
	if left, again := one.collect(c); slices.ContainsFunc(left, func(o world.Leftover) bool { return o.Object == p.Steps[i].Object }) {
		t.Errorf("%v", ops(again))
	}
	res, err := one.engine(c).Apply(t.Context(), p)
	if said := strings.Join(res.Why, "\n"); err != nil || !strings.Contains(said, "an override of Auto Scaling group z names it") {
		t.Errorf("%+v, %v", res, err)
	}
	if versions, err := one.person().DescribeLaunchTemplateVersions(t.Context(), template, nil); err != nil || !slices.ContainsFunc(versions, func(v port.LaunchTemplateVersion) bool { return strconv.FormatInt(v.Number, 10) == number }) {
		t.Errorf("%s is gone: %+v, %v", id, versions, err)
	}
}

// TestCollectLeavesWhatIsOpen: what an apply made that has not ended stays, until it
// has.
func TestCollectLeavesWhatIsOpen(t *testing.T) {
	r, _, _ := retiring(t)
	next := content(bakingFixture(t).after, "four")
	p := r.plan(next)
	sides := r.twin().count(fixture{after: next}, p)
	seen := 0
	for k := sides / 8; k < sides; k += max(1, sides/24) {
		one := r.twin()
		one.dies(fixture{after: next}, p, k)
		left, gc := one.collect(next)
		for _, o := range left {
			if o.Apply == p.ID && o.Goes {
				t.Errorf("killed after %d: %s goes: %s", k, o.Object, o.Why)
			}
			if o.Apply == p.ID && strings.Contains(o.Why, "has not ended") {
				seen++
			}
		}
		for _, s := range gc.Steps {
			if s.Address == executor {
				t.Errorf("killed after %d: %s, which the apply reserves, is touched: %s", k, s.Address, s.ID)
			}
		}
	}
	if seen == 0 {
		t.Error("no kill left anything")
	}
}

// TestCollectComparesAgain: what moved since it was shown is not removed.
func TestCollectComparesAgain(t *testing.T) {
	r, c, _ := littered(t)
	_, p := r.collect(c)
	for name, edit := range map[string]func(aws map[string]any){
		"tags": func(aws map[string]any) {
			aws["volumes"].(map[string]any)["vol-00000000000000004"].(map[string]any)["tags"] = map[string]any{"domctl:deployment": "sim-other"}
		},
		"attached": func(aws map[string]any) {
			aws["volumes"].(map[string]any)["vol-00000000000000004"].(map[string]any)["instance"] = "i-00000000000000007"
		},
		"started from": func(aws map[string]any) {
			object(aws, "launchTemplates", "lt-y", map[string]any{"default": 1, "name": "y", "versions": []any{map[string]any{"image": "ami-00000000000000011", "instanceType": "m5.large", "number": 1}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			one := r.changed(edit)
			one.t = t
			res, err := one.engine(c).Apply(t.Context(), p)
			if err != nil || res.Outcome == applier.EndedOutcome {
				t.Fatalf("%+v, %v", res, err)
			}
			for _, id := range map[string][]string{"tags": {"vol-00000000000000004"}, "attached": {"vol-00000000000000004"}, "started from": {"ami-00000000000000011"}}[name] {
				if !strings.Contains(string(one.Box.Content()), `"`+id+`": {`) {
					t.Errorf("%s is gone: %v", id, res.Why)
				}
			}
		})
	}
}

// TestCollectKilledAtEveryCall: wherever gc dies, apply --resume ends it.
func TestCollectKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	r, c, _ := littered(t)
	diesEverywhere(t, r, c, func(e *engine.Engine) (planner.Plan, error) { _, p, err := e.Collect(t.Context()); return p, err })
}

// TestCollectNeedsEveryRead: a read that fails ends gc before it has shown anything.
func TestCollectNeedsEveryRead(t *testing.T) {
	r, c, _ := littered(t)
	for _, call := range []string{"DescribeInstances", "DescribeVolumes", "DescribeSnapshots", "DescribeImages", "DescribeKeyPairs", "DescribeSecurityGroups", "DescribeLaunchTemplates", "DescribeAutoScalingGroups"} {
		e, err := r.Process(t.Context(), c, sim.Options{Holder: "test", Gate: failing(call)})
		if err == nil {
			_, _, err = e.Collect(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), "denied") {
			t.Errorf("%s fails: %v", call, err)
		}
	}
}

// TestCollectCopies: a copy that no entry has goes when EC2 says what it was copied
// from, and stays for uses in its region; one on record is retain's matter.
func TestCollectCopies(t *testing.T) {
	f := bakingFixture(t)
	c := content(f.after, "one")
	c.Desired.Objects[executor].Fields[schema.CopyTo("us-east-1")] = schema.Value{Is: schema.Known, Text: "{}"}
	r := f.start(t)
	r.applyAll(c)
	image, recorded := r.stands(c), ""
	token, _ := r.stepBy(c, "bake.copy")
	r = r.changed(func(aws map[string]any) {
		recorded = copyIn(t, aws, "us-east-1")
		there := aws["regions"].(map[string]any)["us-east-1"].(map[string]any)
		copied := func(id, source, token string) {
			object(there, "images", id, map[string]any{"architecture": "x86_64", "name": "copy " + id, "source": source, "sourceRegion": "eu-west-1", "tags": map[string]any{"domctl:deployment": "sim-baking", "domctl:token": token}})
		}
		copied("ami-00000000000000021", image, token)
		copied("ami-00000000000000022", "ami-00000000000000001", token)
		copied("ami-00000000000000023", image, "0123456789abcdef")
		copied("ami-00000000000000024", image, token)
		object(there, "launchTemplates", "lt-far", map[string]any{"default": 1, "name": "far", "versions": []any{map[string]any{"image": "ami-00000000000000024", "instanceType": "m5.large", "number": 1}}})
	})
	want := map[string]string{
		"ec2/copy#us-east-1/ami-00000000000000021": "nothing refers to it",
		"ec2/copy#us-east-1/ami-00000000000000022": "EC2 does not say that it was copied from",
		"ec2/copy#us-east-1/ami-00000000000000023": "no record",
		"ec2/copy#us-east-1/ami-00000000000000024": "launch template lt-far",
	}
	left, p := r.collect(c)
	for _, o := range left {
		if w, listed := want[string(o.Object)]; listed && strings.Contains(o.Why, w) && o.Goes == (w == "nothing refers to it") {
			delete(want, string(o.Object))
		} else if o.Object.Type() == "ec2/copy" {
			t.Errorf("%s: goes %v, %s", o.Object, o.Goes, o.Why)
		}
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	r.ended(r.engine(c).Apply(t.Context(), p))
	for id, there := range map[string]bool{recorded: true, "ami-00000000000000021": false, "ami-00000000000000022": true, "ami-00000000000000024": true} {
		if strings.Contains(string(r.Box.Content()), `"`+id+`": {`) != there {
			t.Errorf("%s is there: %v", id, !there)
		}
	}
	e, err := r.Process(t.Context(), c, sim.Options{Holder: "test", Outside: sandbox.Options{Faults: []sandbox.Fault{{Fault: "denied", Call: "DescribeImages", Region: "us-east-1"}}}})
	if err == nil {
		_, _, err = e.Collect(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "us-east-1") {
		t.Errorf("the other region cannot be read: %v", err)
	}
}
