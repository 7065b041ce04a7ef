package web

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A session ends an hour after its last request, and in any case after eight.
const (
	idle     = time.Hour
	absolute = 8 * time.Hour
	// skew is how far the clocks of replicas, or of the provider, may be apart.
	skew = time.Minute
	// mostCookie is how long a cookie's value may be, bytes: browsers take 4096 with name
	// and attributes.
	mostCookie = 3800
	shortest   = 32 // bytes of a key
)

// session is somebody who signed in, as of then. It is all in the cookie, sealed, so that
// any replica with the key knows it.
type session struct {
	ID     string   `json:"id"`
	User   string   `json:"user"` // the claim that roles name
	Name   string   `json:"name"` // to show
	Groups []string `json:"groups,omitempty"`
	Began  int64    `json:"began"` // seconds since 1970
	Seen   int64    `json:"seen"`
}

// is says whether an entry of Roles means this one.
func (s session) is(whom string) bool {
	kind, name, _ := strings.Cut(whom, ":")
	switch kind {
	case "everyone":
		return whom == kind
	case "user":
		return name == s.User
	case "group":
		for _, g := range s.Groups {
			if g == name {
				return true
			}
		}
	}
	return false
}

// end is when it is over without another request.
func (s session) end() time.Time {
	return time.Unix(min(s.Seen+int64(idle/time.Second), s.Began+int64(absolute/time.Second)), 0)
}

func (s session) lives(now time.Time) bool {
	return s.ID != "" && now.Before(s.end()) && !time.Unix(max(s.Began, s.Seen), 0).After(now.Add(skew))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// keys are what seals and opens, the first to seal.
type keys []string

// newKeys takes those of a text, one a line.
func newKeys(text string) (k keys, err error) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if len(line) < shortest {
			return nil, fmt.Errorf("a key of the page has %d bytes; at least %d are needed", len(line), shortest)
		}
		k = append(k, line)
	}
	if len(k) == 0 {
		return nil, errors.New("the key of the page is empty")
	}
	return k, nil
}

// aead is one key's for a purpose: what was sealed for another does not open.
func aead(key, purpose string) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, []byte(key), nil, "domctl page: "+purpose, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (k keys) seal(purpose string, random io.Reader, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	a, err := aead(k[0], purpose)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, a.NonceSize())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return "", fmt.Errorf("randomness: %w", err)
	}
	text := encode(a.Seal(nonce, nonce, plain, nil))
	if len(text) > mostCookie {
		return "", fmt.Errorf("a cookie of %d bytes is more than browsers take", len(text))
	}
	return text, nil
}

var errSealed = errors.New("the cookie was not sealed here")

// open reads what was sealed for the same purpose. Whatever is wrong with it is one
// error, which tells nobody more.
func (k keys) open(purpose, text string, into any) error {
	if len(text) > mostCookie {
		return errSealed
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return errSealed
	}
	for _, key := range k {
		a, err := aead(key, purpose)
		if err != nil {
			return err
		}
		if len(b) < a.NonceSize() {
			return errSealed
		}
		if plain, err := a.Open(nil, b[:a.NonceSize()], b[a.NonceSize():], nil); err == nil && json.Unmarshal(plain, into) == nil {
			return nil
		}
	}
	return errSealed
}

// sign is a text's token under the first key.
func (k keys) sign(text string) (string, error) {
	m, err := mac(k[0], text)
	return encode(m), err
}

// signed says whether a token is a text's under any key.
func (k keys) signed(text, token string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	for _, key := range k {
		if m, failed := mac(key, text); err == nil && failed == nil && hmac.Equal(m, b) {
			return true
		}
	}
	return false
}

func mac(key, text string) ([]byte, error) {
	derived, err := hkdf.Key(sha256.New, []byte(key), nil, "domctl page: token", 32)
	if err != nil {
		return nil, err
	}
	m := hmac.New(sha256.New, derived)
	m.Write([]byte(text))
	return m.Sum(nil), nil
}

// ended are ids that count no longer though their seal would: sessions that were signed
// out of, and sign-ins that were used. It knows those of this process.
type ended struct {
	mu      sync.Mutex
	until   map[string]time.Time
	watched map[string]map[*context.CancelCauseFunc]bool
}

var errOver = errors.New("the session is over")

// add ends an id until a time when its seal counts no longer either, and all that it has
// open. It says whether the id still counted.
func (e *ended) add(id string, now, until time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for other, t := range e.until {
		if t.Before(now) {
			delete(e.until, other)
		}
	}
	_, was := e.until[id]
	if e.until == nil {
		e.until = map[string]time.Time{}
	}
	e.until[id] = until
	for cancel := range e.watched[id] {
		(*cancel)(errOver)
	}
	return !was
}

func (e *ended) has(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.until[id]
	return ok
}

// watch answers a context that ends with the id.
func (e *ended) watch(ctx context.Context, id string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, over := e.until[id]; over {
		cancel(errOver)
	}
	if e.watched == nil {
		e.watched = map[string]map[*context.CancelCauseFunc]bool{}
	}
	if e.watched[id] == nil {
		e.watched[id] = map[*context.CancelCauseFunc]bool{}
	}
	e.watched[id][&cancel] = true
	return ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.watched[id], &cancel)
		if len(e.watched[id]) == 0 {
			delete(e.watched, id)
		}
		cancel(nil)
	}
}
