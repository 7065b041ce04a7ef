package lint

import (
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"domctl.dev/schema"
)

var (
	secretName = regexp.MustCompile(`(?i)(^|_)(api_?keys?|auth|credentials?|(access|private|secret)?_?key|password|passwd|pword|passphrase|secrets?|tokens?)(_|$)`)
	noSecret   = regexp.MustCompile(`(?i)(^|_)(public|file|path|dir|url|uri|id|name|type|size|length|dont|warn|expiry|ttl)(_|$)`)
	plainValue = regexp.MustCompile(`^(true|false|yes|no|on|off|none|null|\d{1,6}|/.*)$`)
)

const secretHint = `keep it out of the image: variables: NAME: secret: {…}, or RUN --mount=type=secret`

// findSecrets comes before all else: what it finds, no message shows.
func (e *environment) findSecrets() {
	for _, i := range e.docker.instructions {
		e.phase("dockerfile", func() {
			e.look(i)
			e.secretsOf(i)
		})
	}
	for _, s := range e.scripts {
		e.phase(s.path, func() {
			e.assigned(s.path, s)
			e.shaped(s.path, s.text)
		})
	}
	e.phase("dockerfile", func() { e.shaped("dockerfile", e.docker.text) })
	for _, path := range schema.Sorted(e.object.Fields) {
		if name := schema.SplitPath(path); name[0] == "variables" && len(name) == 2 {
			e.phase(path, func() {
				e.named("variables", path, name[1], e.object.Fields[path].Str(), nowhere)
				e.stated("variables "+name[1], path, "state where it is kept: "+name[1]+": secret: {…}", e.object.Fields[path].Str())
			})
		}
	}
	e.phase("dockerArguments", func() {
		for _, arg := range e.object.Fields["dockerArguments"].Strings() {
			if name, value, ok := schema.ArgumentValue(arg); ok {
				e.named("dockerArguments", "dockerArguments", name, value, nowhere)
			}
			e.stated("dockerArguments", "dockerArguments", argumentHint, arg)
		}
	})
}

func (e *environment) secretsOf(i *instruction) {
	switch c := i.parsed.(type) {
	case *instructions.EnvCommand:
		for _, kv := range c.Env {
			e.named("ENV", "dockerfile", kv.Key, kv.Value, func() int { return i.find(kv.Key) })
		}
	case *instructions.ArgCommand:
		for _, kv := range c.Args {
			if kv.Value != nil {
				e.named("ARG", "dockerfile", kv.Key, *kv.Value, func() int { return i.find(kv.Key) })
			}
		}
	}
	if i.shell != nil {
		e.assigned("RUN", i.shell)
	}
}

const argumentHint = "make it a variable of the environment: variables: NAME: secret: {…}"

// stated finds what is a secret by its form in a value that everybody who may use the
// environment can read.
func (e *environment) stated(what, path, hint, value string) {
	found := false
	for _, m := range schema.SecretsIn(value, mostPlaces) {
		if text := value[m[0]:m[1]]; !e.known(text) {
			e.secret(text)
			found = true
		}
	}
	if found {
		e.add("DC710", schema.Warning, []Place{{e.address, path, -1}}, hint, "%s holds what looks like a secret (not shown)", what)
	}
}

func (e *environment) assigned(what string, s *script) {
	for _, a := range s.assigned {
		if a.whole {
			e.named(what, s.path, a.name, a.text, func() int { return s.place(a.at) })
		}
	}
}

func nowhere() int { return -1 }

// named finds a value under a name that is one of a secret; at is asked where one is told.
func (e *environment) named(what, path, name, value string, at func() int) {
	value = strings.Trim(value, `"'`)
	if value == "" || strings.Contains(value, "$") || !secretName.MatchString(name) || noSecret.MatchString(name) || plainValue.MatchString(value) {
		return
	}
	e.secret(value)
	if e.full(schema.Warning) {
		return
	}
	hint := secretHint
	switch what {
	case "dockerArguments":
		hint = argumentHint
	case "variables":
		hint = "state where it is kept: " + name + `: secret: {…}`
	}
	e.add("DC710", schema.Warning, []Place{{e.address, path, at()}}, hint, "%s %s holds what looks like a secret (not shown)", what, name)
}

// shaped finds what is a secret by its form, and was not found by its name.
func (e *environment) shaped(path, text string) {
	var at []Place
	for _, m := range schema.SecretsIn(text, mostPlaces) {
		if value := text[m[0]:m[1]]; !e.known(value) {
			e.secret(value)
			at = append(at, Place{e.address, path, m[0]})
		}
	}
	if len(at) > 0 {
		e.add("DC710", schema.Error, at[:min(len(at), mostPlaces)], secretHint, "%s holds a secret (not shown)", path)
	}
}

// secret remembers what no message may show. A shorter one is a word that stands anywhere.
func (e *environment) secret(value string) {
	if len(value) >= 4 {
		e.secrets = append(e.secrets, value)
	}
}

func (e *environment) known(value string) bool {
	for _, s := range e.secrets {
		if strings.Contains(s, value) {
			return true
		}
	}
	return false
}
