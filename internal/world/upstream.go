package world

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

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

// Float looks up what the named objects float on: all of them without names, and
// then entries of objects that no longer float go. When any look-up fails, the
// error names every object that it failed for. asked counts what was looked up.
func Float(ctx context.Context, d schema.Desired, was schema.Resolved, up Upstream, names []string) (is schema.Resolved, asked int, err error) {
	u := updating{up: up, desired: d, next: schema.Resolved{BaseImages: map[string]schema.ResolvedImage{}, AMIs: map[string]schema.ResolvedAMI{}}}
	maps.Copy(u.next.BaseImages, was.BaseImages)
	maps.Copy(u.next.AMIs, was.AMIs)
	chosen, err := u.named(names)
	if err != nil {
		return was, 0, err
	}
	if err := u.resolve(ctx, chosen); err != nil {
		return was, 0, err
	}
	if len(names) == 0 {
		u.prune()
	}
	return u.next, len(chosen), nil
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

// bounded runs jobs side by side, so many at a time, and joins their errors.
func bounded(limit int, jobs []func() error) error {
	errs := make([]error, len(jobs))
	places := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for i, job := range jobs {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			errs[i] = job()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
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
		return fmt.Errorf("DC601: AWS answers for account %s in %s, the deployment names %s in %s", who.Account, who.Region, want.Account, want.Region)
	}
	return nil
}

func (u *updating) image(ctx context.Context, a schema.Address, o schema.Object) error {
	image := o.Fields["image"].Str()
	platforms := o.Fields["platforms"].Strings()
	if len(platforms) == 0 {
		platforms = []string{"linux/amd64"}
	}
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

// parameters reads all SSM parameters in one go, and the images they name in
// another.
func (u *updating) parameters(ctx context.Context, asked []schema.Address) error {
	var names []string
	for _, a := range asked {
		if n := u.desired.Objects[a].Fields["ssm"].Str(); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	values, err := u.up.GetParameters(ctx, names)
	if err != nil {
		return fmt.Errorf("SSM parameters of %s: %w", listAddresses(asked), err)
	}
	var ids []string
	var errs []error
	for _, a := range asked {
		n := u.desired.Objects[a].Fields["ssm"].Str()
		switch id, there := values[n]; {
		case !there:
			errs = append(errs, fmt.Errorf("%s: there is no SSM parameter %s in this account and region", a, n))
		case !regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`).MatchString(id):
			errs = append(errs, fmt.Errorf("%s: the SSM parameter %s holds no image id", a, n))
		case !slices.Contains(ids, id):
			ids = append(ids, id)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	images, err := u.up.DescribeImages(ctx, port.ImageQuery{IDs: ids})
	if err != nil {
		return fmt.Errorf("images of %s: %w", listAddresses(asked), err)
	}
	for _, a := range asked {
		id := values[u.desired.Objects[a].Fields["ssm"].Str()]
		i := slices.IndexFunc(images, func(i port.Image) bool { return i.ID == id })
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s: the SSM parameter names %s, which is no image that this account can see", a, id))
			continue
		}
		u.found(a, images[i])
	}
	return errors.Join(errs...)
}

// find takes the newest available image that matches.
func (u *updating) find(ctx context.Context, a schema.Address, o schema.Object) error {
	q := port.ImageQuery{Owners: o.Fields["find.owners"].Strings(), Filters: map[string][]string{"state": {"available"}}}
	if len(q.Owners) == 0 {
		q.Owners = []string{"self"}
	}
	if n := o.Fields["find.name"].Str(); n != "" {
		q.Filters["name"] = []string{n}
	}
	for p, v := range o.Fields {
		if s := schema.SplitPath(p); len(s) == 3 && s[0] == "find" && s[1] == "filters" {
			q.Filters[s[2]] = v.Strings()
			if one := v.Str(); one != "" {
				q.Filters[s[2]] = []string{one}
			}
		}
	}
	images, err := u.up.DescribeImages(ctx, q)
	if err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	newest, err := newestOf(images)
	if err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	u.found(a, newest)
	return nil
}

// newestOf is the image made last; two made at once are not for domctl to choose
// between.
func newestOf(images []port.Image) (newest port.Image, err error) {
	var latest time.Time
	var tied []string
	for _, i := range images {
		at, err := time.Parse(time.RFC3339, i.Created)
		switch {
		case err != nil:
			return newest, fmt.Errorf("%s has no time of creation", i.ID)
		case newest.ID == "" || at.After(latest):
			newest, latest, tied = i, at, []string{i.ID}
		case at.Equal(latest):
			tied = append(tied, i.ID)
		}
	}
	switch {
	case len(tied) == 0:
		return newest, errors.New("no available image matches; loosen the filter, or check owners and region")
	case len(tied) > 1:
		slices.Sort(tied)
		return newest, fmt.Errorf("%s match and were made at the same moment; narrow the filter", strings.Join(tied, " and "))
	}
	return newest, nil
}

func (u *updating) found(a schema.Address, i port.Image) {
	u.mu.Lock()
	defer u.mu.Unlock()
	day, _, _ := strings.Cut(i.Created, "T")
	u.next.AMIs[a.Name] = schema.ResolvedAMI{Image: i.ID, Source: schema.AMISource(u.desired.Objects[a]), Name: i.Name, Created: day}
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

// Moves compares two contents entry by entry.
func Moves(before, after schema.Resolved) (out []Move) {
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
