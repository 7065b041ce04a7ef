// Package lint finds what is wrong, slow or unsafe in the texts that environments are
// built from and started by: Dockerfile instructions, scripts, workspace tools. Dockerfiles
// are read by BuildKit's own parser, scripts by mvdan.cc/sh.
//
// It is pure: it asks nobody, and prints no secret that it finds. The compiler calls it,
// and knows where in the files a byte of a text stands.
package lint

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"

	"domctl.dev/schema"
)

// Place is a byte of a field's text, or the field itself where Offset is negative.
type Place struct {
	Address schema.Address
	Path    string // "dockerfile", "scripts.preRun"
	Offset  int    // bytes from the beginning of the text
}

// Edit replaces the bytes From to To of a text.
type Edit struct {
	Place
	To   int
	Text string
}

// Found is a finding whose places are not yet positions in files. Fix is what puts it
// right, where that is safe; all of its edits or none.
type Found struct {
	Code     string
	Severity schema.Severity
	Address  schema.Address
	Message  string
	Hint     string
	At       []Place
	Fix      []Edit
}

// mostPlaces is how many places one finding names, mostFound how many findings one
// environment has: no person reads more.
const (
	mostPlaces = 5
	mostFound  = 200
)

// tooStrange is said of what domctl fails at.
const tooStrange = " is too strange to be looked at"

// Check looks at the environments that are in use, each by itself and then all together.
// The order of what it finds is always the same.
func Check(d schema.Desired) []Found { return check(d, false) }

func check(d schema.Desired, all bool) (found []Found) {
	var envs []*environment
	for _, a := range schema.Addresses(d.Objects) {
		if o := d.Objects[a]; a.Kind == "environments" && !o.Fields["archived"].Bool() {
			envs = append(envs, &environment{address: a, object: o, all: all})
		}
	}
	var wait sync.WaitGroup
	for part := range slices.Chunk(envs, len(envs)/runtime.GOMAXPROCS(0)+1) {
		wait.Go(func() {
			shell := shellParser()
			for _, e := range part {
				e.check(shell)
			}
		})
	}
	wait.Wait()
	for _, e := range envs {
		found = append(found, e.found...)
	}
	h := &house{desired: d, envs: envs}
	h.check()
	return append(found, h.found...)
}

// environment is one that is looked at.
type environment struct {
	address schema.Address
	object  schema.Object
	docker  *dockerfile
	scripts []*script
	secrets []string // values that no message may hold
	found   []Found
	errors  int  // of what was found; no number of warnings hides one
	all     bool // reads plain instructions too
	now     Place
	failed  bool // at something, which was told
}

func (e *environment) check(shell *syntax.Parser) {
	e.docker = &dockerfile{}
	e.phase("dockerfile", func() {
		e.docker = readDockerfile(shell, e.object.Fields["dockerfile"].Str(), e.declared, e.all)
	})
	for _, path := range scriptPaths() {
		if text := e.object.Fields[path].Str(); text != "" {
			e.phase(path, func() { e.scripts = append(e.scripts, readScript(shell, path, text)) })
		}
	}
	if e.findSecrets(); e.failed { // what was not found must not be shown either
		return
	}
	e.phase("dockerfile", e.texts)
	e.phase("dockerfile", e.instructions)
	e.phase("dockerfile", e.installs)
	e.phase("dockerfile", e.inScripts)
	e.phase("tools", e.tools)
}

// phase does a part of a check. Its own failure is an error at what it looks at, since
// nothing more is known of that, and takes nothing else along.
func (e *environment) phase(path string, do func()) {
	e.now = Place{e.address, path, -1}
	defer func() {
		if recover() != nil {
			e.failed = true
			e.add("DC703", schema.Error, []Place{e.now}, "write it otherwise, and tell the maintainers of domctl", "%s%s", e.now.Path, tooStrange)
		}
	}()
	do()
}

// look notes what of the Dockerfile is looked at.
func (e *environment) look(i *instruction) { e.now.Offset = i.at }

// declared says whether a variable is the environment's, so that the Dockerfile may name
// it without a value.
func (e *environment) declared(name string) bool {
	_, ok := e.object.Fields[schema.JoinPath("variables", name)]
	return ok
}

// in places offsets of the Dockerfile.
func (e *environment) in(offsets ...int) (at []Place) {
	for _, o := range offsets[:min(len(offsets), mostPlaces)] {
		at = append(at, Place{e.address, "dockerfile", o})
	}
	return at
}

// full says that no more findings of a severity are told.
func (e *environment) full(severity schema.Severity) bool {
	if severity == schema.Error {
		return e.errors >= mostFound
	}
	return len(e.found)-e.errors >= mostFound
}

func (e *environment) add(code string, severity schema.Severity, at []Place, hint, format string, args ...any) *Found {
	if e.full(severity) {
		return &Found{}
	}
	if severity == schema.Error {
		e.errors++
	}
	e.found = append(e.found, Found{Code: code, Severity: severity, Address: e.address, At: at, Hint: e.hidden(hint), Message: e.hidden(fmt.Sprintf(format, args...))})
	return &e.found[len(e.found)-1]
}

// hidden takes secrets out of a message.
func (e *environment) hidden(text string) string {
	for _, s := range e.secrets {
		text = strings.ReplaceAll(text, s, "(not shown)")
	}
	return text
}

// house is all environments together.
type house struct {
	desired schema.Desired
	envs    []*environment
	found   []Found
	now     schema.Address // what is looked at
}

func (h *house) check() {
	for _, part := range []func(){h.shared, h.layers, h.cuda} {
		h.part(part)
	}
}

// part is phase for all environments: its failure is told of the one that it was at.
func (h *house) part(do func()) {
	defer func() {
		if recover() != nil {
			h.found = append(h.found, Found{Code: "DC703", Severity: schema.Error, Address: h.now, At: []Place{{h.now, "dockerfile", -1}},
				Hint: "tell the maintainers of domctl", Message: "what it has in common with other environments" + tooStrange})
		}
	}()
	do()
}

// some names a few of many, as a sentence does.
func some(names []string) string {
	const few = 5
	if len(names) > few {
		return strings.Join(names[:few], ", ") + fmt.Sprintf(" and %d more", len(names)-few)
	}
	return schema.Listed(names, "and")
}

// inOrder are the keys in the order of the first place of each.
func inOrder[K comparable, V any](m map[K]V, at func(V) int) (keys []K) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int { return cmp.Compare(at(m[a]), at(m[b])) })
	return keys
}
