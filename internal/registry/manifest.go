package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"domctl.dev/internal/port"
)

// maxLayers is far more than any engine stacks, and maxBytes more than any image
// holds, packed or unpacked; what is above is no image.
const (
	maxLayers = 1000
	maxBytes  = 1 << 44
)

// manifest is what the bytes of a manifest say: an index or an image, never both.
type manifest struct {
	index *v1.IndexManifest
	image *v1.Manifest
}

// decodeManifest tells an index from an image by what it holds, as the cache
// keeps no media type; what is both is refused (CVE-2021-41190).
func decodeManifest(body []byte) (manifest, error) {
	var has struct {
		SchemaVersion                       int             `json:"schemaVersion"`
		MediaType                           types.MediaType `json:"mediaType"`
		Manifests, Layers, Config, FSLayers json.RawMessage
	}
	if err := json.Unmarshal(body, &has); err != nil {
		return manifest{}, told{"its manifest is not JSON", nil}
	}
	if has.SchemaVersion == 1 || has.FSLayers != nil {
		return manifest{}, readable(types.DockerManifestSchema1)
	}
	switch isIndex, isImage := has.Manifests != nil, has.Layers != nil || has.Config != nil; {
	case isIndex && isImage:
		return manifest{}, told{"its manifest is an index and an image at once; nobody can say which", nil}
	case isIndex:
		m, err := v1.ParseIndexManifest(bytes.NewReader(body))
		return manifest{index: m}, malformed(err)
	case isImage && (has.MediaType == "" || has.MediaType.IsImage()):
		m, err := v1.ParseManifest(bytes.NewReader(body))
		return manifest{image: m}, malformed(err)
	}
	return manifest{}, told{fmt.Sprintf("it is of media type %q, neither an image nor an index of images", has.MediaType), nil}
}

func malformed(err error) error {
	if err != nil {
		return told{"its manifest is malformed: " + innermost(err), nil}
	}
	return nil
}

// platforms are the digests of an index by platform. Attestations, whose
// platform is unknown, are left out. Of two entries for a platform the first
// counts, as for a container runtime.
// https://github.com/opencontainers/image-spec/blob/main/image-index.md
func platforms(index *v1.IndexManifest) map[string]string {
	out := map[string]string{}
	for _, m := range index.Manifests {
		if m.Platform == nil || m.Platform.OS == "unknown" || !m.MediaType.IsImage() {
			continue
		}
		if p := platform(*m.Platform); out[p] == "" {
			out[p] = m.Digest.String()
		}
	}
	return out
}

// manifest reads the manifest that a digest names.
func (s *session) manifest(ctx context.Context, digest string) (manifest, error) {
	body, err := s.object(ctx, "manifests", digest)
	if err != nil {
		return manifest{}, err
	}
	return decodeManifest(body)
}

func (s *session) config(ctx context.Context, m *v1.Manifest) (*v1.ConfigFile, error) {
	body, err := s.object(ctx, "blobs", m.Config.Digest.String())
	if err != nil {
		return nil, err
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(body))
	if err != nil {
		return nil, told{"its configuration is malformed: " + innermost(err), nil}
	}
	return config, nil
}

// all is every platform of what a digest names, with its digest.
func (s *session) all(ctx context.Context, digest string) (map[string]string, error) {
	m, err := s.manifest(ctx, digest)
	if err != nil {
		return nil, err
	}
	if m.index != nil {
		return platforms(m.index), nil
	}
	config, err := s.config(ctx, m.image)
	if err != nil {
		return nil, err
	}
	return map[string]string{platformOf(config): digest}, nil
}

func platformOf(c *v1.ConfigFile) string {
	return platform(v1.Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant})
}

// layers of what a reference stands for on a platform.
func (s *session) layers(ctx context.Context, ref name.Reference, want string) (port.Manifest, error) {
	digest, err := s.head(ctx, ref)
	if err != nil {
		return port.Manifest{}, err
	}
	m, err := s.manifest(ctx, digest)
	if err != nil {
		return port.Manifest{}, err
	}
	if m.index != nil {
		has := platforms(m.index)
		if digest = has[want]; digest == "" {
			return port.Manifest{}, lacks(want, has)
		}
		if m, err = s.manifest(ctx, digest); err != nil {
			return port.Manifest{}, err
		}
		if m.image == nil {
			return port.Manifest{}, told{"its index names another index for " + want, nil}
		}
	}
	config, err := s.config(ctx, m.image)
	if err != nil {
		return port.Manifest{}, err
	}
	if p := platformOf(config); p != want {
		return port.Manifest{}, lacks(want, map[string]string{p: digest})
	}
	return s.read(ctx, digest, m.image, config)
}

func lacks(want string, has map[string]string) error {
	return told{fmt.Sprintf("it has no image for %s, only for %s", want, strings.Join(sorted(has), ", ")), port.ErrNotFound}
}

// read puts manifest and configuration together.
func (s *session) read(ctx context.Context, digest string, m *v1.Manifest, config *v1.ConfigFile) (port.Manifest, error) {
	diffs := config.RootFS.DiffIDs
	switch n := len(m.Layers); {
	case n > maxLayers:
		return port.Manifest{}, told{fmt.Sprintf("its manifest names %d layers, which no engine takes", n), nil}
	case n != len(diffs):
		return port.Manifest{}, told{fmt.Sprintf("its manifest names %d layers and its configuration %d", n, len(diffs)), nil}
	}
	out, total := port.Manifest{Digest: digest, Config: m.Config.Digest.String()}, int64(0)
	for i, l := range m.Layers {
		if l.Size < 0 || l.Size > maxBytes {
			return port.Manifest{}, told{fmt.Sprintf("its layer %d is said to be of %d bytes", i+1, l.Size), nil}
		}
		layer := port.Layer{Digest: l.Digest.String(), DiffID: diffs[i].String(), MediaType: string(l.MediaType), Size: l.Size, Foreign: !l.MediaType.IsDistributable()}
		layer.Unpacked, layer.Exact = s.unpacked(ctx, layer)
		if err := ctx.Err(); err != nil {
			return port.Manifest{}, err
		}
		if total += max(layer.Size, layer.Unpacked); total > maxBytes {
			return port.Manifest{}, told{fmt.Sprintf("its layers up to the %d. are said to be of %d bytes", i+1, total), nil}
		}
		out.Layers = append(out.Layers, layer)
	}
	return out, nil
}
