package secret

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Known remembers what was resolved, to hide it in texts that come from outside.
// The zero value is ready.
type Known struct {
	mu    sync.Mutex
	texts []string // the longest first
	has   map[string]bool
}

// Shorter texts than these are words that stand anywhere.
const (
	Least     = 5  // bytes of a secret
	leastWord = 12 // of a secret of several lines, a line that is one word
)

// parts are a secret without the blanks around it, and where it is a URI, its password.
func parts(secret string) []string {
	texts := []string{strings.TrimSpace(secret)}
	if u, err := url.Parse(texts[0]); err == nil && u.User != nil {
		if p, set := u.User.Password(); set {
			texts = append(texts, p)
		}
	}
	return texts
}

// short says that some of a secret is not hidden, since it is under Least bytes. Nothing
// need be hidden of an empty one.
func short(secret string) bool {
	return slices.ContainsFunc(parts(secret), func(t string) bool { return t != "" && len(t) < Least })
}

// Add remembers a secret: the whole, each of its lines, the password of a URI, and
// all of them in the forms by which programs write them. One of under Least bytes is not
// remembered: it would hide ordinary words.
func (k *Known) Add(secret string) {
	if k == nil {
		return
	}
	texts := parts(secret)
	if strings.ContainsAny(texts[0], "\r\n") {
		word := word()
		for _, line := range strings.FieldsFunc(texts[0], func(r rune) bool { return r == '\r' || r == '\n' }) {
			if line = strings.TrimSpace(line); len(line) >= leastWord || !word.MatchString(line) {
				texts = append(texts, line)
			}
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.has == nil {
		k.has = map[string]bool{}
	}
	for _, t := range texts {
		for _, form := range forms(t) {
			if len(form) >= Least && !k.has[form] {
				k.has[form], k.texts = true, append(k.texts, form)
			}
		}
	}
	slices.SortFunc(k.texts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
}

// word is a line that says too little to be a secret's: "begin", "password:", "]},".
func word() *regexp.Regexp { return regexp.MustCompile(`^["{}\[\](),:]*[A-Za-z]*["{}\[\](),:]*$`) }

// Mask replaces every secret that is known. A text that holds one between signs to
// a terminal loses those.
func (k *Known) Mask(text string) string {
	if k == nil {
		return text
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	text = k.hide(text)
	if strings.Contains(text, "\x1b") {
		bare := signs().ReplaceAllString(text, "")
		if hidden := k.hide(bare); hidden != bare {
			return hidden
		}
	}
	return text
}

// signs are what a terminal takes for commands: colours, titles, and single letters.
// https://ecma-international.org/publications-and-standards/standards/ecma-48/
func signs() *regexp.Regexp {
	return regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)|[ -/]*[0-~])")
}

func (k *Known) hide(text string) string {
	for _, t := range k.texts {
		text = strings.ReplaceAll(text, t, "(secret)")
	}
	return text
}
