package secret

import (
	"cmp"
	"encoding/base64"
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
}

// Shorter texts than these are words that stand anywhere.
const (
	leastSecret = 5
	leastLine   = 12 // of a secret of several lines
)

// Add remembers a secret: the whole, each of its lines, the password of a URI, and
// all of them in base 64.
func (k *Known) Add(secret string) {
	if k == nil {
		return
	}
	texts := []string{strings.TrimSpace(secret)}
	if u, err := url.Parse(secret); err == nil && u.User != nil {
		if p, set := u.User.Password(); set {
			texts = append(texts, p, url.QueryEscape(p), url.PathEscape(p))
		}
	}
	if strings.Contains(texts[0], "\n") {
		for line := range strings.Lines(texts[0]) {
			if line = strings.TrimSpace(line); len(line) >= leastLine {
				texts = append(texts, line)
			}
		}
	}
	for _, t := range slices.Clone(texts) {
		texts = append(texts, inBase64(t)...)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range texts {
		if len(t) >= leastSecret && !slices.Contains(k.texts, t) {
			k.texts = append(k.texts, t)
		}
	}
	slices.SortFunc(k.texts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
}

// inBase64 are the texts by which a longer one holds a secret in base 64, wherever
// it stands there ("user:password"): what its neighbours decide about is left out.
func inBase64(secret string) (texts []string) {
	if len(secret) < leastSecret {
		return nil
	}
	for offset := range 3 {
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := e.EncodeToString([]byte("\x00\x00"[:offset] + secret))
			if text = text[(offset*8+5)/6 : (offset+len(secret))*8/6]; len(text) > leastSecret {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

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
