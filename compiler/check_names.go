package compiler

import (
	"strconv"
	"strings"

	"domctl.dev/schema"
)

// wellNamed checks the names of objects and the keys within them: what no
// address can be told by, and what the outside would refuse.
func (c *checker) wellNamed() {
	for _, a := range c.sorted {
		o := c.Objects[a]
		if fault := schema.NameFault(a.Name); fault != "" {
			c.add(codeName, schema.Error, a, o.Positions(""), "give it another name", "the name %s %s", quoted(a.Name), fault)
		}
		switch a.Kind {
		case "nodePools":
			c.poolLabel(a, o)
		case "amis":
			if fault := schema.BakedNameFault(c.Deployment.Name, a.Name); fault != "" && o.Fields["bake"].Is == schema.Known {
				c.add(codeName, schema.Error, a, o.Positions(""), "give it another name", "the name %s %s", quoted(a.Name), fault)
			}
		}
		c.keys(a, o)
	}
}

// poolLabel checks what tiers and nodes name the pool by: the stated label, else
// the object's name. Groups can be tagged with anything, so a label that no node
// can carry may live: it is no error.
func (c *checker) poolLabel(a schema.Address, o schema.Object) {
	label := o.Fields["label"].Str()
	if fault := schema.LabelFault(label); fault != "" && schema.NameFault(a.Name) == "" {
		c.add(codeName, schema.Warning, a, o.Positions("label"), "state the label that the nodes carry", "label %s %s", quoted(label), fault)
	}
}

// keys checks the keys of maps, which stand quoted in a path unless they are
// plain words.
func (c *checker) keys(a schema.Address, o schema.Object) {
	for _, p := range schema.Sorted(o.Fields) {
		if !strings.Contains(p, `"`) || strings.HasPrefix(p, "groups.") {
			continue
		}
		for _, key := range schema.SplitPath(p) {
			if fault := schema.NameFault(key); fault != "" {
				c.add(codeName, schema.Error, a, o.Positions(p), "correct the key", "%s: the key %s %s", p, quoted(key), fault)
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
