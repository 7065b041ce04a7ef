package secret

import (
	"cmp"
	"net/url"
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

// Add remembers a secret: the whole, each of its lines, and the password of a URI.
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
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range texts {
		if len(t) >= leastSecret && !slices.Contains(k.texts, t) {
			k.texts = append(k.texts, t)
		}
	}
	slices.SortFunc(k.texts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
}

// Mask replaces every secret that is known.
func (k *Known) Mask(text string) string {
	if k == nil {
		return text
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range k.texts {
		text = strings.ReplaceAll(text, t, "(secret)")
	}
	return text
}
