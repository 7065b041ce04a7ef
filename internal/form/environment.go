package form

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"domctl.dev/schema"
)

// Kind is the kind that ReadEnvironment states fields of, and Noun how one is called.
const (
	Kind = "environments"
	Noun = "environment"
)

// Environment is what a file says of one, in the schema's words. Empty texts, empty lists
// and false are not stated: they are what Domino has where nobody says anything.
type Environment struct {
	Name   string
	Fields map[string]schema.Value // of kind environments, by path
	Left   []Fault                 // what the file says and Fields do not, and why
}

// ReadEnvironment reads YAML or JSON that administrators keep an environment in: the
// template of hiiamelliott/domino-environment-automation, the body of the public API's
// POST /api/environments/beta/environments, and that of POST /v4/environments. What none
// of them has is a fault.
func ReadEnvironment(text string) (Environment, []Fault) {
	r := &reader{text: text, at: map[string]int{}}
	plain := r.plain(r.document(), nil, 0)
	out := Environment{Fields: map[string]schema.Value{}}
	fields, ok := plain.(map[string]any)
	if !ok && len(r.faults) == 0 {
		return Environment{}, []Fault{{Why: "is no environment: want name, image, dockerfileInstructions, …", Foreign: true}}
	}
	if other := foreign(fields); other != "" && len(r.faults) == 0 {
		return Environment{}, []Fault{{Offset: r.at[schema.JoinPath(other)], Why: "is no environment: it states " + schema.JoinPath(other) + ", and no name", Foreign: true}}
	}
	if len(r.faults) == 0 {
		e := environmentReader{reader: r, out: &out}
		e.read(fields, nil)
		if out.Name == "" && len(r.faults) == 0 {
			r.fault(0, "states no name, so that nobody knows which environment it is")
		}
	}
	if len(r.faults) > 0 {
		return Environment{}, r.sorted()
	}
	return out, nil
}

// foreign is a key that no environment has, of a file that is about something else: it has
// no name, and nothing that environments alone have.
func foreign(fields map[string]any) (other string) {
	known := members()
	for _, key := range schema.Sorted(fields) {
		_, is := known[key]
		switch {
		case is && !slices.Contains([]string{"description", "image", "tags"}, key), key == "duplicateFromEnvironmentId":
			return ""
		case !is && other == "":
			other = key
		}
	}
	return other
}

type environmentReader struct {
	*reader
	out *Environment
}

// member reads one value that stands at a path; nil values do not come here.
type member func(e *environmentReader, plain any, path []string)

// members are all keys that the documented shapes have.
func members() map[string]member {
	const byHand = "no call of the API takes it that domctl knows; set it in Domino's form"
	return map[string]member{
		"name":                    (*environmentReader).name,
		"description":             text("description"),
		"image":                   text("base.uri"),
		"dockerfileInstructions":  text("dockerfile"),
		"preSetupScript":          text("scripts.preSetup"),
		"postSetupScript":         text("scripts.postSetup"),
		"preRunScript":            text("scripts.preRun"),
		"postRunScript":           text("scripts.postRun"),
		"summary":                 text("summary"),
		"useVpn":                  truth("vpn"),
		"shouldUseVpn":            truth("vpn"),
		"shouldUseVPN":            truth("vpn"),
		"isRestricted":            truth("restricted"),
		"archived":                truth("archived"),
		"visibility":              (*environmentReader).visibility,
		"supportedClusters":       (*environmentReader).clusters,
		"clusterTypes":            (*environmentReader).clusters,
		"dockerArguments":         (*environmentReader).arguments,
		"environmentVariables":    (*environmentReader).variables,
		"pluggableWorkspaceTools": (*environmentReader).toolsByName,
		"workspaceTools":          (*environmentReader).toolsListed,
		"baseRevision":            (*environmentReader).base,
		"newEnvironment":          (*environmentReader).nested,
		"newEnvironmentRevision":  (*environmentReader).nested,

		"tags":                         left("the tags of the active revision are carried over, with those that scripts add"),
		"skipCache":                    left("it says how to build once, not what is built"),
		"skipFirstBuild":               left("it says how to make the environment once"),
		"assignLatestRevisionAsActive": left("domctl makes active what it builds"),
		"addBaseDependencies":          left(byHand),
		"isCurated":                    left(byHand),
		"supportsPackagePersistence":   left(byHand),
		"trigger":                      left("it says why a revision was made"),
		"rebuildOnBaseChanges":         left("it needs a base: state base: {environment: …, rebuildOnBaseChanges: true}"),
		"organizationOwnerId":          left("files name an owner: state owner: the organization's name, and visibility"),
		"orgOwnerId":                   left("files name an owner: state owner: the organization's name, and visibility"),
		"ownerId":                      left("files name an owner: state owner, and visibility"),
	}
}

