package compiler

import (
	"encoding/json"
	"fmt"
	"strings"

	"domctl.dev/schema"
)

// exclusive checks fields of which exactly one, or at most one, may be stated.
// The schema leaves it to Go: as a disjunction of structs CUE would blame the
// wrong arm, and take longer.
func (c *checker) exclusive() {
	for a, o := range c.of("amis") {
		c.oneOf(a, o, true, "pin", "find", "ssm", "bake")
	}
	for a, o := range c.of("environments") {
		c.oneOf(a, o, false, "base.image", "base.environment", "base.uri", "base.default")
		if v := o.Fields["base.revision"]; v.Is == schema.Known && o.Fields["base.environment"].Is != schema.Ref {
			c.add(codeExactlyOne, schema.Error, a, o.Positions("base.revision"), "state base.environment too",
				"base.revision is stated without base.environment")
		}
	}
	groups := map[string]schema.Address{}
	for a, o := range c.of("nodePools") {
		c.groups(a, o, groups)
	}
	if s := c.Deployment.State; s.File != "" && s.S3 != nil {
		c.add(codeExactlyOne, schema.Error, schema.Address{}, c.Deployment.At, "state one of them", "deployment.state has file and s3")
	}
}

// oneOf counts which of several parts an object states; null does not count.
func (c *checker) oneOf(a schema.Address, o schema.Object, required bool, parts ...string) {
	var stated []string
	var at []schema.Position
	for _, part := range parts {
		if p, ok := firstBelow(o, part); ok {
			stated, at = append(stated, part), append(at, o.Positions(p)...)
		}
	}
	switch {
	case len(stated) > 1:
		c.add(codeExactlyOne, schema.Error, a, at, "state one of them", "%s exclude each other", listed(stated, "and"))
	case len(stated) == 0 && required && !c.broken[a]:
		c.add(codeExactlyOne, schema.Error, a, o.Positions(""), "", "state one of %s", listed(parts, "or"))
	}
}

// firstBelow finds a stated field at or below a path.
func firstBelow(o schema.Object, part string) (string, bool) {
	for _, p := range schema.Sorted(o.Fields) {
		if o.Fields[p].Is != schema.Unset && (p == part || strings.HasPrefix(p, part+".")) {
			return p, true
		}
	}
	return "", false
}

// groups checks the members of a pool: each an ASG or a managed node group, and
// none of them twice.
func (c *checker) groups(a schema.Address, o schema.Object, seen map[string]schema.Address) {
	var groups []schema.Group
	_ = json.Unmarshal([]byte(o.Fields["groups"].Text), &groups)
	at := o.Positions("groups")
	for i, g := range groups {
		if (g.ASG == "") == (g.NodeGroup == "") {
			c.add(codeExactlyOne, schema.Error, a, at, "", "groups.%d: state one of asg and nodegroup", i)
			continue
		}
		name := "Auto Scaling group " + g.ASG
		if g.NodeGroup != "" {
			name = fmt.Sprintf("node group %s", g.NodeGroup)
			if g.Cluster != "" {
				name += " of cluster " + g.Cluster
			}
		}
		if other, ok := seen[name]; ok {
			c.add(codeIdentity, schema.Error, a, inOrder(append(at[:len(at):len(at)], c.Objects[other].Positions("groups")...)),
				"a group belongs to one pool", "%s is claimed by %s", name, claimants([]schema.Address{other, a}))
			continue
		}
		seen[name] = a
	}
}
