package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"domctl.dev/internal/port"
)

const amd = "linux/amd64"

// text is a layer's content: it need not be a tar for a registry.
func text(n int) []byte { return bytes.Repeat([]byte("domino "), n) }

func packed(t *testing.T, body []byte, with compression.Compression, media types.MediaType) v1.Layer {
	t.Helper()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
		tarball.WithCompression(with), tarball.WithMediaType(media))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// made is an image for linux/amd64 of these layers.
func made(t *testing.T, add ...mutate.Addendum) v1.Image {
	t.Helper()
	i, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64"})
	if err == nil {
		i, err = mutate.Append(i, add...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func pushed(t *testing.T, host string, i v1.Image) string {
	t.Helper()
	if err := remote.Write(tag(t, host), i); err != nil {
		t.Fatal(err)
	}
	return tag(t, host).String()
}

func client(host string, cache string) *Client {
	return New(Config{Hosts: []string{host}, Cache: cache})
}

func layersOf(t *testing.T, c *Client, image string) port.Manifest {
	t.Helper()
	m, err := c.Layers(context.Background(), image, amd)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestLayers: what every kind of layer states, and what is known of its size.
func TestLayers(t *testing.T) {
	var stranger atomic.Int32
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) bool { stranger.Add(1); return true })
	host := serve(t, nil)
	body := text(1000)
	i := made(t,
		mutate.Addendum{Layer: packed(t, body, compression.GZip, types.DockerLayer)},
		mutate.Addendum{Layer: packed(t, body, compression.ZStd, types.OCILayerZStd), MediaType: types.OCILayerZStd},
		mutate.Addendum{Layer: static.NewLayer(text(10), types.OCIUncompressedLayer)},
		mutate.Addendum{Layer: static.NewLayer(text(20), types.DockerForeignLayer), URLs: []string{"http://" + other + "/layer"}},
		mutate.Addendum{Layer: static.NewLayer(text(30), "application/x-odd")})
	got := layersOf(t, client(host, ""), pushed(t, host, i))
	manifest, err := i.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := i.Digest()
	if got.Digest != digest.String() || got.Config != manifest.Config.Digest.String() || len(got.Layers) != 5 {
		t.Fatalf("%+v", got)
	}
	for n, want := range []struct {
		unpacked       int64
		exact, foreign bool
	}{{7000, false, false}, {7000, false, false}, {70, true, false}, {140, false, true}, {210, false, false}} {
		l := got.Layers[n]
		if l.Unpacked != want.unpacked || l.Exact != want.exact || l.Foreign != want.foreign || l.Size != manifest.Layers[n].Size || l.Digest != manifest.Layers[n].Digest.String() {
			t.Errorf("layer %d is %+v, want %+v", n, l, want)
		}
	}
	if got.Layers[0].DiffID != got.Layers[1].DiffID || got.Layers[0].Digest == got.Layers[1].Digest {
		t.Error("the gzip and the zstd layer are not twins")
	}
	if n := stranger.Load(); n > 0 {
		t.Errorf("the host of a foreign layer got %d requests", n)
	}
}

func TestZstdHeader(t *testing.T) {
	magic := []byte{0x28, 0xB5, 0x2F, 0xFD}
	for _, c := range []struct {
		rest  []byte
		want  int64
		known bool
	}{
		{[]byte{0x00, 0x58}, 0, false},                              // no size
		{[]byte{0x20, 0x07}, 7, true},                               // one byte, single segment
		{[]byte{0x40, 0x58, 0x01, 0x00}, 257, true},                 // two bytes, and 256 more
		{[]byte{0x80, 0x58, 0, 0, 1, 0}, 1 << 16, true},             // four
		{[]byte{0xE1, 0x09, 0, 0, 0, 0, 1, 0, 0, 0}, 1 << 32, true}, // eight, with a dictionary
		{[]byte{0xE0, 0, 0, 0, 0, 0, 0, 0, 0xFF}, 0, false},         // more than any layer holds
		{[]byte{0xE0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}, 1<<32 - 1, true},
		{[]byte{0xC0, 0x58, 1}, 0, false}, // cut off
	} {
		if got, known := frameSize(append(bytes.Clone(magic), c.rest...)); known != c.known || known && got != c.want {
			t.Errorf("% x: %d %v, want %d %v", c.rest, got, known, c.want, c.known)
		}
	}
	if _, known := frameSize([]byte("no zstd at all")); known {
		t.Error("another magic number has a size")
	}
}

// TestLayersRefused: what each answer of a registry that does not do as it
// should is told as; a wrong answer is never kept.
func TestLayersRefused(t *testing.T) {
	good := made(t, mutate.Addendum{Layer: packed(t, text(9), compression.GZip, types.DockerLayer)})
	manifest := func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/")
	}
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) bool { t.Error("a stranger was asked"); return true })
	for what, c := range map[string]struct {
		platform string
		wrap     func(http.ResponseWriter, *http.Request) bool
		want     string
	}{
		"another platform": {"linux/arm64", nil, "it has no image for linux/arm64, only for linux/amd64"},
		"another digest": {amd, func(w http.ResponseWriter, r *http.Request) bool {
			if manifest(r) {
				fmt.Fprint(w, `{"schemaVersion": 2}`)
			}
			return manifest(r)
		}, "the registry sent something else than what sha256:"},
		"cut off": {amd, func(w http.ResponseWriter, r *http.Request) bool {
			if manifest(r) {
				w.Header().Set("Content-Length", "1000")
				fmt.Fprint(w, `{"schemaVersion"`)
			}
			return manifest(r)
		}, "broke off in the middle of an answer"},
		"huge": {amd, func(w http.ResponseWriter, r *http.Request) bool {
			if manifest(r) {
				_, _ = w.Write(make([]byte, maxObject+1))
			}
			return manifest(r)
		}, "its manifest is larger than 8 MiB"},
		"schema 1": {amd, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.Header().Set("Content-Type", string(types.DockerManifestSchema1Signed))
			}
			return r.Method == http.MethodHead
		}, "its manifest is of schema 1, which states no sizes; pull the image and push it again"},
		"no digest": {amd, func(w http.ResponseWriter, r *http.Request) bool { return r.Method == http.MethodHead }, "the registry states no digest for it"},
		"a redirect of the configuration": {amd, func(w http.ResponseWriter, r *http.Request) bool {
			blob := strings.Contains(r.URL.Path, "/blobs/")
			if blob {
				http.Redirect(w, r, "http://"+other+r.URL.Path, http.StatusTemporaryRedirect)
			}
			return blob
		}, "host " + other + " is not one that may be asked; add it to deployment.registries"},
	} {
		armed := false
		host := serve(t, func(w http.ResponseWriter, r *http.Request) bool { return armed && c.wrap != nil && c.wrap(w, r) })
		image, dir := pushed(t, host, good), t.TempDir()
		armed = true
		if _, err := client(host, dir).Layers(context.Background(), image, c.platform); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
		armed = false
		layersOf(t, client(host, dir), image)
	}
}

