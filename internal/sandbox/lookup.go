package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// GetCallerIdentity is what aws.account, aws.region and aws.arn say.
func (w *World) GetCallerIdentity(ctx context.Context) (port.Identity, error) {
	return read(ctx, w, "GetCallerIdentity", func(s *state) (port.Identity, int, error) {
		a := s.aws
		return port.Identity{Account: a.Account, Region: a.Region, ARN: cmp.Or(a.ARN, "arn:aws:iam::"+a.Account+":user/sandbox")}, 0, nil
	})
}

// GetParameters leaves unknown names out.
func (w *World) GetParameters(ctx context.Context, names []string) (map[string]string, error) {
	return read(ctx, w, "GetParameters", func(s *state) (map[string]string, int, error) {
		out := map[string]string{}
		for _, name := range names {
			if v, ok := s.aws.Parameters[name]; ok {
				out[name] = v
			}
		}
		return out, len(names), nil
	})
}

// GetSecretValue answers by name, or by an ARN that ends in it: AWS adds a dash
// and six characters ("What's in a Secrets Manager secret?", ARN).
func (w *World) GetSecretValue(ctx context.Context, id string) (string, error) {
	return read(ctx, w, "GetSecretValue", func(s *state) (string, int, error) {
		name := id
		if arn := strings.SplitN(id, ":", 7); len(arn) == 7 && arn[0] == "arn" {
			name = arn[6][:max(len(arn[6])-len("-AbCdEf"), 0)]
		}
		v, ok := s.aws.Secrets[name]
		if !ok {
			return "", 0, fmt.Errorf("secret %s: %w", id, port.ErrNotFound)
		}
		return v, 0, nil
	})
}

// KubernetesSecret is a key of a secret, named "namespace/name/key".
func (w *World) KubernetesSecret(ctx context.Context, name string) (string, error) {
	return read(ctx, w, "KubernetesSecret", func(s *state) (string, int, error) {
		secret, key := path.Split(name)
		secret = strings.TrimSuffix(secret, "/")
		value, ok := s.cluster.Secrets[secret][key]
		if !ok {
			return "", 0, fmt.Errorf("%w; write it into the sandbox's file: kubernetes: secrets: %q: %q: …", port.ErrNotFound, secret, key)
		}
		return value, 0, nil
	})
}

// Digests of an image named as the file names it, with ":latest" understood, or
// by one of its digests. Platforms that it lacks are left out.
func (w *World) Digests(ctx context.Context, image string, platforms []string) (map[string]string, error) {
	return read(ctx, w, "Digests", func(s *state) (map[string]string, int, error) {
		_, found := s.image(image)
		if found == nil {
			return nil, 0, fmt.Errorf("image %s: %w", image, port.ErrNotFound)
		}
		out := maps.Clone(found)
		if len(platforms) > 0 {
			maps.DeleteFunc(out, func(p, _ string) bool { return !slices.Contains(platforms, p) })
		}
		return out, 0, nil
	})
}

// image is the name that the file has an image under, and its digests.
func (s *state) image(name string) (string, map[string]string) {
	repository, digest, byDigest := strings.Cut(name, "@")
	if !byDigest {
		if found := s.registry[name]; found != nil || strings.LastIndexByte(name, ':') > strings.LastIndexByte(name, '/') {
			return name, found
		}
		return name + ":latest", s.registry[name+":latest"]
	}
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository = repository[:i] // a tag beside a digest says nothing
	}
	for _, ref := range schema.Sorted(s.registry) {
		if !strings.HasPrefix(ref, repository+":") {
			continue
		}
		for platform, d := range s.registry[ref] {
			if d == digest {
				return ref, map[string]string{platform: d}
			}
		}
	}
	return name, nil
}