func (e *environmentReader) place(path []string) int { return e.at[schema.JoinPath(path...)] }

func (e *environmentReader) read(fields map[string]any, path []string) {
	known := members()
	for _, key := range schema.Sorted(fields) {
		at := append(path[:len(path):len(path)], key)
		read, ok := known[key]
		switch {
		case key == "duplicateFromEnvironmentId":
			e.fault(e.place(at), "%s copies an environment: import that one", key)
		case !ok:
			e.fault(e.place(at), "%s is not known of an environment%s", schema.JoinPath(key), nearest(key, schema.Sorted(known)))
		case fields[key] != nil:
			read(e, fields[key], at)
		}
	}
}

// nearest says which known key is meant, if one is like it or begins with it.
func nearest(key string, known []string) string {
	for _, k := range known {
		if strings.HasPrefix(k, key) && key != "" {
			return "; did you mean " + strconv.Quote(k) + "?"
		}
	}
	if hint := schema.DidYouMean(key, known); hint != "" {
		return "; " + hint
	}
	return ""
}

// state keeps a value; two keys of one meaning have to agree.
func (e *environmentReader) state(field string, v schema.Value, path []string) {
	if was, twice := e.out.Fields[field]; twice && was != v {
		e.fault(e.place(path), "%s says otherwise than another key of the same meaning", path[len(path)-1])
	}
	e.out.Fields[field] = v
}

func (e *environmentReader) wrong(plain any, want string, path []string) bool {
	why := typeFault(want, plain)
	if why != "" {
		e.fault(e.place(path), "%s %s", schema.JoinPath(path...), why)
	}
	return why != ""
}

func typeFault(want string, plain any) string {
	switch want {
	case "text":
		if _, ok := plain.(string); !ok {
			return "is no text; write it in quotes"
		}
	case "truth":
		if _, ok := plain.(bool); !ok {
			return "is neither true nor false"
		}
	case "list":
		if _, ok := plain.([]any); !ok {
			return "is no list"
		}
	case "struct":
		if _, ok := plain.(map[string]any); !ok {
			return "has no fields"
		}
	}
	return ""
}

func text(field string) member {
	return func(e *environmentReader, plain any, path []string) {
		if !e.wrong(plain, "text", path) && plain != "" {
			e.state(field, schema.JSON(plain), path)
		}
	}
}

func truth(field string) member {
	return func(e *environmentReader, plain any, path []string) {
		if !e.wrong(plain, "truth", path) && plain == true {
			e.state(field, schema.JSON(true), path)
		}
	}
}

// left tells what is not stated, unless it says nothing.
func left(why string) member {
	return func(e *environmentReader, plain any, path []string) {
		if list, ok := plain.([]any); plain == false || plain == "" || plain == "Never" || ok && len(list) == 0 {
			return
		}
		e.out.Left = append(e.out.Left, Fault{Offset: e.place(path), Why: path[len(path)-1] + " is left out: " + why})
	}
}

func (e *environmentReader) name(plain any, path []string) {
	if !e.wrong(plain, "text", path) {
		e.out.Name = plain.(string)
		if e.out.Name != "" {
			e.state("name", schema.JSON(plain), path)
		}
	}
}

