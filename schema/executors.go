package schema

import (
	"cmp"
	"slices"
	"strings"
)

// Executors says how a plan tells the executors of one classic tier from others, and where
// Domino keeps what it knows of each.
type Executors struct {
	Tags    map[string]string `json:"tags"`              // each instance has these
	TierTag string            `json:"tierTag,omitempty"` // key of the tag that names the tier
	Named   []string          `json:"named"`             // what the tier goes by: its id, and its executor group's
	// Alone says that no other tier starts the image which is switched from, so that the
	// image tells the tier of instances of which nothing else does.
	Alone bool `json:"alone,omitempty"`
	// Kept are the ids, or Name tags with *, of instances that images are made of.
	Kept []string `json:"kept,omitempty"`
	// Image is where the image stands in the executor group's document.
	Image string     `json:"image"`
	Known Collection `json:"known,omitzero"` // deployment.mongo.mapping.executors
}

// Maintained says that somebody stated where an executor's maintenance stands.
func (c Collection) Maintained() bool {
	return c.Collection != "" && c.Fields["instance"] != "" && c.Fields["maintenance"] != ""
}

// Has says whether the tier of an executor, as a tag or a document tells it, is this one;
// of one that nobody tells, whether its image says so.
func (e Executors) Has(tier, image, from string) bool {
	if tier == "" {
		return e.Alone && image == from
	}
	return slices.Contains(e.Named, tier)
}

// RollsExecutors says whether executors of some classic tier are to be replaced.
func RollsExecutors(d Desired) bool {
	for a, o := range d.Objects {
		if _, stated := o.Roll(); a.Kind == "hardwareTiers" && stated {
			return true
		}
	}
	return false
}

// executors looks at how executors are told.
func (c *checker) executors() {
	d, m := c.Deployment, c.Deployment.Mongo.Mapping.Executors
	if c.broken[Address{}] {
		return
	}
	wrong := func(hint, format string, args ...any) {
		c.add("DC860", Error, Address{}, d.At, hint, format, args...)
	}
	if d.Executors != "classic" && (len(d.Instances.Tags) > 0 || m.Collection != "" || len(m.Fields) > 0) {
		wrong("leave it out, or state executors: \"classic\"", "deployment.%s is about classic executors, and the deployment has none",
			cmp.Or(map[bool]string{true: "executorInstances"}[len(d.Instances.Tags) > 0], "mongo.mapping.executors"))
		return
	}
	for _, key := range Sorted(d.Instances.Tags) {
		if value := d.Instances.Tags[key]; key == "" || strings.Trim(value, "*?") == "" { // EC2 takes both for any
			wrong("state a value that executors alone have", "deployment.executorInstances.tags.%s is %s, which other instances have too", quoted(key), quoted(value))
		}
	}
	if m.Collection == "" && len(m.Fields) == 0 {
		return
	}
	if m.Collection == "" || m.Fields["instance"] == "" {
		wrong("state the collection, and in fields.instance where a document names its EC2 instance", "deployment.mongo.mapping.executors says not where executors stand: there is no default")
	}
	for _, field := range Sorted(m.Fields) {
		if !slices.Contains([]string{"instance", "tier", "maintenance"}, field) {
			wrong("state instance, tier and maintenance", "deployment.mongo.mapping.executors.fields.%s is nothing that domctl looks for", field)
		}
	}
}
