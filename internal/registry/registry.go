// Package registry resolves images to digests and tells their layers, and is the
// only importer of go-containerregistry. It contacts the hosts it was given and
// no other, token realms and redirects included, and no URL of a foreign layer;
// credentials come from Config.Login or from Docker's keychain and never reach an
// error, nor another host than the one that they are for, and neither does a URL, which may be a signed one.
package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"domctl.dev/internal/port"
)

// Config says what a client may ask, and where it keeps what it learnt.
type Config struct {
	// Hosts that may be contacted ("quay.io", "localhost:5000"). docker.io
	// stands for the hosts behind it.
	Hosts []string
	// OnNodes tells by the address in an image's name which of the hosts answers
	// for it here; "" is for names without one.
	OnNodes map[string]string
	// Cache is a folder outside the tree; "" keeps things in memory.
	Cache string
	// Login answers who a host is asked as, before Docker's keychain is looked into;
	// ok is false for a host that it knows nothing of. fresh is asked for once the
	// host refused what it answered before: tokens end. nil knows no host.
	Login func(ctx context.Context, host string, fresh bool) (user, password string, ok bool, err error)
}

// Client asks registries. Make it with New; its methods may be called
// concurrently.
type Client struct {
	hosts   map[string]bool
	onNodes map[string]string
	http    http.RoundTripper
	keys    keychain
	cache   *cache

	mu    sync.Mutex
	gates map[string]*gate // by host
}

var _ port.Registry = (*Client)(nil)

// Bounds: of one image's look-ups with their back-off, of images asked of one
// registry at once (Quay answers 429 to more than a few), and of images in a row
// that timed out or were throttled after which a registry is no longer asked.
const (
	deadline = time.Minute
	atOnce   = 4
	giveUp   = 4
)

// New makes a client.
func New(cfg Config) *Client {
	c := &Client{hosts: map[string]bool{}, onNodes: cfg.OnNodes, keys: keychain{cfg.Login, authn.DefaultKeychain}, cache: newCache(cfg.Cache, time.Now), gates: map[string]*gate{}}
	for _, h := range cfg.Hosts {
		c.hosts[h] = true
	}
	if c.hosts["docker.io"] || c.hosts["index.docker.io"] {
		for _, h := range []string{"docker.io", "index.docker.io", "registry-1.docker.io", "auth.docker.io"} {
			c.hosts[h] = true
		}
	}
	c.http = fence{c.hosts, patience{remote.DefaultTransport, port.Sleep}}
	return c
}

// Hosts are those of the given images, for a deployment that lists none.
func Hosts(images []string) []string {
	var hosts []string
	for _, i := range images {
		if ref, err := name.ParseReference(i); err == nil && !slices.Contains(hosts, ref.Context().RegistryStr()) {
			hosts = append(hosts, ref.Context().RegistryStr())
		}
	}
	return hosts
}

// Digests of an image by platform, all it has when none are named; those it
// lacks are left out. An image that is not an index has the one platform of its
// configuration. What was seen before costs one HEAD, which no registry counts
// as a pull.
func (c *Client) Digests(ctx context.Context, image string, platforms []string) (all map[string]string, err error) {
	err = c.at(ctx, image, func(ctx context.Context, s *session, ref name.Reference) error {
		digest, err := s.head(ctx, ref)
		if err == nil {
			all, err = s.all(ctx, digest)
		}
		return err
	})
	return choose(all, platforms), err
}

// Layers of an image on one platform. What was seen before costs one HEAD, and
// nothing for an image that is named by its digest.
func (c *Client) Layers(ctx context.Context, image, platform string) (m port.Manifest, err error) {
	err = c.at(ctx, image, func(ctx context.Context, s *session, ref name.Reference) error {
		m, err = s.layers(ctx, ref, platform)
		return err
	})
	return m, err
}

// choose keeps the platforms asked for; none keeps all.
func choose(all map[string]string, platforms []string) map[string]string {
	out := maps.Clone(all)
	maps.DeleteFunc(out, func(p, _ string) bool { return len(platforms) > 0 && !slices.Contains(platforms, p) })
	return out
}

// here is an image's name with the address that its registry has from here.
func (c *Client) here(image string) string {
	host, rest, ok := strings.Cut(image, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		host, rest = "", image
	}
	if at, known := c.onNodes[host]; known {
		return at + "/" + rest
	}
	return image
}

