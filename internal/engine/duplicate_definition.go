package engine

import (
	"context"
	"fmt"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Undefined says of the entry of an environment that Domino alone knows what it is built
// from. Without an address of Domino's API that is a DC374.
func Undefined(d schema.Desired, from string) (bool, error) {
	a := schema.EnvironmentAddress(strings.TrimPrefix(from, "environments."))
	o, there := d.Objects[a]
	if !there || states(o) {
		return false, nil
	}
	if d.Deployment.Domino.URL == "" {
		return true, fmt.Errorf("DC374: the files do not state what %s is built from, nor how to ask Domino, so that a copy would have nothing of it\nhint: bring it into the files first; or state deployment: domino: {url: …, apiKey: …}, and the copy takes it from Domino", a)
	}
	return true, nil
}

// CopyDefinition states for the copy of an environment what Domino alone knows of the
// original: what its active revision is built from. Text is nil where that is nothing.
// What cannot be stated whole is an error; secrets are references to be filled in. folder
// is that of longer texts.
func (e *Engine) CopyDefinition(ctx context.Context, from, to, folder string) (Imported, error) {
	a, b := schema.EnvironmentAddress(strings.TrimPrefix(from, "environments.")), schema.EnvironmentAddress(to)
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return Imported{}, err
	}
	if _, err := e.world.Identity(ctx); err != nil {
		return Imported{}, err
	}
	found, err := e.world.DefinitionFor(ctx, e.Compiled.Desired, applied, a, b)
	if err != nil {
		return Imported{}, err
	}
	var left []string
	for _, f := range found.Findings {
		left = append(left, f.Message)
	}
	if left = append(left, found.Notes...); len(left) > 0 {
		return Imported{}, fmt.Errorf("DC374: not all that %s is built from can be copied: %s\nhint: bring it into the files first, and copy it then", a, planner.Printable(strings.Join(left, "; ")))
	}
	if len(found.Objects[b].Fields) == 0 {
		return Imported{}, nil
	}
	out := Imported{Objects: []schema.Address{b}, Findings: toFill(found.Fill)}
	var at compiler.Beside
	out.Files, at = beside(found.Objects, folder)
	out.Text, err = compiler.Write(found.Objects, nil, at)
	return out, err
}

// toFill says which variables of a copy lead to nothing yet.
func toFill(all []world.Fill) (out []schema.Finding) {
	for _, f := range all {
		out = append(out, schema.Finding{Code: "DC375", Severity: schema.Warning, Address: f.Address, Message: f.Path + " is a secret, and not copied: stated as a reference",
			Hint: "set " + f.Variable + " where domctl runs, or state another place that keeps it"})
	}
	return out
}
