package engine_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

var baked = regexp.MustCompile(`"name": "(domino-[^"]*)"`)

// named is what the fixture spreading bakes, and the tags that say so.
func named(t *testing.T, f fixture) (name string, tags map[string]string) {
	t.Helper()
	r := f.start(t).copy()
	r.applyAll(f.after)
	w, err := r.Box.Open(sandbox.Options{Clock: r.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	name = baked.FindStringSubmatch(string(r.Box.Content()))[1]
	images, err := w.DescribeImages(t.Context(), byName(name))
	if err != nil || len(images) != 1 {
		t.Fatalf("%+v, %v", images, err)
	}
	return name, images[0].Tags
}

func byName(name string) port.ImageQuery {
	return port.ImageQuery{Filters: map[string][]string{"name": {name}}}
}

// spreading is the fixture of that name.
func spreading(t *testing.T) fixture {
	t.Helper()
	all := fixtures(t)
	return all[slices.IndexFunc(all, func(f fixture) bool { return f.name == "spreading" })]
}

// holding is a machine on which an image has the name already.
func holding(t *testing.T, f fixture, name string, tags map[string]string) rig {
	t.Helper()
	r := f.start(t).copy()
	image := fmt.Sprintf(`"images": {"ami-0000000000000000a": {"architecture": "x86_64", "name": %q, "tags": %s}, `, name, schema.JSON(tags).Text)
	content := strings.Replace(string(r.Box.Content()), `"images": {`, image, 1)
	if err := r.Box.Replace([]byte(content)); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTheNameOfAnotherApplysImage: two applies of one minute and content do not stand
// in each other's way, wherever the second dies.
func TestTheNameOfAnotherApplysImage(t *testing.T) {
	for _, f := range []fixture{spreading(t), templateFixture(t)} {
		t.Run(f.name, func(t *testing.T) { anotherApplysImage(t, f) })
	}
}

func anotherApplysImage(t *testing.T, f fixture) {
	name, tags := named(t, f)
	tags[schema.TagToken], tags[schema.TagApply] = "another", "another"
	start := holding(t, f, name, tags)
	p := start.plan(f.after)
	whole := start.copy()
	sides := whole.count(f, p)
	whole.atDesired(f)
	if content := string(whole.Box.Content()); !strings.Contains(content, name+"-2") || strings.Contains(content, name+"-3") {
		t.Fatalf("no image is called %s-2", name)
	}
	for k := 0; k < sides; k += 2 {
		r := start.copy()
		r.dies(f, p, k)
		if _, err := r.engine(f.after).Applier.Summary(t.Context(), p.ID); applier.IsMissing(err) {
			continue // it began in another minute, if at all
		}
		r.goOn(f.after, p)
		if got, want := r.managed(), whole.managed(); got != want {
			t.Fatalf("killed after %d: the world is\n%s\nwant\n%s", k, got, want)
		}
	}
}

// TestTheNameOfAStrangersImage stays refused, and nothing is started.
func TestTheNameOfAStrangersImage(t *testing.T) {
	for _, f := range []fixture{spreading(t), templateFixture(t)} {
		t.Run(f.name, func(t *testing.T) { strangersImage(t, f) })
	}
}

func strangersImage(t *testing.T, f fixture) {
	name, tags := named(t, f)
	for what, key := range map[string]string{"content": schema.TagKey, "deployment": schema.TagDeployment, "entry": schema.TagAMI} {
		tags[schema.TagToken] = "another"
		was := tags[key]
		tags[key] = "another"
		r := holding(t, f, name, tags)
		tags[key] = was
		p := r.plan(f.after)
		res, err := r.engine(f.after).Apply(t.Context(), p)
		if err != nil || !strings.Contains(strings.Join(res.Why, "\n"), "DC332: an image called "+name+" is there, ami-0000000000000000a") {
			t.Errorf("another %s: %+v, %v", what, res, err)
		}
		for _, e := range r.Effects {
			if e.Call == "RunInstance" || e.Call == "StartInstance" {
				t.Errorf("another %s: an instance was started: %s", what, e.Args)
			}
		}
	}
}
