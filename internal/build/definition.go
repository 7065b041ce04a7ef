package build

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// definition is that of the revision which a step starts from, with what the step
// writes in place.
func (b Builder) definition(ctx context.Context, s planner.Step) (d port.Definition, err error) {
	if from := s.Args["from"].Str(); from != "" {
		if d, err = b.Domino.GetDefinition(ctx, from); err != nil {
			return d, err
		}
		build, err := b.Domino.GetBuild(ctx, s.Args["environment"].Str(), from)
		if err != nil {
			return d, err
		}
		d.Tags = users(build.Tags)
	}
	d.Variables = maps.Clone(d.Variables)
	base(&d, s)
	for _, p := range schema.Sorted(s.Writes) {
		if err := b.write(ctx, &d, p, s.Writes[p]); err != nil {
			return d, err
		}
	}
	for _, name := range schema.Sorted(d.Variables) {
		if _, stated := s.Writes["variables."+schema.JoinPath(name)]; !stated && port.Masked(d.Variables[name]) {
			return d, fmt.Errorf("DC363: Domino shows the variable %s masked, so that it cannot be carried over; state it in the files", name)
		}
	}
	return d, nil
}

// users are the tags that are not domctl's.
func users(tags []string) (out []string) {
	for _, t := range tags {
		if !strings.HasPrefix(t, schema.TagContent) && !strings.HasPrefix(t, schema.TagStep) {
			out = append(out, t)
		}
	}
	return out
}

// base takes what is stated of the base as a whole; nothing stated leaves it. One that
// follows is named by the environment, else by the revision.
func base(d *port.Definition, s planner.Step) {
	stated := false
	for p := range s.Writes {
		stated = stated || strings.HasPrefix(p, "base.")
	}
	if stated {
		d.Image, d.Base, d.Follow = s.Writes["base.image"].Str()+s.Writes["base.uri"].Str(), "", ""
		if env := s.Writes["base.environment"].Str(); env != "" && s.Writes["base.rebuildOnBaseChanges"].Bool() {
			d.Follow = env
		} else if env != "" {
			d.Base = s.Args["base"].Str()
		}
	}
	if d.Follow != "" {
		d.Base = ""
	}
	d.BaseOf, d.BaseNumber = "", 0
}

// write puts one stated field in place; an absent one is cleared.
func (b Builder) write(ctx context.Context, d *port.Definition, path string, v schema.Value) error {
	if v.Is == schema.Secret {
		var err error
		if v, err = b.Secret(ctx, v.Text); err != nil {
			return err
		}
	}
	texts := map[string]*string{"dockerfile": &d.Dockerfile, "scripts.preSetup": &d.PreSetup, "scripts.postSetup": &d.PostSetup, "scripts.preRun": &d.PreRun,
		"scripts.postRun": &d.PostRun, "summary": &d.Summary}
	lists := map[string]*[]string{"dockerArguments": &d.DockerArguments, "supportedClusters": &d.Clusters, "tags": &d.Tags}
	flags := map[string]*bool{"vpn": &d.VPN, "restricted": &d.Restricted, "skipCache": &d.SkipCache}
	name, variable := strings.CutPrefix(path, "variables.")
	switch {
	case texts[path] != nil:
		*texts[path] = v.Str()
	case lists[path] != nil:
		*lists[path] = v.Strings()
	case flags[path] != nil:
		*flags[path] = v.Bool()
	case path == "tools":
		d.Tools = v.Text
	case variable:
		name = schema.SplitPath(name)[0]
		if d.Variables == nil {
			d.Variables = map[string]string{}
		}
		if d.Variables[name] = v.Str(); v.Is == schema.Absent {
			delete(d.Variables, name)
		}
	case !strings.HasPrefix(path, "base."):
		return fmt.Errorf("DC316: this domctl does not know how to write %s of a revision; use the version that made the plan", path)
	}
	return nil
}
