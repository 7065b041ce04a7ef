package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Upstream is what floats: images in registries, AMIs, parameters.
type Upstream interface {
	port.STS
	port.SSM
	port.Registry
	DescribeImages(ctx context.Context, q port.ImageQuery) ([]port.Image, error)
}

// Move is one entry of resolved.cue that is found to be something else; Before
// or After is empty for an entry that comes or goes.
type Move struct {
	Address       schema.Address `json:"address"`
	Before, After string
}

// Resolution is what resolved.cue should hold.
type Resolution struct {
	Resolved schema.Resolved
	Moves    []Move
	Asked    int // entries that were looked up
}

// Resolve looks up what the named objects float on: all of them without names.
// Entries of objects that the files no longer hold go when no names are given.
// When any look-up fails, the error names every object that it failed for.
func Resolve(ctx context.Context, up Upstream, d schema.Desired, was schema.Resolved, names []string) (Resolution, error) {
	u := updating{up: up, desired: d, next: schema.Resolved{BaseImages: map[string]schema.ResolvedImage{}, AMIs: map[string]schema.ResolvedAMI{}}}
	maps.Copy(u.next.BaseImages, was.BaseImages)
	maps.Copy(u.next.AMIs, was.AMIs)
	asked, err := u.named(names)
	if err != nil {
		return Resolution{}, err
	}
	if err := u.resolve(ctx, asked); err != nil {
		return Resolution{}, err
	}
	if len(names) == 0 {
		u.prune()
	}
	return Resolution{u.next, moves(was, u.next), len(asked)}, nil
}

// updating gathers what is found.
type updating struct {
	up      Upstream
	desired schema.Desired
	mu      sync.Mutex // guards next
	next    schema.Resolved
}

// floats says whether an object is found by something that moves.
func (u *updating) floats(a schema.Address) bool {
	o := u.desired.Objects[a]
	return a.Kind == "baseImages" && o.Fields["image"].Str() != "" || a.Kind == "amis" && schema.AMISource(o) != ""
}

// named are the floating objects that names mean: addresses, or names alone.
func (u *updating) named(names []string) ([]schema.Address, error) {
	var all, chosen []schema.Address
	for _, a := range schema.Addresses(u.desired.Objects) {
		if u.floats(a) {
			all = append(all, a)
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	for _, n := range names {
		found := false
		for _, a := range all {
			if a.Name == n || a.String() == n {
				found = true
				if !slices.Contains(chosen, a) {
					chosen = append(chosen, a)
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("nothing that is looked up upstream is called %q; there is %s", n, listAddresses(all))
		}
	}
	return chosen, nil
}

func listAddresses(all []schema.Address) string {
	if len(all) == 0 {
		return "nothing that floats: base images, and AMIs with find or ssm"
	}
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.String()
	}
	return strings.Join(names, ", ")
}

// lookUps is how many look-ups run side by side.
const lookUps = 8

// resolve looks up every address; parameters go together.
func (u *updating) resolve(ctx context.Context, asked []schema.Address) error {
	var parameters []schema.Address
	var jobs []func() error
	for _, a := range asked {
		switch o := u.desired.Objects[a]; {
		case a.Kind == "baseImages":
			jobs = append(jobs, func() error { return u.image(ctx, a, o) })
		case o.Fields["ssm"].Str() != "":
			parameters = append(parameters, a)
		case o.Fields["from.deployment"].Str() != "":
			p, _ := o.Promoted(a.Name)
			jobs = append(jobs, func() error { return u.promoted(ctx, a, p) })
		default:
			jobs = append(jobs, func() error { return u.find(ctx, a, o) })
		}
	}
	if slices.ContainsFunc(asked, func(a schema.Address) bool { return a.Kind == "amis" }) {
		if err := u.account(ctx); err != nil {
			return err
		}
	}
	if len(parameters) > 0 {
		jobs = append(jobs, func() error { return u.parameters(ctx, parameters) })
	}
	return bounded(lookUps, jobs)
}

// account refuses to look AMIs up in another account or region than the
// deployment's.
func (u *updating) account(ctx context.Context) error {
	who, err := u.up.GetCallerIdentity(ctx)
	if err != nil {
		return fmt.Errorf("AWS: %w", err)
	}
	want := u.desired.Deployment.AWS
	if want.Account != "" && want.Account != who.Account || want.Region != "" && want.Region != who.Region {
		return fmt.Errorf("DC601: AWS answers for account %s in %s, the deployment names %s in %s; use the credentials and the region of the deployment", who.Account, who.Region, want.Account, want.Region)
	}
	return nil
}

func (u *updating) image(ctx context.Context, a schema.Address, o schema.Object) error {
	image := o.Fields["image"].Str()
	platforms := o.Platforms()
	digests, err := u.up.Digests(ctx, image, platforms)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", a, image, err)
	}
	for _, p := range platforms {
		if digests[p] == "" {
			return fmt.Errorf("%s: %s has no image for %s; correct platforms", a, image, p)
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.next.BaseImages[a.Name] = schema.ResolvedImage{Image: image, Digests: digests}
	return nil
}

// prune drops entries of what no longer floats.
func (u *updating) prune() {
	maps.DeleteFunc(u.next.BaseImages, func(name string, _ schema.ResolvedImage) bool {
		return !u.floats(schema.Address{Kind: "baseImages", Name: name})
	})
	maps.DeleteFunc(u.next.AMIs, func(name string, _ schema.ResolvedAMI) bool {
		return !u.floats(schema.Address{Kind: "amis", Name: name})
	})
}

// moves compares two contents entry by entry.
func moves(before, after schema.Resolved) (out []Move) {
	was, is := entries(before), entries(after)
	both := maps.Clone(was)
	maps.Copy(both, is)
	for _, a := range schema.Addresses(both) {
		if was[a] != is[a] {
			out = append(out, Move{a, shown(was[a]), shown(is[a])})
		}
	}
	return out
}

// entry is one entry: what people see of it first, and all of it.
type entry struct{ short, all string }

func shown(e entry) string { return e.short }

func entries(r schema.Resolved) map[schema.Address]entry {
	out := map[schema.Address]entry{}
	for name, e := range r.BaseImages {
		var digests []string
		for _, p := range schema.Sorted(e.Digests) {
			digests = append(digests, p+" "+e.Digests[p])
		}
		out[schema.Address{Kind: "baseImages", Name: name}] = entry{e.Image + " " + strings.Join(digests, ", "), schema.JSON(e).Text}
	}
	for name, e := range r.AMIs {
		out[schema.Address{Kind: "amis", Name: name}] = entry{strings.TrimSpace(e.Image + " " + e.Name), schema.JSON(e).Text}
	}
	return out
}