// TestARangeThatIsNotServed leaves the size at what is certain.
func TestARangeThatIsNotServed(t *testing.T) {
	var ranges atomic.Int32
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == "" {
			return false
		}
		ranges.Add(1)
		fmt.Fprint(w, "all of it")
		return true
	})
	i := made(t, mutate.Addendum{Layer: packed(t, text(1000), compression.GZip, types.DockerLayer)}, mutate.Addendum{Layer: packed(t, text(999), compression.GZip, types.DockerLayer)})
	for _, l := range layersOf(t, client(host, ""), pushed(t, host, i)).Layers {
		if l.Unpacked != l.Size || l.Exact {
			t.Errorf("%+v", l)
		}
	}
	if n := ranges.Load(); n != 1 {
		t.Errorf("%d ranges were asked for, want 1: the second answer is known", n)
	}
}

// TestCacheIsShared: clients in other processes read, write and clear the same
// folder; what is read is right or missing.
func TestCacheIsShared(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		c := newCache(dir, time.Now)
		c.limit = 20_000
		wg.Go(func() {
			for n := range 100 {
				body := text(n)
				sum := sha256.Sum256(body)
				digest := "sha256:" + hex.EncodeToString(sum[:])
				c.keep(digest, body)
				if got, ok := c.object(digest); ok && !bytes.Equal(got, body) {
					t.Errorf("%s is %d bytes, want %d", digest, len(got), len(body))
				}
			}
		})
	}
	wg.Wait()
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestCacheAcrossClients: the second client sends one HEAD; a cache that is
// broken, or cannot be written, is none, and mends itself where it can.
func TestCacheAcrossClients(t *testing.T) {
	var asked atomic.Int32
	host := serve(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "domino") {
			asked.Add(1)
		}
		return false
	})
	image := pushed(t, host, made(t, mutate.Addendum{Layer: packed(t, text(1000), compression.GZip, types.DockerLayer)}))
	dir := filepath.Join(t.TempDir(), "cache")
	first := layersOf(t, client(host, dir), image)
	count := func(dir string) int32 {
		t.Helper()
		asked.Store(0)
		if got := layersOf(t, client(host, dir), image); fmt.Sprint(got) != fmt.Sprint(first) {
			t.Errorf("%+v, the first time %+v", got, first)
		}
		return asked.Load()
	}
	if n := count(dir); n != 1 {
		t.Errorf("%d requests, want a HEAD", n)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if len(files) != 3 {
		t.Fatalf("the cache holds %v, want manifest, configuration and size", files)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte("7 rubbish"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(dir); n != 4 {
		t.Errorf("with a broken cache %d requests, want all 4", n)
	}
	if n := count(dir); n != 1 {
		t.Errorf("the broken cache was not mended: %d requests", n)
	}
	if err := os.WriteFile(dir+"-file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if n := count(dir + "-file"); n != 4 {
		t.Errorf("with a file for a folder %d requests, want all 4", n)
	}
}

// TestCacheIsBounded: what was read longest ago goes.
func TestCacheIsBounded(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	c := newCache(t.TempDir(), func() time.Time { now = now.Add(time.Second); return now })
	c.limit = 1000
	key := func(n int) string { return fmt.Sprintf("sha256:%064x", n) }
	for n := range 9 {
		c.store(key(n), make([]byte, 100))
	}
	if _, ok := c.load(key(0)); !ok {
		t.Fatal("the first entry is gone before the cache is full")
	}
	c.store(key(9), make([]byte, 100))
	c.store(key(10), make([]byte, 100))
	for n, want := range map[int]bool{0: true, 1: false, 2: false, 3: true, 10: true} {
		if _, ok := c.load(key(n)); ok != want {
			t.Errorf("entry %d: %v, want %v", n, ok, want)
		}
	}
	c.store("sha256:../../out", []byte("x"))
	if _, ok := c.load("sha256:../../out"); ok {
		t.Error("a key led out of the folder")
	}
}

// TestThrottledWhileReading: a blob is asked for again too.
func TestThrottledWhileReading(t *testing.T) {
	left := 2
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") || left == 0 {
			return false
		}
		left--
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	image := pushed(t, host, made(t, mutate.Addendum{Layer: packed(t, text(9), compression.GZip, types.DockerLayer)}))
	c, pauses := counted(host)
	if m := layersOf(t, c, image); len(m.Layers) != 1 || fmt.Sprint(*pauses) != "[3s 3s]" {
		t.Errorf("%+v, paused %v", m, *pauses)
	}
}

// TestASilentRegistryIsGivenUp: after so many time-outs nobody waits for it.
func TestASilentRegistryIsGivenUp(t *testing.T) {
	c := client("registry.example.com", "")
	for range giveUp {
		c.gate("registry.example.com").note(true)
	}
	_, err := c.Layers(context.Background(), "registry.example.com/a:1", amd)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not asked: registry.example.com gave no answer, or asked to wait, 4 times in a row") {
		t.Error(err)
	}
	c.gate("registry.example.com").note(false)
	if c.gate("registry.example.com").silent() {
		t.Error("an answer does not open the gate again")
	}
}

