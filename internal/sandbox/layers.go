package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// layer is one of an image's, as people write it: images share those of one
// name. Sizes have their unit ("30MiB"). Unpacked not stated is not known;
// Compression is "gzip" unless stated: "zstd", or "none".
type layer struct {
	Compression string `json:"compression,omitempty"`
	Foreign     bool   `json:"foreign,omitempty"`
	Name        string `json:"name"`
	Size        string `json:"size"`
	Unpacked    string `json:"unpacked,omitempty"`
}

// mediaTypes by compression.
// https://github.com/opencontainers/image-spec/blob/main/layer.md
func mediaTypes() map[string]string {
	const tar = "application/vnd.oci.image.layer.v1.tar"
	return map[string]string{"": tar + "+gzip", "gzip": tar + "+gzip", "zstd": tar + "+zstd", "none": tar}
}

func (p *parser) layers(into *map[string][]layer) error {
	start := p.i
	if err := p.strict(into, "layers"); err != nil {
		return err
	}
	for _, image := range schema.Sorted(*into) {
		for i, l := range (*into)[image] {
			if _, err := l.read(); err != nil {
				return p.fail(start, "layers: %s: layer %d: %v", image, i+1, err)
			}
		}
	}
	return nil
}

// read is the layer as a registry tells it.
func (l layer) read() (out port.Layer, err error) {
	media, ok := mediaTypes()[l.Compression]
	if !ok {
		return out, fmt.Errorf(`compression is %q; it is "gzip", "zstd" or "none"`, l.Compression)
	}
	if l.Name == "" {
		return out, errors.New("a layer needs a name; images share those of one name")
	}
	out = port.Layer{Digest: hashed("blob", media, l.Name), DiffID: hashed("tar", l.Name), MediaType: media, Foreign: l.Foreign, Exact: l.Compression == "none"}
	if out.Size, err = schema.ParseBytes(l.Size); err != nil {
		return out, fmt.Errorf("size: %w", err)
	}
	if out.Unpacked = out.Size; l.Unpacked != "" && !out.Exact {
		n, err := schema.ParseBytes(l.Unpacked)
		if err != nil {
			return out, fmt.Errorf("unpacked: %w", err)
		}
		out.Unpacked = max(out.Size, n)
	}
	return out, nil
}

func hashed(parts ...string) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q", parts)))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Layers of an image that the file names under "registry" and under "layers".
func (w *World) Layers(ctx context.Context, image, platform string) (port.Manifest, error) {
	return read(ctx, w, "Layers", func(s *state) (m port.Manifest, n int, err error) {
		name, platforms := s.image(image)
		switch {
		case platforms == nil:
			return m, 0, fmt.Errorf("image %s: %w", image, port.ErrNotFound)
		case platforms[platform] == "":
			return m, 0, fmt.Errorf("image %s for %s: %w", image, platform, port.ErrNotFound)
		case s.layers[name] == nil:
			return m, 0, fmt.Errorf("image %s: the file does not say of what layers it is; add them under \"layers\"", image)
		}
		m = port.Manifest{Digest: platforms[platform], Config: hashed("config", platforms[platform])}
		for _, l := range s.layers[name] {
			layer, err := l.read()
			if err != nil {
				return port.Manifest{}, 0, err
			}
			m.Layers = append(m.Layers, layer)
		}
		return m, 0, nil
	})
}
