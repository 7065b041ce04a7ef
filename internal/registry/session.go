package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxObject bounds a manifest or a configuration, bytes. Registries take
// manifests of up to 4 MiB.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
const maxObject = 8 << 20

// session reads one repository, logged in once.
type session struct {
	*Client
	repo name.Repository
	http *http.Client
	mute bool // no range of a blob was to be had: it is not asked for another
}

func (c *Client) login(ctx context.Context, repo name.Repository, fresh bool) (*session, error) {
	auth, err := c.keys.resolve(ctx, repo, fresh)
	if err != nil {
		return nil, err
	}
	t, err := transport.NewWithContext(ctx, repo.Registry, auth, c.http, []string{repo.Scope(transport.PullScope)})
	if err != nil {
		return nil, err
	}
	return &session{Client: c, repo: repo, http: &http.Client{Transport: t}}, nil
}

// ask sends one request; want is the status that is an answer.
func (s *session) ask(ctx context.Context, method, kind, what string, want int, header http.Header) (*http.Response, error) {
	at := fmt.Sprintf("%s://%s/v2/%s/%s/%s", s.repo.Scheme(), s.repo.RegistryStr(), s.repo.RepositoryStr(), kind, what)
	r, err := http.NewRequestWithContext(ctx, method, at, nil)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		r.Header[k] = v
	}
	res, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != want {
		defer res.Body.Close()
		if err := transport.CheckError(res, want); err != nil {
			return nil, err
		}
		return nil, told{fmt.Sprintf("the registry answers %d", res.StatusCode), nil}
	}
	return res, nil
}

func manifestTypes() http.Header {
	accept := []string{string(types.OCIImageIndex), string(types.DockerManifestList), string(types.OCIManifestSchema1), string(types.DockerManifestSchema2)}
	return http.Header{"Accept": {strings.Join(accept, ",")}}
}

// head is the digest a reference stands for; a digest stands for itself, and is
// not asked for.
func (s *session) head(ctx context.Context, ref name.Reference) (string, error) {
	if d, ok := ref.(name.Digest); ok {
		return d.DigestStr(), nil
	}
	res, err := s.ask(ctx, http.MethodHead, "manifests", ref.Identifier(), http.StatusOK, manifestTypes())
	if err != nil {
		return "", err
	}
	res.Body.Close()
	if err := readable(types.MediaType(res.Header.Get("Content-Type"))); err != nil {
		return "", err
	}
	digest := res.Header.Get("Docker-Content-Digest")
	if _, err := v1.NewHash(digest); err != nil {
		return "", told{"the registry states no digest for it; name the image by its digest", nil}
	}
	return digest, nil
}

// readable refuses manifests that do not name what an image consists of.
func readable(t types.MediaType) error {
	if t.IsSchema1() {
		return told{"its manifest is of schema 1, which states no sizes; pull the image and push it again with a current docker", nil}
	}
	return nil
}

// object is a manifest or a configuration by digest: from the cache, or fetched,
// compared with its digest and kept for good.
func (s *session) object(ctx context.Context, kind, digest string) ([]byte, error) {
	if body, ok := s.cache.object(digest); ok {
		return body, nil
	}
	header := http.Header{}
	if kind == "manifests" {
		header = manifestTypes()
	}
	res, err := s.ask(ctx, http.MethodGet, kind, digest, http.StatusOK, header)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if err := readable(types.MediaType(res.Header.Get("Content-Type"))); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxObject+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, told{"the registry broke off in the middle of an answer; run again", nil}
	case err != nil:
		return nil, err
	case len(body) > maxObject:
		return nil, told{fmt.Sprintf("its %s is larger than %d MiB, which no image needs", strings.TrimSuffix(kind, "s"), maxObject>>20), nil}
	case !matches(digest, body):
		return nil, told{"the registry sent something else than what " + digest + " names", nil}
	}
	s.cache.keep(digest, body)
	return body, nil
}

// bytes of a blob, a range of a few; none where the registry does not serve
// ranges, throttles, or has its blobs on a host that may not be asked.
func (s *session) bytes(ctx context.Context, digest string, from, n int64) []byte {
	if s.mute {
		return nil
	}
	res, err := s.ask(ctx, http.MethodGet, "blobs", digest, http.StatusPartialContent, http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", from, from+n-1)}})
	if err != nil {
		s.mute = true
		return nil
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, n))
	return b
}
