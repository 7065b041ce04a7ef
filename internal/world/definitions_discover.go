package world

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// definitions adds what found environments are built from: two calls of Domino's API
// for each that has an active revision. known are environments by id, declared ones
// too.
func (f *finder) definitions(ctx context.Context, found map[schema.Address]planner.Ref, known map[string]schema.Address) error {
	if len(found) == 0 {
		return nil
	}
	if f.Domino == nil {
		f.say("DC376", schema.Warning, schema.Address{}, fmt.Sprintf("what %s built from is known to Domino's API alone, and the files do not say how to reach it: names, owners, descriptions and visibility alone were written", areEnvironments(len(found))),
			"state deployment: domino: {url: …, apiKey: …}, take the new file away, and import again")
		return nil
	}
	revisions, err := f.readRevisions(ctx, found)
	if err != nil {
		return err
	}
	var ask []string
	asked := map[string]schema.Address{}
	for _, a := range schema.Addresses(found) {
		switch id := f.view.active(found[a]); {
		case id == "":
		case revisions[docRef(revisionsCollection, `{"$oid":`+schema.JSON(id).Text+`}`)] == nil:
			f.note("%s: its active revision %s is not in the database: what it is built from is left out", a, id)
		default:
			ask, asked[id] = append(ask, id), a
		}
	}
	shown, err := patiently(ctx, ask, func(ctx context.Context, id string) (shownRevision, error) {
		return f.showRevision(ctx, idPlain(found[asked[id]]), id)
	})
	if err != nil {
		return err
	}
	for i, s := range shown {
		if s.err != nil {
			f.untold(asked[ask[i]], ask[i], s.err, known)
		}
	}
	for i, answer := range shown {
		if a, s := asked[ask[i]], answer.of; answer.err != nil {
			continue
		} else if s.hidden {
			f.say("DC293", schema.Warning, a, "its active revision "+ask[i]+" stands in Domino's database, and Domino's API does not show it: what it is built from is left out", "use the key of a Domino administrator")
		} else {
			f.defined(a, shownFields(s), known)
		}
	}
	return nil
}

// untold leaves out an environment of which nobody tells what it is built from: once the
// files have it, no import adds that.
func (f *finder) untold(a schema.Address, revision string, err error, known map[string]schema.Address) {
	delete(known, f.Objects[a].Fields["id"].Str())
	delete(f.Objects, a)
	f.say("DC119", schema.Warning, a, "what its active revision "+revision+" is built from could not be read, so that it was left out: "+planner.Printable(err.Error()), importAgain)
}

// say adds a finding of the import's own.
func (f *finder) say(code string, severity schema.Severity, a schema.Address, message, hint string) {
	f.Findings = append(f.Findings, schema.Finding{Code: code, Severity: severity, Address: a, Message: message, Hint: hint})
}

func areEnvironments(n int) string {
	if n == 1 {
		return "1 environment is"
	}
	return fmt.Sprintf("%d environments are", n)
}

// showRevision reads a revision of an environment; hidden where the API does not show
// it.
func (w *World) showRevision(ctx context.Context, env, id string) (s shownRevision, err error) {
	if s.Definition, err = w.Domino.GetDefinition(ctx, id); err == nil {
		s.Build, err = w.Domino.GetBuild(ctx, env, id)
	}
	if s.hidden = errors.Is(err, port.ErrNotFound); s.hidden {
		err = nil
	}
	return s, err
}

// defined states what an environment is built from.
func (f *finder) defined(a schema.Address, fields map[string]schema.Value, known map[string]schema.Address) {
	o := f.Objects[a]
	f.clusters(a, fields)
	fields = f.based(a, fields, known)
	if base := fields["base.environment"]; base.Is == schema.Ref {
		o.Fields["base.environment"] = base
	}
	for p, v := range f.statable(a.Kind, a.Name, fields) {
		switch name, variable := strings.CutPrefix(p, "variables."); {
		case p == "dockerArguments" && schema.SecretArgument(v.Strings()):
			f.Findings = append(f.Findings, SecretArguments(a))
		case !variable:
			o.Fields[p] = v
		case !variableName.MatchString(name):
			f.note("%s: variable %s has a name that Domino's form does not take: left out", a, schema.Value{Is: schema.Known, Text: schema.JSON(name).Text}.Display())
		default:
			o.Fields[p] = f.variable(a, name, v)
		}
	}
}

// clusters leaves out kinds of clusters that this domctl does not know.
func (f *finder) clusters(a schema.Address, fields map[string]schema.Value) {
	for _, c := range fields["supportedClusters"].Strings() {
		if !slices.Contains([]string{"spark", "ray", "dask", "mpi"}, c) {
			f.note("%s: supportedClusters holds %s, which this domctl does not know: left out", a, planner.Printable(c))
			delete(fields, "supportedClusters")
			return
		}
	}
}

var variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// based names the environment that one is built on; where the files and the import do
// not have it, nothing is said of the base, and what stands is carried over.
func (f *finder) based(a schema.Address, fields map[string]schema.Value, known map[string]schema.Address) map[string]schema.Value {
	id := fields["base.environment"].Str()
	if id == "" {
		return fields
	}
	base, there := known[id]
	if !there || base == a {
		f.note("%s is built on environment %s, which is archived or was not asked for: its base is left out", a, id)
		for _, p := range []string{"base.environment", "base.revision", "base.rebuildOnBaseChanges"} {
			delete(fields, p)
		}
		return fields
	}
	fields["base.environment"] = schema.RefTo(base, "id")
	if fields["base.rebuildOnBaseChanges"].Bool() {
		delete(fields, "base.revision")
	}
	return fields
}

// SecretArguments says that docker arguments were left out of an import.
func SecretArguments(a schema.Address) schema.Finding {
	return schema.Finding{Code: "DC375", Severity: schema.Warning, Address: a, Message: "dockerArguments holds what looks like a secret (not shown): left out, so that what stands in Domino stays",
		Hint: "make it a variable of the environment, by reference; then state the arguments without it"}
}

// variable is a variable as files may state it: one that is masked, or a secret by its
// name or its form, as a reference that somebody has to fill.
func (f *finder) variable(a schema.Address, name string, v schema.Value) schema.Value {
	masked, byForm := port.Masked(v.Str()), len(schema.SecretsIn(v.Str(), 1)) > 0
	if !masked && !byForm && !schema.LooksSecret(name, v.Str()) {
		return v
	}
	where := f.free(Variable(a.Name, name))
	f.Fill = append(f.Fill, Fill{a, schema.JoinPath("variables", name), where, masked, byForm})
	return schema.Value{Is: schema.Secret, Text: "env:" + where}
}

// free is an environment variable's name that no other secret of this import has.
func (f *finder) free(name string) string {
	out := name
	for n := 2; slices.ContainsFunc(f.Fill, func(o Fill) bool { return o.Variable == out }); n++ {
		out = fmt.Sprintf("%s_%d", name, n)
	}
	return out
}
