// Package registry resolves images to digests, and is the only importer of
// go-containerregistry. It contacts the hosts it was given and no other, token
// realms and redirects included; credentials come from Docker's keychain and
// never reach an error, and neither does a URL, which may be a signed one.
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

// Client asks registries. Make it with New; its methods may be called
// concurrently.
type Client struct {
	hosts map[string]bool
	slots chan struct{} // images asked for at once
	http  http.RoundTripper
	keys  authn.Keychain

	mu    sync.Mutex
	known map[string]map[string]string // platforms by repository and digest: they never change
}

var _ port.Registry = (*Client)(nil)

// Bounds: of one image's look-ups with their back-off, of images asked for at
// once (Quay answers 429 to more than a few), and of answers kept.
const (
	deadline = time.Minute
	atOnce   = 4
	maxKnown = 10_000
)

// New makes a client that may contact the given hosts ("quay.io",
// "localhost:5000"). docker.io stands for the hosts behind it.
func New(hosts []string) *Client {
	c := &Client{hosts: map[string]bool{}, slots: make(chan struct{}, atOnce), keys: authn.DefaultKeychain, known: map[string]map[string]string{}}
	for _, h := range hosts {
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
// configuration. A digest seen before costs one HEAD, which no registry counts
// as a pull.
func (c *Client) Digests(ctx context.Context, image string, platforms []string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, fmt.Errorf("%q is not the name of an image", image)
	}
	host := ref.Context().RegistryStr()
	if !c.hosts[host] {
		return nil, fmt.Errorf("%s: %w", image, errFenced{host})
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: not asked yet: %w", image, ctx.Err())
	}
	all, err := c.all(ctx, ref)
	if err != nil {
		return nil, explain(ctx, image, host, err)
	}
	return choose(all, platforms), nil
}

// choose keeps the platforms asked for; none keeps all.
func choose(all map[string]string, platforms []string) map[string]string {
	out := maps.Clone(all)
	maps.DeleteFunc(out, func(p, _ string) bool { return len(platforms) > 0 && !slices.Contains(platforms, p) })
	return out
}

func (c *Client) all(ctx context.Context, ref name.Reference) (map[string]string, error) {
	// A puller of its own: one that is shared keeps the error of a first
	// authentication that was cancelled.
	puller, err := remote.NewPuller(remote.WithTransport(c.http), remote.WithAuthFromKeychain(c.keys),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryStatusCodes())
	if err != nil {
		return nil, err
	}
	head, err := puller.Head(ctx, ref)
	if err != nil {
		return nil, err
	}
	exact := ref.Context().Digest(head.Digest.String())
	if all := c.recall(exact.String()); all != nil {
		return all, nil
	}
	desc, err := puller.Get(ctx, exact)
	if err != nil {
		return nil, err
	}
	all, err := platformsOf(desc)
	if err == nil {
		c.remember(exact.String(), all)
	}
	return all, err
}

func (c *Client) recall(exact string) map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[exact]
}

func (c *Client) remember(exact string, all map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[exact] = all
}

func platformsOf(desc *remote.Descriptor) (map[string]string, error) {
	switch {
	case desc.MediaType.IsIndex():
		return ofIndex(desc)
	case !desc.MediaType.IsImage():
		return nil, told{fmt.Sprintf("it is of media type %s, neither an image nor an index of images", desc.MediaType), nil}
	}
	image, err := desc.Image()
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	p := v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}
	return map[string]string{platform(p): desc.Digest.String()}, nil
}

// ofIndex leaves out attestations, whose platform is unknown. Of two entries
// for a platform the first counts, as for a container runtime.
// https://github.com/opencontainers/image-spec/blob/main/image-index.md
func ofIndex(desc *remote.Descriptor) (map[string]string, error) {
	index, err := desc.ImageIndex()
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, m := range manifest.Manifests {
		if m.Platform == nil || m.Platform.OS == "unknown" || !m.MediaType.IsImage() {
			continue
		}
		if p := platform(*m.Platform); out[p] == "" {
			out[p] = m.Digest.String()
		}
	}
	return out, nil
}

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
