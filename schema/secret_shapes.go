package schema

import (
	"regexp"
	"slices"
	"strings"
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
	{"://", regexp.MustCompile(`\w://[^\s/:@'"]*:([^\s/@$'"{<]+)@`)},
}

// SecretsIn answers where in a text secrets stand that their own form gives away, from
// and to in bytes: of each form so many at most.
func SecretsIn(text string, most int) (at [][2]int) {
	for _, s := range secretShapes {
		if !strings.Contains(text, s.mark) {
			continue
		}
		for _, m := range s.shape.FindAllStringSubmatchIndex(text, most) {
			at = append(at, [2]int{m[len(m)-2], m[len(m)-1]})
		}
	}
	return at
}

// SecretArgument says that docker arguments hold a secret: by its form, or by the name
// that a value stands under ("--env=TOKEN=…").
func SecretArgument(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		name, value, _ := ArgumentValue(arg)
		return len(SecretsIn(arg, 1)) > 0 || LooksSecret(name, value)
	})
}

// ArgumentValue parts a docker argument into a name and a value: of a variable that it
// sets, else the argument's own.
func ArgumentValue(arg string) (name, value string, ok bool) {
	for _, flag := range []string{"--env=", "--env ", "-e ", "-e=", "-e"} {
		if rest, is := strings.CutPrefix(arg, flag); is && strings.Contains(rest, "=") {
			arg = rest
			break
		}
	}
	name, value, ok = strings.Cut(strings.TrimSpace(arg), "=")
	return strings.TrimLeft(name, "-"), value, ok
}