// at asks for one image, in its turn, within the deadline.
func (c *Client) at(ctx context.Context, image string, ask func(context.Context, *session, name.Reference) error) error {
	ref, err := name.ParseReference(c.here(image))
	if err != nil {
		return fmt.Errorf("%q is not the name of an image", image)
	}
	host := ref.Context().RegistryStr()
	if !c.hosts[host] {
		return fmt.Errorf("%s: %w", image, errFenced{host})
	}
	g := c.gate(host)
	if err := g.enter(ctx); err != nil {
		return fmt.Errorf("%s: not asked yet: %w", image, err)
	}
	defer g.leave()
	if g.silent() {
		return told{fmt.Sprintf("%s: not asked: %s gave no answer, or asked to wait, %d times in a row; plan again later", image, host, giveUp), context.DeadlineExceeded}
	}
	timed, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	err = c.asked(timed, ref, ask, false)
	if refused(err) && c.keys.knows(timed, host) {
		err = c.asked(timed, ref, ask, true)
	}
	g.note(ctx.Err() == nil && (throttled(err) || err != nil && timed.Err() != nil))
	if err != nil {
		return explain(timed, image, host, err)
	}
	return nil
}

// asked logs in, with new credentials if fresh, and asks.
func (c *Client) asked(ctx context.Context, ref name.Reference, ask func(context.Context, *session, name.Reference) error, fresh bool) error {
	s, err := c.login(ctx, ref.Context(), fresh)
	if err != nil {
		return err
	}
	return ask(ctx, s, ref)
}

func (c *Client) gate(host string) *gate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gates[host] == nil {
		c.gates[host] = &gate{slots: make(chan struct{}, atOnce)}
	}
	return c.gates[host]
}

// gate lets so many images at once be asked of one registry, and shuts for good
// when it does not answer.
type gate struct {
	slots chan struct{}
	mu    sync.Mutex
	quiet int // images in a row that got no answer
}

func (g *gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) leave() { <-g.slots }

func (g *gate) silent() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.quiet >= giveUp
}

func (g *gate) note(quiet bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.quiet++; !quiet {
		g.quiet = 0
	}
}

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// platform is "os/architecture", with the variant unless it is the one that the
// architecture has by default (containerd's platforms.Normalize).
func platform(p v1.Platform) string {
	text := p.OS + "/" + p.Architecture
	byDefault := map[string]string{"arm64": "v8", "arm": "v7", "amd64": "v1"}
	if p.Variant == "" || p.Variant == byDefault[p.Architecture] {
		return text
	}
	return text + "/" + p.Variant
}

// told is an error worded here; it carries only the kind.
type told struct {
	text string
	is   error
}

func (t told) Error() string { return t.text }
func (t told) Unwrap() error { return t.is }

// explain says what a person can do about a registry's answer.
func explain(ctx context.Context, image, host string, err error) error {
	var fenced errFenced
	var own told
	var answer *transport.Error
	switch {
	case errors.As(err, &fenced):
		return fmt.Errorf("%s: %w", image, fenced)
	case errors.As(err, &own):
		return fmt.Errorf("%s: %w", image, own)
	case errors.As(err, &answer):
		return told{image + ": " + status(answer.StatusCode, host), kinds()[answer.StatusCode]}
	case errors.Is(ctx.Err(), context.Canceled):
		return told{image + ": cancelled before " + host + " answered", context.Canceled}
	case ctx.Err() != nil:
		return told{fmt.Sprintf("%s: no answer from %s within %s", image, host, deadline), context.DeadlineExceeded}
	}
	return told{image + ": " + innermost(err), nil}
}

// throttled says that a registry answered every attempt with 429.
func throttled(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusTooManyRequests
}

func kinds() map[int]error {
	return map[int]error{
		http.StatusUnauthorized: port.ErrDenied, http.StatusForbidden: port.ErrDenied,
		http.StatusNotFound: port.ErrNotFound, http.StatusTooManyRequests: port.ErrThrottled,
	}
}

func status(code int, host string) string {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "access denied by the registry; log in with docker login " + host
	case http.StatusNotFound:
		return "not found in the registry; check the name and the tag"
	case http.StatusTooManyRequests:
		return "throttled by the registry; wait, or log in for a higher limit"
	}
	return fmt.Sprintf("the registry answers %d", code)
}

// innermost is the reason without the URL that wraps it.
func innermost(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return strings.ReplaceAll(err.Error(), "\n", " ")
		}
		err = next
	}
}
