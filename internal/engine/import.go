package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// ImportOptions keep an import small, and say what becomes of settings that may
// be secrets: see world.Search.
type ImportOptions = world.Search

// Imported is a CUE file for what lives and is not declared. Text is nil when
// there is nothing.
type Imported struct {
	Text []byte
	// Files are texts that Text embeds, by path relative to the deployment's folder.
	Files   map[string][]byte
	Objects []schema.Address
	// Findings say what somebody has to do, Notes what was left out.
	Findings []schema.Finding
	Notes    []string
}

// Import states what lives and no object of the files speaks of. A plan adopts
// it without a change.
func (e *Engine) Import(ctx context.Context, o ImportOptions) (Imported, error) {
	if schema.Stops(e.Compiled.Findings) {
		return Imported{}, &Invalid{e.Compiled.Findings}
	}
	for _, k := range o.Kinds {
		if !slices.Contains(world.Discoverable(), k) {
			return Imported{}, fmt.Errorf("%q cannot be imported by itself; kinds are %s", k, strings.Join(world.Discoverable(), ", "))
		}
	}
	if !slices.Contains([]string{"", "private", "organization", "global"}, o.Visibility) {
		return Imported{}, fmt.Errorf("%q is no visibility; use private, organization or global", o.Visibility)
	}
	if !slices.Contains([]string{"", "reference", "value"}, o.Raw) {
		return Imported{}, fmt.Errorf("%q is not a way to write settings; use reference or value", o.Raw)
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return Imported{}, err
	}
	if _, err := e.world.Identity(ctx); err != nil {
		return Imported{}, err
	}
	found, err := e.world.Discover(ctx, e.Compiled.Desired, applied, o)
	if err != nil {
		return Imported{}, err
	}
	out := Imported{Objects: schema.Addresses(found.Objects), Notes: found.Notes, Findings: schema.SortFindings(append(found.Findings, fill(found.Fill)...))}
	if len(found.Raw) > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d settings that domctl does not document may be secrets: left out, --raw reference writes them as references", len(found.Raw)))
	}
	if len(out.Objects) == 0 {
		return out, nil
	}
	var at compiler.Beside
	out.Files, at = beside(found.Objects, o.Beside)
	out.Text, err = compiler.Write(found.Objects, found.Comments, at)
	out.Text = append(out.Text, leftOut(found.Raw)...)
	return out, err
}

// fill says which references lead to nothing yet: all of one reason at once.
func fill(all []world.Fill) (out []schema.Finding) {
	reasons := []struct {
		is        func(world.Fill) bool
		one, more string
	}{
		{func(f world.Fill) bool { return f.Masked }, "is masked by Domino: stated as a reference, and taken for what stands there", "are masked by Domino: stated as references, and taken for what stands there"},
		{func(f world.Fill) bool { return !f.Masked && f.ByForm }, "looks like a secret (not shown): stated as a reference, whose value a plan compares with Domino's", "look like secrets (not shown): stated as references, whose values a plan compares with Domino's"},
		{func(f world.Fill) bool { return !f.Masked && !f.ByForm }, "is a secret by its name: stated as a reference, whose value a plan compares with Domino's", "are secrets by their names: stated as references, whose values a plan compares with Domino's"},
	}
	for _, why := range reasons {
		var paths, variables []string
		var of schema.Address
		for _, f := range all {
			if why.is(f) {
				of = f.Address
				paths, variables = append(paths, schema.JoinPath(f.Address.Kind, f.Address.Name)+"."+f.Path), append(variables, f.Variable)
			}
		}
		found := schema.Finding{Code: "DC375", Severity: schema.Warning, Message: strings.Join(paths, ", ") + " " + why.more,
			Hint: "set " + schema.Listed(variables, "and") + " where domctl runs, or state other places that keep them"}
		if len(paths) == 1 {
			found.Address, found.Message = of, strings.TrimPrefix(paths[0], schema.JoinPath(of.Kind, of.Name)+".")+" "+why.one
			found.Hint = "set " + variables[0] + " where domctl runs, or state another place that keeps it"
		}
		if len(paths) > 0 {
			out = append(out, found)
		}
	}
	return out
}

// leftOut lists settings that were not stated, ready to be.
func leftOut(keys []string) []byte {
	if len(keys) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("\n// Settings that domctl does not document, each of which may be a secret, are left\n// out. To manage one, state it, and set the variable where domctl runs:\n")
	for _, k := range keys {
		fmt.Fprintf(&b, "//\tsettings: raw: %s: secret: env: %s\n", strconv.Quote(k), strconv.Quote(world.SettingVariable(k)))
	}
	return []byte(b.String())
}
