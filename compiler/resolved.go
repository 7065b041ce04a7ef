package compiler

import (
	"fmt"

	"domctl.dev/schema"
)

// resolve fills the computed fields of base images and AMIs from resolved.cue,
// and says which entries are missing or were looked up for something else.
func (r *Result) resolve() {
	for _, a := range schema.Addresses(r.Desired.Objects) {
		switch o := r.Desired.Objects[a]; a.Kind {
		case "baseImages":
			r.resolveImage(a, o)
		case "amis":
			r.resolveAMI(a, o)
		}
	}
}

func (r *Result) resolveImage(a schema.Address, o schema.Object) {
	image := o.Fields["image"].Str()
	entry, ok := r.Resolved.BaseImages[a.Name]
	if image == "" {
		return
	}
	if !ok || entry.Image != image {
		r.unresolved(a, o.Positions("image"), ok, image)
		return
	}
	for _, platform := range o.Platforms() {
		digest, looked := entry.Digests[platform]
		if !looked {
			r.unresolved(a, o.Positions("platforms"), true, image+" for "+platform)
			return
		}
		p := schema.JoinPath("digests", platform)
		o.Fields[p], o.At[p] = schema.JSON(digest), o.At["image"]
	}
}

func (r *Result) resolveAMI(a schema.Address, o schema.Object) {
	source := schema.AMISource(o)
	entry, ok := r.Resolved.AMIs[a.Name]
	if source == "" {
		return
	}
	if !ok || entry.Source != source {
		r.unresolved(a, o.Positions(""), ok, "the image it is found by")
		return
	}
	o.Fields["image"] = schema.JSON(entry.Image)
}

func (r *Result) unresolved(a schema.Address, at []schema.Position, stale bool, what string) {
	f := schema.Finding{Code: codeUnresolved, Severity: schema.Warning, Address: a, Positions: at,
		Message: what + " is not in resolved.cue", Hint: fmt.Sprintf("domctl update %s", a.Name)}
	if stale {
		f.Code, f.Message = codeStale, "resolved.cue holds what was found for something else; "+what+" is not looked up yet"
	}
	r.Findings = append(r.Findings, f)
}
