// Package registry resolves images to digests, and is the only importer of
// go-containerregistry. It contacts the hosts it was given and no other, token
// realms and redirects included; credentials come from Docker's keychain and
// never reach an error.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"domctl.dev/internal/port"
)

// Client asks registries. Make it with New.
type Client struct {
	hosts map[string]bool
	slots chan struct{}
	http  http.RoundTripper
	keys  authn.Keychain
}

var _ port.Registry = (*Client)(nil)

// deadline bounds one image's look-ups, back-off included.
const deadline = 60 * time.Second

// New makes a client that may contact the given hosts ("quay.io",
// "localhost:5000"). docker.io stands for the hosts behind it.
func New(hosts []string) *Client {
	c := &Client{hosts: map[string]bool{}, slots: make(chan struct{}, 4), keys: authn.DefaultKeychain}
	for _, h := range hosts {
		c.hosts[h] = true
	}
	if c.hosts["docker.io"] || c.hosts["index.docker.io"] {
		for _, h := range []string{"docker.io", "index.docker.io", "registry-1.docker.io", "auth.docker.io"} {
			c.hosts[h] = true
		}
	}
	c.http = fence{c.hosts, remote.DefaultTransport}
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

// fence refuses requests to hosts that were not given.
type fence struct {
	hosts map[string]bool
	next  http.RoundTripper
}

// errFenced names the host, so that it can be listed.
type errFenced struct{ host string }

func (e errFenced) Error() string {
	return fmt.Sprintf("host %s is not one that may be asked; add it to deployment.registries", e.host)
}

// RoundTrip sends what is allowed.
func (f fence) RoundTrip(r *http.Request) (*http.Response, error) {
	if !f.hosts[r.URL.Host] {
		return nil, errFenced{r.URL.Host}
	}
	return f.next.RoundTrip(r)
}

// Digests of an image by platform, all it has when none are named. An image
// that is not an index has the one platform of its configuration.
func (c *Client) Digests(ctx context.Context, image string, platforms []string) (map[string]string, error) {
	c.slots <- struct{}{}
	defer func() { <-c.slots }()
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, fmt.Errorf("%s is not an image: %w", image, err)
	}
	if !c.hosts[ref.Context().RegistryStr()] {
		return nil, fmt.Errorf("%s: %w", image, errFenced{ref.Context().RegistryStr()})
	}
	all, err := c.all(ctx, ref)
	if err != nil {
		return nil, explain(image, err)
	}
	return choose(image, all, platforms)
}

func (c *Client) all(ctx context.Context, ref name.Reference) (map[string]string, error) {
	desc, err := remote.Get(ref, remote.WithContext(ctx), remote.WithTransport(c.http), remote.WithAuthFromKeychain(c.keys),
		remote.WithRetryStatusCodes(http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable),
		remote.WithRetryBackoff(remote.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.2, Steps: 4}))
	if err != nil {
		return nil, err
	}
	if desc.MediaType.IsIndex() {
		return ofIndex(desc)
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
	return map[string]string{p.String(): desc.Digest.String()}, nil
}

// ofIndex leaves out attestations, whose platform is unknown.
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
		if m.Platform != nil && m.Platform.OS != "unknown" && m.MediaType.IsImage() {
			out[m.Platform.String()] = m.Digest.String()
		}
	}
	return out, nil
}

func choose(image string, all map[string]string, platforms []string) (map[string]string, error) {
	if len(platforms) == 0 {
		return all, nil
	}
	out := map[string]string{}
	for _, p := range platforms {
		digest, ok := all[p]
		if !ok {
			return nil, fmt.Errorf("%s has no image for %s: %w", image, p, port.ErrNotFound)
		}
		out[p] = digest
	}
	return out, nil
}

// explain says what a person can do about a registry's answer.
func explain(image string, err error) error {
	var answer *transport.Error
	host, _, _ := strings.Cut(image, "/")
	if !errors.As(err, &answer) {
		return fmt.Errorf("%s: %w", image, err)
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%s: %w by the registry; log in with docker login %s", image, port.ErrDenied, host)
	case http.StatusNotFound:
		return fmt.Errorf("%s: %w in the registry; check the name and the tag", image, port.ErrNotFound)
	case http.StatusTooManyRequests:
		return fmt.Errorf("%s: %w by the registry; wait, or log in for a higher limit", image, port.ErrThrottled)
	}
	return fmt.Errorf("%s: the registry answers %d", image, answer.StatusCode)
}
