package compiler

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// check finds what does not hold together between objects. CUE cannot: a
// reference checked there costs more than square time. What an object leaves out
// is not held against it where reading it failed.
func check(d schema.Desired, reading []schema.Finding) []schema.Finding {
	c := &checker{Desired: d, broken: map[schema.Address]bool{}}
	c.sorted = schema.Addresses(d.Objects)
	for _, f := range reading {
		c.broken[f.Address] = c.broken[f.Address] || f.Severity == schema.Error
	}
	c.world()
	c.wellNamed()
	c.references()
	c.baseCycles()
	c.defaultTier()
	c.limits()
	c.sizes()
	c.instanceTypes()
	c.fit()
	c.identities()
	c.exclusive()
	return c.found
}

type checker struct {
	schema.Desired
	sorted []schema.Address // of all objects
	broken map[schema.Address]bool
	found  []schema.Finding
}

// world checks that a live deployment names what answers is compared with. A
// plan asks AWS and MongoDB whatever the files hold, so each is required.
func (c *checker) world() {
	d := c.Deployment
	if d.World != "live" || d.Name == "" || c.broken[schema.Address{}] {
		return
	}
	var missing []string
	for _, need := range [][2]string{{"aws.account", d.AWS.Account}, {"aws.region", d.AWS.Region}, {"mongo.database", d.Mongo.Database}} {
		if need[1] == "" {
			missing = append(missing, need[0])
		}
	}
	if len(missing) > 0 {
		c.add(codeWorldUnnamed, schema.Error, schema.Address{}, d.At,
			"state them in deployment; aws sts get-caller-identity tells the account, and Domino's database is \"domino\". Or state world: \"sandbox\"",
			"the world is live, and what who answers is compared with is not stated: %s", listed(missing, "and"))
	}
}

// of ranges over the objects of a kind, in order.
func (c *checker) of(kind string) func(yield func(schema.Address, schema.Object) bool) {
	return func(yield func(schema.Address, schema.Object) bool) {
		for _, a := range c.sorted {
			if a.Kind == kind && !yield(a, c.Objects[a]) {
				return
			}
		}
	}
}

// names of all objects of a kind.
func (c *checker) names(kind string) (names []string) {
	for a := range c.of(kind) {
		names = append(names, a.Name)
	}
	return names
}

func (c *checker) add(code string, s schema.Severity, a schema.Address, at []schema.Position, hint, format string, args ...any) {
	c.found = append(c.found, schema.Finding{Code: code, Severity: s, Address: a, Positions: at, Hint: hint,
		Message: fmt.Sprintf(format, args...)})
}

// nouns are the kinds in running text.
func noun(kind string) string {
	return map[string]string{"amis": "AMI", "baseImages": "base image", "environments": "environment",
		"hardwareTiers": "hardware tier", "nodePools": "node pool"}[kind]
}

// references checks every name of another object.
func (c *checker) references() {
	for _, a := range c.sorted {
		o := c.Objects[a]
		for p, v := range o.Fields {
			if target, _, ok := v.Target(); ok && !strings.HasPrefix(p, "groups.") {
				c.declared(a, o.Positions(p), p, target)
			}
		}
		if a.Kind == "nodePools" {
			c.poolImage(a, o)
		}
		if a.Kind == "amis" {
			c.policyReferences(a, o)
		}
	}
}

// poolImage looks at one group, since a pool's image stands on each of them.
func (c *checker) poolImage(a schema.Address, o schema.Object) {
	for _, p := range schema.Sorted(o.Fields) {
		if target, _, ok := o.Fields[p].Target(); ok && strings.HasSuffix(p, ".ami") {
			c.declared(a, o.Positions(p), "ami", target)
			return
		}
	}
}

func (c *checker) declared(a schema.Address, at []schema.Position, path string, target schema.Address) {
	if _, ok := c.Objects[target]; ok {
		return
	}
	c.add(codeReference, schema.Error, a, at, didYouMean(target.Name, c.names(target.Kind)),
		"%s names %s %q, which is not declared", path, noun(target.Kind), target.Name)
}

