package config

import "domctl.dev/schema"

// Mode is what an engine is opened for, and so as whom the outside is asked.
type Mode string

// The modes. What is opened to plan may read alone, as nobody has approved of the
// tree yet; Apply, Resume, Settle and rollbacks need one that is opened to apply.
const (
	ToPlan  Mode = "plan"
	ToApply Mode = "apply"
)

// as puts into a deployment as whom its outside is asked in a mode; where the binding
// states nobody of its own for plans, it is who applies.
func (d Deployment) as(mode Mode, dep schema.Deployment) schema.Deployment {
	dep.AWS.Role, dep.Mongo.URI, dep.Mongo.Via = d.AWS.Role, d.Mongo.URI, d.Mongo.Via.schema()
	if mode == ToPlan && d.AWS.PlanRole != "" {
		dep.AWS.Role = d.AWS.PlanRole
	}
	if mode == ToPlan && d.Mongo.PlanURI != "" {
		dep.Mongo.URI = d.Mongo.PlanURI
	}
	return dep
}
