package compiler

import (
	"encoding/json"

	"cuelang.org/go/cue"

	"domctl.dev/schema"
)

// readDeployment fills what the files say of the deployment itself. What they
// leave out and has a documented meaning gets it here, not in CUE: disjunctions
// with a default are what CUE is slowest at.
func readDeployment(pkg *loaded, places *places, r *Result) {
	v := pkg.value.LookupPath(cue.ParsePath("deployment"))
	d := &r.Desired.Deployment
	if text, err := v.MarshalJSON(); v.Exists() && err == nil {
		decodeDeployment(text, d)
		if uri, ok := secretOf(v.LookupPath(cue.ParsePath("mongo.uri"))); ok {
			d.Mongo.URI = uri.Text
		}
		d.At = places.of(v, "deployment")
	}
	if d.World == "" {
		d.World = "live"
	}
	if d.Executors == "" {
		d.Executors = "kubernetes"
	}
}

// decodeDeployment leaves out the connection string, whose reference has
// another shape in files. What does not fit is a finding of Validate already.
func decodeDeployment(text []byte, d *schema.Deployment) {
	var plain map[string]any
	if json.Unmarshal(text, &plain) != nil {
		return
	}
	if mongo, ok := plain["mongo"].(map[string]any); ok {
		delete(mongo, "uri")
	}
	rest, _ := json.Marshal(plain)
	_ = json.Unmarshal(rest, d)
}