// policyReferences checks the names inside bake and rollout, which are compared
// whole.
func (c *checker) policyReferences(a schema.Address, o schema.Object) {
	var bake struct {
		From  struct{ Pool, AMI string }
		Cache struct {
			BaseImages   []string
			Environments map[string]any
		}
	}
	var waves []struct {
		Tiers, Pools []string
		Window       string
	}
	_ = json.Unmarshal([]byte(o.Fields["bake"].Text), &bake)
	_ = json.Unmarshal([]byte(o.Fields["rollout"].Text), &waves)
	all := func(path, kind string, names ...string) {
		for _, name := range names {
			if name != "" {
				c.declared(a, o.Positions(schema.SplitPath(path)[0]), path, schema.Address{Kind: kind, Name: name})
			}
		}
	}
	all("bake.from.pool", "nodePools", bake.From.Pool)
	all("bake.from.ami", "amis", bake.From.AMI)
	all("bake.cache.baseImages", "baseImages", bake.Cache.BaseImages...)
	all("bake.cache.environments", "environments", schema.Sorted(bake.Cache.Environments)...)
	for i, w := range waves {
		step := fmt.Sprintf("rollout.%d.", i)
		all(step+"tiers", "hardwareTiers", w.Tiers...)
		all(step+"pools", "nodePools", w.Pools...)
		if _, ok := c.Deployment.Windows[w.Window]; w.Window != "" && !ok && !c.broken[schema.Address{}] {
			c.add(codeReference, schema.Error, a, o.Positions("rollout"), didYouMean(w.Window, schema.Sorted(c.Deployment.Windows)),
				"%swindow names window %q, which the deployment does not have", step, w.Window)
		}
	}
}

// baseCycles finds environments that are built on themselves.
func (c *checker) baseCycles() {
	done := map[schema.Address]bool{}
	for start := range c.of("environments") {
		var chain []schema.Address
		for a := start; !done[a]; {
			chain = append(chain, a)
			done[a] = true
			next, _, ok := c.Objects[a].Fields["base.environment"].Target()
			if i := slices.Index(chain, next); ok && i >= 0 {
				c.cycle(chain[i:])
			}
			if !ok {
				break
			}
			a = next
		}
	}
}

func (c *checker) cycle(chain []schema.Address) {
	first := slices.MinFunc(chain, schema.Address.Compare)
	var at []schema.Position
	names := make([]string, len(chain))
	for i := range chain {
		a := chain[(slices.Index(chain, first)+i)%len(chain)]
		names[i] = a.Name
		at = append(at, c.Objects[a].Positions("base.environment")...)
	}
	c.add(codeBaseCycle, schema.Error, first, at, "give one of them another base",
		"cycle of bases: %s → %s", strings.Join(names, " → "), first.Name)
}

func (c *checker) defaultTier() {
	var defaults []schema.Address
	var at []schema.Position
	tiers, broken := 0, c.broken[schema.Address{}]
	for a, o := range c.of("hardwareTiers") {
		tiers, broken = tiers+1, broken || c.broken[a]
		if o.Fields["isDefault"].Bool() && !o.Fields["archived"].Bool() {
			defaults, at = append(defaults, a), append(at, o.Positions("isDefault")...)
		}
	}
	switch {
	case tiers == 0 || broken || len(defaults) == 1:
	case len(defaults) == 0:
		c.add(codeDefault, schema.Warning, schema.Address{}, c.Deployment.At, "state isDefault: true on the tier of executions that chose none",
			"no hardware tier is the default one")
	default:
		names := make([]string, len(defaults))
		for i, a := range defaults {
			names[i] = a.Name
		}
		c.add(codeDefault, schema.Warning, defaults[0], at, "state isDefault: true on one of them",
			"%d hardware tiers are the default one: %s", len(defaults), listed(names, "and"))
	}
}

// limits compares a request with its limit where both are stated. What merges
// with live values is judged by the plan.
func (c *checker) limits() {
	for a, o := range c.of("hardwareTiers") {
		for _, p := range []string{"cores", "memory"} {
			request, limit := o.Fields[p], o.Fields[p+"Limit"]
			if request.Is == schema.Known && limit.Is == schema.Known && request != limit {
				c.add(codeLimit, schema.Warning, a, slices.Concat(o.Positions(p), o.Positions(p+"Limit")), "state "+p+"Limit equal to "+p,
					"%s is %s and %sLimit is %s", p, request.Display(), p, limit.Display())
			}
		}
	}
}

