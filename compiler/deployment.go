package compiler

import (
	"encoding/json"

	"cuelang.org/go/cue"

	"domctl.dev/schema"
)

// deployment fills what the files say of the deployment itself. What they leave
// out and has a documented meaning gets it here, not in CUE: disjunctions with a
// default are what CUE is slowest at.
func (w *reader) deployment() {
	v := w.pkg.value.LookupPath(cue.ParsePath("deployment"))
	d := &w.result.Desired.Deployment
	if text, err := v.MarshalJSON(); v.Exists() && err == nil {
		decodeDeployment(text, d)
		d.At = w.places.of(v)
		if uri := v.LookupPath(cue.ParsePath("mongo.uri")); uri.Exists() {
			secret, err := secretOf(uri)
			if err != nil {
				w.add(codeExactlyOne, schema.Address{}, w.places.of(uri), "", "deployment.mongo.uri: %v", err)
			}
			d.Mongo.URI = secret.Text
		}
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
