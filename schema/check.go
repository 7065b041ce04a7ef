package schema

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Check finds what does not hold together between objects. CUE cannot: a
// reference checked there costs more than square time. What an object leaves out
// is not held against it where reading it failed.
func Check(d Desired, reading []Finding) []Finding {
	c := &checker{Desired: d, sorted: Addresses(d.Objects), broken: map[Address]bool{}, nouns: map[string]string{}}
	for _, k := range Kinds() {
		c.nouns[k.Name] = k.noun
	}
	for _, f := range reading {
		c.broken[f.Address] = c.broken[f.Address] || f.Severity == Error
	}
	c.world()
	c.windows()
	c.wellNamed()
	c.references()
	c.identities()
	c.via()
	c.executors()
	if s := d.Deployment.State; s.File != "" && s.S3 != nil {
		c.add("DC108", Error, Address{}, d.Deployment.At, "state one of them", "deployment.state has file and s3")
	}
	c.domino()
	for _, k := range Kinds() {
		if k.check != nil {
			k.check(c)
		}
	}
	return c.found
}

type checker struct {
	Desired
	sorted []Address // of all objects
	broken map[Address]bool
	found  []Finding
	nouns  map[string]string // of the kinds, in running text
}

// world checks that a live deployment names what answers is compared with. A
// plan asks AWS and MongoDB whatever the files hold, so each is required.
func (c *checker) world() {
	d := c.Deployment
	if d.World != "live" || d.Name == "" || c.broken[Address{}] {
		return
	}
	var missing []string
	for _, need := range [][2]string{{"aws.account", d.AWS.Account}, {"aws.region", d.AWS.Region}, {"mongo.database", d.Mongo.Database}} {
		if need[1] == "" {
			missing = append(missing, need[0])
		}
	}
	if len(missing) > 0 {
		c.add("DC113", Error, Address{}, d.At,
			"state them in deployment; aws sts get-caller-identity tells the account, and Domino's database is \"domino\". Or state world: \"sandbox\"",
			"the world is live, and what who answers is compared with is not stated: %s", Listed(missing, "and"))
	}
}

// domino checks where the API is and as whom it is asked. What an address holds beside
// that may be a password, so it is not repeated.
func (c *checker) domino() {
	d := c.Deployment.Domino
	if d.URL == "" && c.Deployment.Backends.API() && !c.broken[Address{}] {
		c.add("DC120", Error, Address{}, c.Deployment.At, "state deployment: domino: {url: …, apiKey: …}, or backends: \"mongo\"", "deployment.backends names Domino's API, and deployment.domino is not stated")
	}
	if d.URL == "" || c.broken[Address{}] {
		return
	}
	if d.BuildTimeout != "" && d.Timeout() == 0 {
		c.add("DC732", Error, Address{}, c.Deployment.At, "state how long the longest build takes, and something over", "deployment.domino.buildTimeout is %s, want 1m to 7d", clipped(d.BuildTimeout))
	}
	if (d.APIKey == "") == (d.Token == "") {
		c.add("DC108", Error, Address{}, c.Deployment.At, "state one of them, as a reference: apiKey: secret: env: \"DOMCTL_DOMINO_KEY\"", "deployment.domino states %s", NotOne("apiKey", d.APIKey != "", "token", d.Token != ""))
	}
	u, err := url.Parse(d.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		c.add("DC358", Error, Address{}, c.Deployment.At, "write it as https://domino.acme.com; the key goes into apiKey, as a reference", "deployment.domino.url is no address, or holds more than one: a user, a query or a fragment")
		return
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		c.add("DC288", Warning, Address{}, c.Deployment.At, "write it as https://…; over http on this machine alone, as through kubectl port-forward", "deployment.domino.url begins with http: the key of a Domino administrator goes through the network in the clear")
	}
}

// NotOne says of two fields, one of which is to be stated, that both are or neither is.
func NotOne(one string, hasOne bool, other string, hasOther bool) string {
	if hasOne && hasOther {
		return "both " + one + " and " + other + ", of which one is to be"
	}
	return "neither " + one + " nor " + other
}