// TestAThrottlingRegistryIsGivenUp: one that asks to wait for longer than anybody
// does costs no waiting, and is asked for a few images alone.
func TestAThrottlingRegistryIsGivenUp(t *testing.T) {
	for _, after := range []string{"61", "999999999999", "99999999999999999999999"} {
		var asked atomic.Int32
		host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v2/" {
				asked.Add(1)
				w.Header().Set("Retry-After", after)
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return r.URL.Path != "/v2/"
		})
		c, pauses := counted(host)
		for n := range 2 * giveUp {
			_, err := c.Layers(context.Background(), host+"/a:1", amd)
			if n < giveUp && !errors.Is(err, port.ErrThrottled) || n >= giveUp && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, image %d: %v", after, n, err)
			}
		}
		if len(*pauses) > 0 || asked.Load() != giveUp {
			t.Errorf("%s: paused %v, asked %d times", after, *pauses, asked.Load())
		}
	}
}

// TestAHang ends with the caller.
func TestAHang(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	host := serve(t, func(_ http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return true
	})
	if _, err := client(host, "").Layers(ctx, host+"/a:1", amd); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestNodesHaveAnotherAddress: names are asked for where they can be reached.
func TestNodesHaveAnotherAddress(t *testing.T) {
	host := serve(t, nil)
	pushed(t, host, made(t))
	c := New(Config{Hosts: []string{host}, OnNodes: map[string]string{"10.1.2.3:5000": host, "": host}})
	for _, image := range []string{"10.1.2.3:5000/domino/base:1", "domino/base:1", host + "/domino/base:1"} {
		layersOf(t, c, image)
	}
	if _, err := c.Layers(context.Background(), "quay.io/domino/base:1", amd); err == nil || !strings.Contains(err.Error(), "host quay.io is not one that may be asked") {
		t.Error(err)
	}
}

func TestDecodeManifest(t *testing.T) {
	const config, layer = `"config": {"mediaType": "x", "size": 1, "digest": "sha256:`, `"layers": []`
	for body, want := range map[string]string{
		`[]`:                                   "not JSON",
		`{}`:                                   `of media type ""`,
		`{"schemaVersion": 1, "fsLayers": []}`: "of schema 1",
		`{"schemaVersion": 2, "manifests": [], "layers": []}`:         "an index and an image at once",
		`{"mediaType": "application/x-helm", "layers": []}`:           `"application/x-helm", neither an image nor an index`,
		`{"layers": [{"digest": "md5:x"}]}`:                           "malformed",
		`{"manifests": []}`:                                           "",
		`{` + config + strings.Repeat("0", 64) + `"}, ` + layer + `}`: "",
	} {
		_, err := decodeManifest([]byte(body))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

// FuzzManifest: what a registry or a cache holds is an image, an index or an
// error in one line.
func FuzzManifest(f *testing.F) {
	i := made(&testing.T{}, mutate.Addendum{Layer: static.NewLayer(text(3), types.OCILayer)})
	raw, err := i.RawManifest()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"schemaVersion": 2, "manifests": [{"platform": {"os": "linux"}}]}`))
	f.Add([]byte(`{"layers": null, "config": {"digest": "sha256:"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := decodeManifest(body)
		switch {
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("%q", err)
		case err == nil && (m.index == nil) == (m.image == nil):
			t.Errorf("%+v", m)
		case m.index != nil:
			platforms(m.index)
		}
	})
}
