package engine

import (
	"fmt"
	"slices"

	"domctl.dev/compiler"
	"domctl.dev/internal/form"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// EnvironmentFile is YAML or JSON that an administrator keeps an environment in. Name is
// as messages show it. Found says that it stands in a folder that was named, so that it
// may be about something else.
type EnvironmentFile struct {
	Name, Text string
	Found      bool
}

// ImportFiles states the environments of files as CUE; folder is that of longer texts,
// "" keeps them in the CUE. It asks nobody: a plan finds each environment in Domino by
// its name. What a file holds that is not understood is an *Invalid, and nothing is
// written.
func ImportFiles(d schema.Desired, files []EnvironmentFile, folder string) (Imported, error) {
	r := filed{desired: d, objects: map[schema.Address]schema.Object{}, live: map[string]string{}}
	for _, a := range schema.Addresses(d.Objects) {
		if name := d.Objects[a].Fields["name"].Str(); a.Kind == form.Kind && name != "" {
			r.live[name] = a.String()
		}
	}
	for _, f := range files {
		r.read(f)
	}
	if schema.Failed(r.findings) {
		return Imported{}, &Invalid{schema.SortFindings(r.findings)}
	}
	out := Imported{Objects: schema.Addresses(r.objects), Notes: r.notes, Findings: schema.SortFindings(append(r.findings, fill(r.fill)...))}
	if len(out.Objects) == 0 {
		return out, nil
	}
	var at compiler.Beside
	var err error
	out.Files, at = beside(r.objects, folder)
	out.Text, err = compiler.Write(r.objects, nil, at)
	return out, err
}

// filed gathers what files say.
type filed struct {
	desired  schema.Desired
	objects  map[schema.Address]schema.Object
	live     map[string]string // names in Domino that are taken, and by whom
	fill     []world.Fill
	findings []schema.Finding
	notes    []string
}

func (r *filed) find(severity schema.Severity, f EnvironmentFile, offset int, why, hint string) {
	line, col := form.Place(f.Text, offset)
	r.findings = append(r.findings, schema.Finding{Code: "DC378", Severity: severity, Message: why, Hint: hint, Positions: []schema.Position{{File: f.Name, Line: line, Col: col}}})
}

func (r *filed) read(f EnvironmentFile) {
	e, faults := form.ReadEnvironment(f.Text)
	if f.Found && slices.ContainsFunc(faults, func(fault form.Fault) bool { return fault.Foreign }) {
		r.find(schema.Warning, f, faults[0].Offset, faults[0].Why+"; left out", "name the files that hold environments, where others stand beside them: --from FILE")
		return
	}
	for _, fault := range faults {
		r.find(schema.Error, f, fault.Offset, fault.Why, "")
	}
	if len(faults) > 0 {
		return
	}
	if by, taken := r.live[e.Name]; taken {
		r.notes = append(r.notes, fmt.Sprintf("%s: %s states the environment %q already: left out", f.Name, by, e.Name))
		return
	}
	r.live[e.Name] = f.Name
	for _, left := range e.Left {
		r.find(schema.Info, f, left.Offset, left.Why, "")
	}
	a := r.address(e.Name)
	for _, p := range schema.Sorted(e.Fields) {
		v, segments := e.Fields[p], schema.SplitPath(p)
		byForm := len(schema.SecretsIn(v.Str(), 1)) > 0
		if segments[0] == "variables" && (byForm || schema.LooksSecret(segments[1], v.Str())) {
			where := r.free(world.Variable(a.Name, segments[1]))
			r.fill = append(r.fill, world.Fill{Address: a, Path: p, Variable: where, ByForm: byForm})
			e.Fields[p] = schema.Value{Is: schema.Secret, Text: "env:" + where}
		}
	}
	if schema.SecretArgument(e.Fields["dockerArguments"].Strings()) {
		delete(e.Fields, "dockerArguments")
		r.findings = append(r.findings, world.SecretArguments(a))
	}
	r.objects[a] = schema.Object{Fields: e.Fields}
}

// address is one that neither the deployment nor another file has.
func (r *filed) address(name string) schema.Address {
	slug := world.Slug(name)
	if slug == "" {
		slug = form.Noun
	}
	a := schema.Address{Kind: form.Kind, Name: slug}
	for n := 2; ; n++ {
		_, declared := r.desired.Objects[a]
		if _, taken := r.objects[a]; !declared && !taken {
			return a
		}
		a.Name = fmt.Sprintf("%s-%d", slug, n)
	}
}

// free is a variable that no other reference of this import leads to.
func (r *filed) free(name string) string {
	out := name
	for n := 2; slices.ContainsFunc(r.fill, func(o world.Fill) bool { return o.Variable == out }); n++ {
		out = fmt.Sprintf("%s_%d", name, n)
	}
	return out
}
