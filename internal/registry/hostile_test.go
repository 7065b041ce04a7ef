package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// shelf answers what stands under a digest, and a manifest under every tag.
type shelf struct {
	bodies map[string]string
	tagged string // the digest of what tags name
}

func (s *shelf) put(format string, args ...any) (digest string) {
	body := fmt.Sprintf(format, args...)
	sum := sha256.Sum256([]byte(body))
	digest = "sha256:" + hex.EncodeToString(sum[:])
	s.bodies[digest], s.tagged = body, digest
	return digest
}

func (s *shelf) answer(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/v2/" {
		return false
	}
	digest := path.Base(r.URL.Path)
	if digest == "1" {
		digest = s.tagged
	}
	body, ok := s.bodies[digest]
	if !ok {
		http.NotFound(w, r)
		return true
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte(body))
	}
	return true
}

// image puts an image whose manifest has these layers, and whose configuration
// is of these words.
func (s *shelf) image(config string, layers ...string) string {
	return s.put(`{"schemaVersion": 2, "config": {"size": 1, "digest": "%s"}, "layers": [%s]}`, s.put("%s", config), strings.Join(layers, ","))
}

func (s *shelf) index(entries ...string) string {
	return s.put(`{"schemaVersion": 2, "manifests": [%s]}`, strings.Join(entries, ","))
}

func entry(digest string, media types.MediaType) string {
	return fmt.Sprintf(`{"mediaType": "%s", "digest": "%s", "size": 1, "platform": {"os": "linux", "architecture": "amd64"}}`, media, digest)
}

// TestHostileImages: what is whole by its digest, and makes no sense.
func TestHostileImages(t *testing.T) {
	const zeros = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	layer := func(size string) string {
		return `{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "` + zeros + `", "size": ` + size + `}`
	}
	config := func(layers int) string {
		diffs := strings.Repeat(`,"`+zeros+`"`, layers)
		return `{"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [` + strings.TrimPrefix(diffs, ",") + `]}}`
	}
	for want, put := range map[string]func(*shelf){
		"its index names another index for linux/amd64": func(s *shelf) {
			s.index(entry(s.index(), types.OCIManifestSchema1))
		},
		"it has no image for linux/amd64, only for": func(s *shelf) { s.index(entry(s.index(), types.OCIImageIndex)) },
		"it has no image for linux/amd64, only for linux/s390x": func(s *shelf) {
			s.index(entry(s.image(`{"os": "linux", "architecture": "s390x"}`), types.OCIManifestSchema1))
		},
		"not found in the registry":                                      func(s *shelf) { s.index(entry(zeros, types.OCIManifestSchema1)) },
		"its configuration is malformed":                                 func(s *shelf) { s.image(`{"os": 1}`) },
		"its configuration is malformed: unexpected EOF":                 func(s *shelf) { s.image(`{"os"`) },
		"its manifest is malformed":                                      func(s *shelf) { s.image(config(1), `{"size": "1"}`) },
		"its manifest names 2 layers and its configuration 1":            func(s *shelf) { s.image(config(1), layer("1"), layer("1")) },
		"its manifest names 0 layers and its configuration 1":            func(s *shelf) { s.image(config(1)) },
		"its layer 1 is said to be of -1 bytes":                          func(s *shelf) { s.image(config(1), layer("-1")) },
		"its layer 2 is said to be of 17592186044417 bytes":              func(s *shelf) { s.image(config(2), layer("1"), layer("17592186044417")) },
		"its layers up to the 2. are said to be of 17592186044417 bytes": func(s *shelf) { s.image(config(2), layer("17592186044416"), layer("1")) },
		"its manifest names 1001 layers, which no engine takes":          func(s *shelf) { s.image(config(1001), slices.Repeat([]string{layer("1")}, 1001)...) },
		"the registry sent something else than what sha512:": func(s *shelf) {
			digest := s.image(config(0))
			s.tagged = "sha512:" + strings.Repeat("0", 128)
			s.bodies[s.tagged] = s.bodies[digest]
		},
	} {
		s := &shelf{bodies: map[string]string{}}
		put(s)
		host := serve(t, s.answer)
		_, err := client(host, "").Layers(context.Background(), host+"/domino/base:1", amd)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestAnswersWithoutAnEnd are left off, whatever kind of answer it is.
func TestAnswersWithoutAnEnd(t *testing.T) {
	s := &shelf{bodies: map[string]string{}}
	s.image(`{}`)
	for what, begins := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"a manifest": func(_ http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/")
		},
		"a configuration": func(_ http.ResponseWriter, r *http.Request) bool { return strings.Contains(r.URL.Path, "/blobs/") },
		"a refusal": func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || r.URL.Path == "/v2/" {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			return true
		},
		"a token": func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v2/" {
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
			return r.URL.Path == "/token"
		},
	} {
		var sent atomic.Int64
		host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
			if !begins(w, r) {
				return r.URL.Path == "/v2/" && what == "a token" || s.answer(w, r)
			}
			for chunk := make([]byte, 64<<10); ; {
				n, err := w.Write(chunk)
				if sent.Add(int64(n)); err != nil {
					return true
				}
			}
		})
		if _, err := client(host, "").Layers(context.Background(), host+"/domino/base:1", amd); err == nil {
			t.Errorf("%s without an end is taken", what)
		}
		if n := sent.Load(); n == 0 || n > 4*maxObject {
			t.Errorf("%s without an end: %d bytes were taken", what, n)
		}
	}
}

// TestARedirectWithoutAnEnd is followed a few times.
func TestARedirectWithoutAnEnd(t *testing.T) {
	s := &shelf{bodies: map[string]string{}}
	s.image(`{}`)
	var asked atomic.Int32
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return s.answer(w, r)
		}
		http.Redirect(w, r, fmt.Sprintf("%s?n=%d", r.URL.Path, asked.Add(1)), http.StatusTemporaryRedirect)
		return true
	})
	_, err := client(host, "").Layers(context.Background(), host+"/domino/base:1", amd)
	if err == nil || !strings.Contains(err.Error(), "redirects") || asked.Load() > 10 {
		t.Errorf("%v after %d redirects", err, asked.Load())
	}
}
