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

// secretShape gives a secret away by its own form. Texts are long and secrets rare, so
// that they are looked through for a mark first; the last group is the secret.
type secretShape struct {
	mark  string
	shape *regexp.Regexp
}

var secretShapes = []secretShape{
	{"AKIA", regexp.MustCompile(`\b(AKIA[0-9A-Z]{16})\b`)},
	{"ASIA", regexp.MustCompile(`\b(ASIA[0-9A-Z]{16})\b`)},
	{"gh", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{30,})\b`)},
	{"github_pat_", regexp.MustCompile(`\b(github_pat_\w{22,})`)},
	{"glpat-", regexp.MustCompile(`\b(glpat-[\w-]{20,})`)},
	{"xox", regexp.MustCompile(`\b(xox[abprs]-[\w-]{10,})`)},
	{"npm_", regexp.MustCompile(`\b(npm_[A-Za-z0-9]{36})\b`)},
	{"pypi-", regexp.MustCompile(`\b(pypi-[\w-]{40,})`)},
	{"AIza", regexp.MustCompile(`\b(AIza[\w-]{35})\b`)},
	{"hf_", regexp.MustCompile(`\b(hf_[A-Za-z0-9]{30,})\b`)},
	{"sk-", regexp.MustCompile(`\b(sk-[A-Za-z0-9_-]{32,})`)},
	{"-----BEGIN ", regexp.MustCompile(`(-----BEGIN [A-Z ]*PRIVATE KEY-----)`)},
	{"://", regexp.MustCompile(`\w://[^\s/:@'"]+:([^\s/@$'"{<]+)@`)},
}

const secretHint = `keep it out of the image: variables: NAME: secret: {…}, or RUN --mount=type=secret`

// findSecrets comes before all else: what it finds, no message shows.
func (e *environment) findSecrets() {
	for _, i := range e.docker.instructions {
		switch c := i.parsed.(type) {
		case *instructions.EnvCommand:
			for _, kv := range c.Env {
				e.named("ENV", "dockerfile", kv.Key, kv.Value, i.find(kv.Key))
			}
		case *instructions.ArgCommand:
			for _, kv := range c.Args {
				if kv.Value != nil {
					e.named("ARG", "dockerfile", kv.Key, *kv.Value, i.find(kv.Key))
				}
			}
		}
		if i.shell != nil {
			e.assigned("RUN", i.shell)
		}
	}
	for _, s := range e.scripts {
		e.assigned(s.path, s)
		e.shaped(s.path, s.text)
	}
	e.shaped("dockerfile", e.docker.text)
	for _, path := range schema.Sorted(e.object.Fields) {
		if name := schema.SplitPath(path); name[0] == "variables" && len(name) == 2 {
			e.named("variables", path, name[1], e.object.Fields[path].Str(), -1)
		}
	}
}

func (e *environment) assigned(what string, s *script) {
	for _, a := range s.assigned {
		if a.whole {
			e.named(what, s.path, a.name, a.text, s.place(a.at))
		}
	}
}

// named finds a value under a name that is one of a secret.
func (e *environment) named(what, path, name, value string, at int) {
	value = strings.Trim(value, `"'`)
	if value == "" || strings.Contains(value, "$") || !secretName.MatchString(name) || noSecret.MatchString(name) || plainValue.MatchString(value) {
		return
	}
	e.secret(value)
	hint := secretHint
	if what == "variables" {
		hint = "state where it is kept: " + name + `: secret: {…}`
	}
	e.add("DC710", schema.Warning, []Place{{e.address, path, at}}, hint, "%s %s holds what looks like a secret (not shown)", what, name)
}

// shaped finds what is a secret by its form, and was not found by its name.
func (e *environment) shaped(path, text string) {
	var at []Place
	for _, s := range secretShapes {
		if !strings.Contains(text, s.mark) {
			continue
		}
		for _, m := range s.shape.FindAllStringSubmatchIndex(text, mostPlaces) {
			value := text[m[len(m)-2]:m[len(m)-1]]
			if e.known(value) {
				continue
			}
			e.secret(value)
			at = append(at, Place{e.address, path, m[len(m)-2]})
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
