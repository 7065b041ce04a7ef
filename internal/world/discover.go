package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Search narrows what Discover looks for; the zero Search is everything that
// lives.
type Search struct {
	Kinds             []string // of the kind table; none means all
	Owner, Visibility string   // of environments
	// Raw says what becomes of settings that nobody documents, each of which may
	// be a secret: "" leaves them out and lists them in Found.Raw, "reference"
	// states a reference, "value" states the value in the clear.
	Raw string
	// Beside is the folder that longer texts go into, relative to the deployment's; ""
	// keeps them in the CUE. Who writes uses it: Discover does not.
	Beside string
}

// Found is what lives and is not declared, as files would state it.
type Found struct {
	Objects  map[schema.Address]schema.Object
	Comments map[schema.Address]string
	Raw      []string // keys of settings that were left out
	Fill     []Fill   // secrets that somebody has to put where references lead
	Findings []schema.Finding
	Notes    []string // what could not be stated, and why
}

// Fill is a field that was stated as a reference to an environment variable.
type Fill struct {
	Address  schema.Address
	Path     string
	Variable string
	// Masked says that nobody could read the value; else it stands in Domino, and a
	// plan compares it.
	Masked bool
	// ByForm says that the value, not its name, is one of a secret.
	ByForm bool
}

// Discover reads what lives and states what no object of the files speaks of.
// What it states, a plan adopts without a change.
func (w *World) Discover(ctx context.Context, d schema.Desired, applied schema.Applied, s Search) (Found, error) {
	f := &finder{look: &look{World: w, desired: d, applied: func() schema.Applied { return applied }, view: w.newView(d, applied)}, search: s, former: formerly(applied),
		Found: Found{Objects: map[schema.Address]schema.Object{}, Comments: map[schema.Address]string{}}}
	for _, k := range Discoverable() {
		if len(s.Kinds) > 0 && !slices.Contains(s.Kinds, k) {
			continue
		}
		if err := kinds()[k].discover(f, ctx); err != nil {
			return Found{}, fmt.Errorf("%s: %w", k, err)
		}
	}
	f.namePools()
	f.nameDefaults()
	return f.Found, nil
}

// Discoverable are the kinds that live by themselves; AMIs come along as pins of
// what stands on them.
func Discoverable() (names []string) {
	for _, k := range schema.Sorted(kinds()) {
		if kinds()[k].discover != nil {
			names = append(names, k)
		}
	}
	return names
}

// finder gathers what is found.
type finder struct {
	*look
	Found
	search Search
	former map[schema.Address]string // kind and outside id → name under which it was applied
	// standard are environments by the organization whose default they are; "" is the
	// deployment.
	standard         map[string]string
	environmentsByID map[string]schema.Address // declared and found ones
}

// formerly names what was applied by what it is outside: the first name of each.
func formerly(applied schema.Applied) map[schema.Address]string {
	names := map[schema.Address]string{}
	for _, a := range schema.Addresses(applied.Entries) {
		object := schema.Address{Kind: a.Kind, Name: applied.Entries[a].ID.Str()}
		if _, known := names[object]; !known && object.Name != "" {
			names[object] = a.Name
		}
	}
	return names
}

func (f *finder) note(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// add states an object under the name that domctl applied it by, else one that is
// free, and answers its address. id is what it is outside.
func (f *finder) add(kind, id, name string, fields map[string]schema.Value) schema.Address {
	a := schema.Address{Kind: kind, Name: f.former[schema.Address{Kind: kind, Name: id}]}
	if a.Name == "" || f.stated(a) {
		a.Name = name
		for n := 2; f.taken(a); n++ {
			a.Name = fmt.Sprintf("%s-%d", name, n)
		}
	}
	f.Objects[a] = schema.Object{Fields: fields}
	return a
}

// stated names are declared, or found.
func (f *finder) stated(a schema.Address) bool {
	_, declared := f.desired.Objects[a]
	_, found := f.Objects[a]
	return declared || found
}

// taken names are stated, or still known to have been applied.
func (f *finder) taken(a schema.Address) bool {
	_, applied := f.applied().Entries[a]
	return applied || f.stated(a)
}

// declared are the documents of a directory that the files speak of already.
func (d directory) declared(kind string) map[planner.Ref]schema.Address {
	out := map[planner.Ref]schema.Address{}
	for _, a := range schema.Addresses(d.desired.Objects) {
		if a.Kind != kind {
			continue
		}
		if ref, ok := d.identify(a); ok {
			out[ref] = a
		}
	}
	return out
}

// Slug is a name as files like it, of whatever name lives: small letters, digits, dashes,
// dots and underscores, cut to 100; "" where nothing of it is left.
func Slug(name string) string { return slug(name) }

// slug is a name as files like it: small letters, digits, dashes, dots and underscores.
func slug(s string) string {
	out := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, s), "-_.")
	for strings.Contains(out, "--") {
		out = strings.ReplaceAll(out, "--", "-")
	}
	return strings.TrimRight(out[:min(len(out), maxSlug)], "-_.")
}

// maxSlug leaves room for a number behind a name: the schema, and file systems, take no
// name of any length.
const maxSlug = 100

// statable keeps the fields that the schema admits; what it does not is noted.
func (f *finder) statable(kind, name string, fields map[string]schema.Value) map[string]schema.Value {
	k, _ := schema.KindOf(kind)
	out := map[string]schema.Value{}
	for _, p := range schema.Sorted(fields) {
		field, ok := k.Field(p)
		if why := keyFault(p); why != "" {
			f.note("%s.%s: a key below %s %s: left out", kind, name, schema.SplitPath(p)[0], why)
		} else if why := inadmissible(field, fields[p]); ok && why != "" {
			f.note("%s.%s: %s is %s, which %s: left out", kind, name, p, fields[p].Display(), why)
		} else if ok && fields[p].Is == schema.Known {
			out[p] = fields[p]
		}
	}
	return out
}

// keyFault says why files cannot state a path that lives.
func keyFault(path string) string {
	for _, key := range schema.SplitPath(path) {
		if fault := schema.NameFault(key); fault != "" {
			return fault
		}
	}
	return ""
}

// inadmissible says why files cannot state a value that lives; "" when they can.
func inadmissible(f schema.Field, v schema.Value) string {
	n, _ := v.Float()
	segments := schema.SplitPath(f.Path)
	switch {
	case f.Type == schema.Int && n != float64(int64(n)):
		return "is no whole number"
	case (f.Type == schema.Int || f.Type == schema.Number) && n < 0:
		return "is negative"
	case f.Type == schema.Time && !validTime(v.Str()):
		return "is no time of day"
	case f.Type == schema.Set && v.Strings() == nil:
		return "holds more than text"
	case f.Type == schema.String && segments[len(segments)-1] == "*" && jsonType(v.Text) != "string":
		return "is no text"
	case f.Fault != nil:
		return f.Fault(v)
	}
	return ""
}

func validTime(s string) bool {
	parts := strings.Split(s, ":")
	for i, p := range parts {
		limit := "59"
		if i == 0 {
			limit = "23"
		}
		if len(p) != 2 || strings.Trim(p, "0123456789") != "" || p > limit {
			return false
		}
	}
	return len(parts) == 2 || len(parts) == 3
}