// sizes compares the sizes that a pool states for each of its groups. Against
// what lives they are judged by the plan.
func (c *checker) sizes() {
	for a, o := range c.of("nodePools") {
		groups := o.Groups()
		if len(groups) == 0 {
			continue
		}
		at := schema.JoinPath("groups", groups[0].Key()) + ".size."
		for _, pair := range [][2]string{{"min", "max"}, {"min", "desired"}, {"desired", "max"}} {
			low, stated := o.Fields[at+pair[0]].Float()
			high, both := o.Fields[at+pair[1]].Float()
			if stated && both && low > high {
				c.add(codeSizes, schema.Error, a, slices.Concat(o.Positions(at+pair[0]), o.Positions(at+pair[1])), "state sizes with min ≤ desired ≤ max",
					"size.%s is %v and size.%s is %v", pair[0], low, pair[1], high)
			}
		}
	}
}

// instanceTypes says which expected types the embedded table does not hold: with
// one of them, whether a tier fits is left to the plan, which asks EC2.
func (c *checker) instanceTypes() {
	for a, o := range c.of("nodePools") {
		for _, t := range o.Fields["expect.instanceTypes"].Strings() {
			if _, ok := schema.InstanceTypes()[t]; !ok {
				c.add(codeInstanceType, schema.Info, a, o.Positions("expect.instanceTypes"), didYouMean(t, schema.Sorted(schema.InstanceTypes())),
					"instance type %s is not known here (instance types of %s, %s), so whether tiers fit is not checked", quoted(t), schema.InstanceTypesSource, schema.InstanceTypesDate)
			}
		}
	}
}

// fit judges tiers by the embedded table of instance types.
func (c *checker) fit() {
	for a, o := range c.of("hardwareTiers") {
		target, _, ok := o.Fields["nodePool"].Target()
		pool, declared := c.Objects[target]
		if !ok || !declared {
			continue
		}
		for _, s := range schema.Fit(o.Fields, pool.Fields, schema.InstanceTypes()) {
			severity := schema.Error
			if s.Soft {
				severity = schema.Warning
			}
			c.add(codeFit, severity, a, slices.Concat(o.Positions(s.Path), pool.Positions("expect.instanceTypes")),
				fmt.Sprintf("lower %s, or move the tier to a larger pool", s.Path),
				"%s is %s, a %s in node pool %q has %s after overhead (instance types of %s, %s)",
				s.Path, s.Want, s.InstanceType, target.Name, s.Have, schema.InstanceTypesSource, schema.InstanceTypesDate)
		}
	}
}

// identities finds objects that would write the same thing outside.
func (c *checker) identities() {
	type claim struct{ kind, what, value string }
	claims := map[claim][]schema.Address{}
	at := map[claim][]schema.Position{}
	for _, a := range c.sorted {
		o := c.Objects[a]
		if path, what, value := claimOf(o); path != "" {
			cl := claim{a.Kind, what, value}
			claims[cl] = append(claims[cl], a)
			at[cl] = append(at[cl], o.Positions(path)...)
		}
	}
	keys := make([]claim, 0, len(claims))
	for cl, by := range claims {
		if len(by) > 1 {
			keys = append(keys, cl)
		}
	}
	slices.SortFunc(keys, func(a, b claim) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.what, b.what), cmp.Compare(a.value, b.value))
	})
	for _, cl := range keys {
		c.add(codeIdentity, schema.Error, claims[cl][0], inOrder(at[cl]), "merge them, or correct one",
			"%s %s is claimed by %s", cl.what, cl.value, claimants(claims[cl]))
	}
}

func claimants(by []schema.Address) string {
	names := make([]string, len(by))
	for i, a := range by {
		names[i] = a.String()
	}
	return listed(names, "and")
}

// claimOf is what an object takes for its own: the field that says so, what it
// is and which.
func claimOf(o schema.Object) (path, what, value string) {
	if id := o.Fields["id"].Str(); id != "" {
		return "id", "id", id
	}
	name := o.Fields["name"].Str()
	if name == "" {
		return "", "", ""
	}
	if owner := o.Fields["owner"].Str(); owner != "" {
		name += " of " + owner
	}
	return "name", "live name", name
}