// loopback is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// of ranges over the objects of a kind, in order.
func (c *checker) of(kind string) func(yield func(Address, Object) bool) {
	return func(yield func(Address, Object) bool) {
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

func (c *checker) add(code string, s Severity, a Address, at []Position, hint, format string, args ...any) {
	c.found = append(c.found, Finding{Code: code, Severity: s, Address: a, Positions: at, Hint: hint,
		Message: fmt.Sprintf(format, args...)})
}

// references checks every name of another object. What stands on keyed parts is
// their kind's own check's, which names it once.
func (c *checker) references() {
	for _, a := range c.sorted {
		o := c.Objects[a]
		for p, v := range o.Fields {
			if target, _, ok := v.Target(); ok && !strings.HasPrefix(p, "groups.") {
				c.declared(a, o.Positions(p), p, target)
			}
		}
	}
}

func (c *checker) declared(a Address, at []Position, path string, target Address) {
	if _, ok := c.Objects[target]; ok {
		return
	}
	c.add("DC101", Error, a, at, DidYouMean(target.Name, c.names(target.Kind)),
		"%s names %s %q, which is not declared", path, c.nouns[target.Kind], target.Name)
}

// identities finds objects that would write the same thing outside.
func (c *checker) identities() {
	type claim struct{ kind, what, value string }
	claims := map[claim][]Address{}
	at := map[claim][]Position{}
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
		c.add("DC106", Error, claims[cl][0], InOrder(at[cl]), "merge them, or correct one",
			"%s %s is claimed by %s", cl.what, cl.value, claimants(claims[cl]))
	}
}

func claimants(by []Address) string {
	names := make([]string, len(by))
	for i, a := range by {
		names[i] = a.String()
	}
	return Listed(names, "and")
}

// claimOf is what an object takes for its own: the field that says so, what it
// is and which.
func claimOf(o Object) (path, what, value string) {
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

// wellNamed checks the names of objects and the keys within them: what no
// address can be told by, and what the outside would refuse.
func (c *checker) wellNamed() {
	for _, a := range c.sorted {
		o := c.Objects[a]
		if fault := NameFault(a.Name); fault != "" {
			c.add("DC109", Error, a, o.Positions(""), "give it another name", "the name %s %s", quoted(a.Name), fault)
		}
		c.keys(a, o)
	}
}

// keys checks the keys of maps, which stand quoted in a path unless they are
// plain words.
func (c *checker) keys(a Address, o Object) {
	for _, p := range Sorted(o.Fields) {
		if !strings.Contains(p, `"`) || strings.HasPrefix(p, "groups.") {
			continue
		}
		for _, key := range SplitPath(p) {
			if fault := NameFault(key); fault != "" {
				c.add("DC109", Error, a, o.Positions(p), "correct the key", "%s: the key %s %s", p, quoted(key), fault)
			}
		}
	}
}

// quoted shows a name as it would be written, so that blanks and what does not
// print can be seen; a long one is cut.
func quoted(name string) string {
	if r := []rune(name); len(r) > 40 {
		name = string(r[:40]) + "…"
	}
	return strconv.Quote(name)
}

// oneOf counts which of several parts an object states; null does not count.
func (c *checker) oneOf(a Address, o Object, required bool, parts ...string) {
	var stated []string
	var at []Position
	for _, part := range parts {
		if p, ok := firstBelow(o, part); ok {
			stated, at = append(stated, part), append(at, o.Positions(p)...)
		}
	}
	switch {
	case len(stated) > 1:
		c.add("DC108", Error, a, at, "state one of them", "%s exclude each other", Listed(stated, "and"))
	case len(stated) == 0 && required && !c.broken[a]:
		c.add("DC108", Error, a, o.Positions(""), "", "state one of %s", Listed(parts, "or"))
	}
}

// firstBelow finds a stated field at or below a path.
func firstBelow(o Object, part string) (string, bool) {
	for _, p := range Sorted(o.Fields) {
		if o.Fields[p].Is != Unset && (p == part || strings.HasPrefix(p, part+".")) {
			return p, true
		}
	}
	return "", false
}
