package registry

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"domctl.dev/internal/worldtest"
)

// TestContract runs on the registry that go-containerregistry has in it.
func TestContract(t *testing.T) {
	worldtest.Run(t, func(t *testing.T) worldtest.World { return under(serve(t, nil)) })
}

func under(host string) worldtest.World {
	return worldtest.World{
		Registry: New(Config{Hosts: []string{host}}),
		Put: worldtest.Put{RegistryImage: func(t *testing.T, repository, tag string, platforms ...string) (string, map[string]string) {
			t.Helper()
			return push(t, host+"/"+repository+":"+tag, platforms)
		}},
	}
}

// push writes an index, or an image where there is one platform.
func push(t *testing.T, at string, platforms []string) (string, map[string]string) {
	t.Helper()
	ref, err := name.ParseReference(at)
	if err != nil {
		t.Fatal(err)
	}
	index, digests := v1.ImageIndex(empty.Index), map[string]string{}
	for _, text := range platforms {
		p, err := v1.ParsePlatform(text)
		if err != nil {
			t.Fatal(err)
		}
		i := image(t, p.OS, p.Architecture)
		digest, err := i.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[text] = digest.String()
		if len(platforms) == 1 {
			if err := remote.Write(ref, i); err != nil {
				t.Fatal(err)
			}
			return at, digests
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: i, Descriptor: v1.Descriptor{Platform: p}})
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	return at, digests
}
