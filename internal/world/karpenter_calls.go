package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// errGoneFrom is of an object that a step of one call is to write.
func errGoneFrom(ref planner.Ref) error { return fmt.Errorf("%s: %w", ref, port.ErrNotFound) }

// switchClass writes what images are chosen by, if the class is at this moment as the step
// expects it, and each NodePool that starts nodes by it holds drift: one that was made since
// the plan, or that a rollback finds, would have its nodes drained.
func switchClass(ctx context.Context, w *World, a applier.Attempt) error {
	classes, err := w.Karpenter.ListNodeClasses(ctx)
	if err != nil {
		return errors.Join(port.ErrUnsent, err)
	}
	i := slices.IndexFunc(classes, func(c port.NodeClass) bool { return c.Name == a.Step.Object.ID() })
	if i < 0 {
		return errGoneFrom(a.Step.Object)
	}
	if _, before := a.Step.Stands(nodeClassRaw(classes[i]), w.Same); !before {
		return errNoMatch
	}
	pools, err := w.Karpenter.ListNodePools(ctx)
	if err != nil {
		return errors.Join(port.ErrUnsent, err)
	}
	for _, p := range pools {
		if p.Class == a.Step.Object.ID() && !p.DriftHeld() {
			return &applier.Refusal{Err: fmt.Errorf("DC870: NodePool %s does not hold drift, so that Karpenter would replace its nodes at once, whatever runs on them; hold it by budgets: [{nodes: \"0\", reasons: [Drifted]}], then go on", p.Name)}
		}
	}
	terms, family := classTerms(a.Step, classes[i].Family)
	return moved(w.Karpenter.SetImageTerms(ctx, classes[i], terms, family))
}

// moved has a write made again that Karpenter was faster than: it writes down often what
// stands of its objects.
func moved(err error) error {
	if errors.Is(err, port.ErrState) {
		return &applier.Refusal{Err: err, Retry: true}
	}
	return err
}

// classTerms are what a step writes to a class whose family is the one given.
func classTerms(s planner.Step, family string) (string, string) {
	if image, is := s.Writes["image"]; is {
		return port.TermsOf(image.Str()), family
	}
	if v, is := s.Writes["family"]; is {
		family = v.Str()
	}
	return s.Writes["terms"].Text, family
}

// setLimits writes limits of a NodePool, if they are at this moment as the step expects them.
func setLimits(ctx context.Context, w *World, a applier.Attempt) error {
	pools, err := w.Karpenter.ListNodePools(ctx)
	if err != nil {
		return errors.Join(port.ErrUnsent, err)
	}
	i := slices.IndexFunc(pools, func(p port.NodePool) bool { return p.Name == a.Step.Object.ID() })
	if i < 0 {
		return errGoneFrom(a.Step.Object)
	}
	if _, before := a.Step.Stands(nodePoolRaw(pools[i]), w.Same); !before {
		return errNoMatch
	}
	return moved(w.Karpenter.SetLimits(ctx, pools[i], limitsOf(a.Step)))
}

// limitsOf are the limits that a step writes, by resource; "" takes one away.
func limitsOf(s planner.Step) map[string]string {
	limits := map[string]string{}
	for path, v := range s.Writes {
		limits[schema.SplitPath(path)[1]] = v.Text
	}
	return limits
}

// kubectl begins a shell script of kubectl. Each write carries the resourceVersion of what
// was compared with the plan just before.
func (s *script) kubectl(d schema.Kubernetes) {
	context := ""
	if d.Context != "" {
		context = " --context " + sh(d.Context)
	}
	fmt.Fprintf(&s.b, `#!/bin/sh
# Needs kubectl and jq.
set -eu
is() { [ "$1" = "$2" ] || { echo "$3 is $1, the plan saw $2; nothing from here on was done" >&2; exit 1; }; }
has() { printf '%%s' "$object" | jq -cS "$1"; }
look() { object=$(kubectl%[1]s get "$1" "$2" -o json); }
change() { kubectl%[1]s patch "$1" "$2" --type merge --patch "$(printf '%%s' "$object" | jq -c --argjson spec "$3" '{metadata: {resourceVersion: .metadata.resourceVersion}, spec: $spec}')"; }
`, context)
}

// held is whether a NodePool's budgets hold drift, for jq.
const heldQuery = `[.spec.disruption.budgets[]? | select(.schedule == null and (.nodes == "0" or .nodes == "0%") and (.reasons == null or (.reasons | index("Drifted"))))] | length > 0`

func switchClassCommand(m applier.Manual) string {
	s, name := m.Step, sh(m.Step.Object.ID())
	var b strings.Builder
	for _, e := range s.Expects {
		if e.Path == "held" {
			fmt.Fprintf(&b, "look %s %s\nis \"$(has %s)\" true %s\n", port.PoolsResource, sh(e.Ref.ID()), sh(heldQuery), sh("that "+e.Ref.ID()+" holds drift"))
		}
	}
	fmt.Fprintf(&b, "look %s %s\n", port.ClassesResource, name)
	for _, e := range s.Expects {
		switch {
		case e.Ref != s.Object:
		case e.Path == "image":
			fmt.Fprintf(&b, "is \"$(has .spec.amiSelectorTerms)\" %s %s\n", sh(port.TermsOf(e.Value.Str())), sh("amiSelectorTerms of "+s.Object.ID()))
		case e.Path == "terms":
			fmt.Fprintf(&b, "is \"$(has .spec.amiSelectorTerms)\" %s %s\n", sh(e.Value.Text), sh("amiSelectorTerms of "+s.Object.ID()))
		}
	}
	if image, is := s.Writes["image"]; is {
		fmt.Fprintf(&b, "image=%s\nchange %s %s \"{\\\"amiSelectorTerms\\\": [{\\\"id\\\": \\\"$image\\\"}]}\"", shellValue(m, image), port.ClassesResource, name)
		return b.String()
	}
	spec := `{"amiSelectorTerms":` + s.Writes["terms"].Text
	if family, is := s.Writes["family"]; is {
		text := "null"
		if family.Is == schema.Known {
			text = family.Text
		}
		spec += `,"amiFamily":` + text
	}
	return b.String() + fmt.Sprintf("change %s %s %s", port.ClassesResource, name, sh(spec+"}"))
}

func limitsCommand(m applier.Manual) string {
	s := m.Step
	var b strings.Builder
	fmt.Fprintf(&b, "look %s %s\n", port.PoolsResource, sh(s.Object.ID()))
	orNull := func(v schema.Value) string {
		if v.Is != schema.Known {
			return "null"
		}
		return v.Text
	}
	for _, e := range s.Expects {
		resource := schema.SplitPath(e.Path)[1]
		fmt.Fprintf(&b, "is \"$(has %s)\" %s %s\n", sh(`.spec.limits[`+schema.JSON(resource).Text+`]`), sh(orNull(e.Value)), sh("limit "+resource+" of "+s.Object.ID()))
	}
	var set []string
	for _, path := range schema.Sorted(s.Writes) {
		set = append(set, schema.JSON(schema.SplitPath(path)[1]).Text+":"+orNull(s.Writes[path]))
	}
	fmt.Fprintf(&b, "change %s %s %s", port.PoolsResource, sh(s.Object.ID()), sh(`{"limits":{`+strings.Join(set, ",")+"}}"))
	return b.String()
}