func (e *environmentReader) visibility(plain any, path []string) {
	if e.wrong(plain, "text", path) || plain == "" {
		return
	}
	word := strings.ToLower(plain.(string))
	switch word {
	case "organisation":
		word = "organization"
	case "global", "private", "organization":
	default:
		e.fault(e.place(path), "visibility is none of Global, Organization and Private")
		return
	}
	e.state("visibility", schema.JSON(word), path)
}

func (e *environmentReader) clusters(plain any, path []string) {
	words := e.texts(plain, path)
	for i, w := range words {
		words[i] = strings.ToLower(w)
		if !slices.Contains([]string{"spark", "ray", "dask", "mpi"}, words[i]) {
			e.fault(e.place(append(path[:len(path):len(path)], fmt.Sprint(i))), "a cluster is none of Spark, Ray, Dask and MPI")
		}
	}
	if len(words) > 0 {
		slices.Sort(words)
		e.state("supportedClusters", schema.JSON(slices.Compact(words)), path)
	}
}

func (e *environmentReader) arguments(plain any, path []string) {
	if words := e.texts(plain, path); len(words) > 0 {
		e.state("dockerArguments", schema.JSON(words), path)
	}
}

func (e *environmentReader) texts(plain any, path []string) (out []string) {
	if e.wrong(plain, "list", path) {
		return nil
	}
	for i, p := range plain.([]any) {
		if at := append(path[:len(path):len(path)], fmt.Sprint(i)); !e.wrong(p, "text", at) {
			out = append(out, p.(string))
		}
	}
	return out
}

var variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// variables are pairs, {key: NAME, value: …}, or a map.
func (e *environmentReader) variables(plain any, path []string) {
	pairs, ok := plain.(map[string]any)
	if ok {
		for _, name := range schema.Sorted(pairs) {
			e.variable(name, pairs[name], append(path[:len(path):len(path)], name))
		}
		return
	}
	if e.wrong(plain, "list", path) {
		return
	}
	for i, p := range plain.([]any) {
		at := append(path[:len(path):len(path)], fmt.Sprint(i))
		pair, _ := p.(map[string]any)
		name, named := pair["key"].(string)
		value, has := pair["value"]
		if len(pair) != 2 || !named || !has {
			e.fault(e.place(at), "a variable is no {key: …, value: …}")
			continue
		}
		e.variable(name, value, append(at, "value"))
	}
}

func (e *environmentReader) variable(name string, plain any, path []string) {
	switch {
	case !variableName.MatchString(name):
		e.fault(e.place(path), "the variable %s has a name that Domino does not take", schema.JoinPath(name))
	case plain == nil:
		e.state(schema.JoinPath("variables", name), schema.JSON(""), path)
	case !e.wrong(plain, "text", path):
		e.state(schema.JoinPath("variables", name), schema.JSON(plain), path)
	}
}

// base of the internal API: an image, or the id of something.
func (e *environmentReader) base(plain any, path []string) {
	if e.wrong(plain, "struct", path) {
		return
	}
	fields := plain.(map[string]any)
	for _, key := range schema.Sorted(fields) {
		at := append(path[:len(path):len(path)], key)
		switch {
		case fields[key] == nil:
		case key == "image":
			text("base.uri")(e, fields[key], at)
		case key == "baseRevisionId", key == "followActiveRevisionOf":
			left("files name an environment: state base: environment")(e, fields[key], at)
		default:
			e.fault(e.place(at), "%s is not known of a base%s", schema.JoinPath(key), nearest(key, []string{"image", "baseRevisionId", "followActiveRevisionOf"}))
		}
	}
}

func (e *environmentReader) nested(plain any, path []string) {
	if !e.wrong(plain, "struct", path) && len(path) == 1 {
		e.read(plain.(map[string]any), path)
	} else if len(path) > 1 {
		e.fault(e.place(path), "%s stands within another one", path[len(path)-1])
	}
}
