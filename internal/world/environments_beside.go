package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Activated are the environments that steps give another active revision.
func Activated(steps []planner.Step) (out []schema.Address) {
	for _, s := range steps {
		if s.Op == operation.ActivateRevision {
			out = append(out, s.Address)
		}
	}
	slices.SortFunc(out, schema.Address.Compare)
	return slices.Compact(out)
}

// beside is what happens around an environment that gets another active revision.
type beside struct {
	followers, build error // why they are not known
	names            []string
	follow           map[string]bool // ids
	newest           int64
	status           string // of a build that nobody here waits for; "" for none
}

// Beside says of environments that get another active revision which others Domino will
// build again, because they follow, and what somebody else has built just now. own tells
// of a revision's tags that an apply of this deployment waits for its build. What cannot
// be read is said to be not known.
func (v *View) Beside(ctx context.Context, changed []schema.Address, own func(tags []string) (bool, error)) ([]schema.Finding, error) {
	declared := map[string]schema.Address{}
	for a, ref := range v.refs {
		if a.Kind == "environments" {
			declared[idPlain(ref)] = a
		}
	}
	var ask []string
	for _, a := range changed {
		if ref := v.refs[a]; v.world.Domino != nil && a.Kind == "environments" && ref != "" {
			ask = append(ask, idPlain(ref))
		}
	}
	all, err := patiently(ctx, ask, func(ctx context.Context, env string) (beside, error) { return v.beside(ctx, env, declared, own) })
	if err != nil {
		return nil, err
	}
	var out []schema.Finding
	for i, b := range all {
		a := declared[ask[i]]
		find := func(code string, severity schema.Severity, message, hint string) {
			out = append(out, schema.Finding{Code: code, Severity: severity, Address: a, Message: message, Hint: hint, Positions: v.desired.Objects[a].Positions("")})
		}
		if b.of.followers == nil && b.of.build == nil && b.err != nil {
			b.of.followers, b.of.build = b.err, b.err
		}
		if why := b.of.followers; why != nil {
			find("DC292", schema.Warning, "what Domino builds again once its new revision is active is not known: "+planner.Printable(why.Error()), "look in Domino at what follows it, or plan again once its API answers")
		} else if len(b.of.names) > 0 {
			find("DC292", schema.Info, "once its new revision is active, Domino builds again what follows it: "+strings.Join(b.of.names, ", "), "")
		}
		out = append(out, v.stay(a, changed, b.of.follow)...)
		if why := b.of.build; why != nil {
			find("DC294", schema.Warning, "whether somebody else has a revision of it built is not known: "+planner.Printable(why.Error()), "look in Domino, or plan again once its API answers")
		} else if b.of.status != "" {
			who := "somebody else has"
			if v.desired.Objects[a].Fields["base.rebuildOnBaseChanges"].Bool() {
				who = "Domino, with its base, or somebody else has"
			}
			find("DC294", schema.Warning, fmt.Sprintf("%s revision %d of it built (%s)", who, b.of.newest, planner.Printable(b.of.status)),
				"domctl environments show tells of it; ask who saved it in Domino: what it brings is not in the files, and is not in what domctl builds")
		}
	}
	return out, nil
}

// beside reads what stands around one environment.
func (v *View) beside(ctx context.Context, env string, declared map[string]schema.Address, own func([]string) (bool, error)) (b beside, err error) {
	followers, err := v.world.Domino.ListFollowers(ctx, env)
	b.followers = err
	b.follow = map[string]bool{}
	for _, f := range followers {
		b.follow[f.ID] = true
		name := planner.Printable(f.Name)
		if a, is := declared[f.ID]; is {
			name = a.String()
		}
		b.names = append(b.names, name)
	}
	id, number := v.unbuilt(env)
	if id == "" {
		return b, err
	}
	build, failed := v.world.Domino.GetBuild(ctx, env, id)
	if failed != nil {
		b.build = failed
		return b, failed
	}
	if slices.Contains([]string{"", port.BuildSucceeded, port.BuildFailed, port.BuildKilled}, build.Status) {
		return b, err
	}
	if is, failed := own(build.Tags); is || failed != nil {
		b.build = failed
		return b, err
	}
	b.newest, b.status = number, build.Status
	return b, err
}

// stay are the environments of the files on top of one whose active revision changes,
// which nobody builds again for that: neither this plan nor Domino.
func (v *View) stay(a schema.Address, changed []schema.Address, follow map[string]bool) (found []schema.Finding) {
	for _, other := range schema.Addresses(v.desired.Objects) {
		o, ref := v.desired.Objects[other], v.refs[other]
		to, _, on := o.Fields["base.environment"].Target()
		pinned := o.Fields["base.revision"].Is == schema.Known
		if !on || to != a || ref == "" || pinned || o.Fields["archived"].Bool() || o.Fields["base.rebuildOnBaseChanges"].Bool() || follow[idPlain(ref)] || slices.Contains(changed, other) {
			continue
		}
		found = append(found, schema.Finding{Code: "DC737", Severity: schema.Info, Address: other, Positions: o.Positions("base.environment"),
			Message: fmt.Sprintf("stays on the revision of %s that it was built on, and moves to the active one when it is next built", a),
			Hint:    "with base: rebuildOnBaseChanges: true Domino builds it with its base"})
	}
	return found
}

// unbuilt is the newest revision of an environment, where the database does not say
// that it is built.
func (v *View) unbuilt(env string) (id string, number int64) {
	number = v.latest(env)
	for ref, raw := range v.raw {
		if ref.Type() == "mongo/"+revisionsCollection && plainJSON(raw["environmentId"].Text) == schema.JSON(env).Text && plainJSON(raw["metadata.number"].Text) == schema.JSON(number).Text && !raw["metadata.isBuilt"].Bool() {
			return idPlain(ref), number
		}
	}
	return "", 0
}
