package compiler

import (
	"encoding/json"
	"strings"

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
		if len(d.Windows) > 0 {
			d.WindowsAt = map[string][]schema.Position{}
		}
		for name := range d.Windows {
			d.WindowsAt[name] = w.places.of(v.LookupPath(cue.MakePath(cue.Str("windows"), cue.Str(name))))
		}
		refs := map[string]*string{"mongo.uri": &d.Mongo.URI, "domino.apiKey": &d.Domino.APIKey, "domino.token": &d.Domino.Token}
		if s := d.Mongo.Via.SSH; s != nil {
			refs["mongo.via.ssh.key"] = &s.Key
		}
		for path, ref := range refs {
			w.secret(v.LookupPath(cue.ParsePath(path)), path, ref)
		}
	}
	if d.World == "" {
		d.World = "live"
	}
	if d.Executors == "" {
		d.Executors = "kubernetes"
	}
}

// secret reads a reference of the deployment's own, where it is stated.
func (w *reader) secret(v cue.Value, path string, ref *string) {
	if !v.Exists() {
		return
	}
	secret, err := secretOf(v)
	if err != nil {
		w.add(codeExactlyOne, schema.Address{}, w.places.of(v), "", "deployment.%s: %v", path, err)
	}
	*ref = secret.Text
}

// decodeDeployment leaves out secrets, whose references have another shape in
// files. What does not fit is a finding of Validate already.
func decodeDeployment(text []byte, d *schema.Deployment) {
	var plain map[string]any
	if json.Unmarshal(text, &plain) != nil {
		return
	}
	for _, secret := range []string{"mongo.uri", "mongo.via.ssh.key", "domino.apiKey", "domino.token"} {
		path, of := strings.Split(secret, "."), plain
		for _, part := range path[:len(path)-1] {
			of, _ = of[part].(map[string]any)
		}
		delete(of, path[len(path)-1])
	}
	rest, _ := json.Marshal(plain)
	_ = json.Unmarshal(rest, d)
}
