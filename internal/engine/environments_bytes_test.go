package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
)

// registryCalls counts what registries are asked for.
type registryCalls struct {
	mu          sync.Mutex
	times       map[string]int // by image
	beside, now map[string]int // by registry: the most at a time
}

func (a *registryCalls) begin(image string) (end func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	host, _, _ := strings.Cut(image, "/")
	a.times[image]++
	a.now[host]++
	a.beside[host] = max(a.beside[host], a.now[host])
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.now[host]--
	}
}

// sized lists n environments with the sizes that registries tell; every other has its
// image in a second registry.
func sized(t *testing.T, n int, layers func(ctx context.Context, image string) (port.Manifest, error)) ([]engine.Environment, *registryCalls) {
	t.Helper()
	a := &registryCalls{times: map[string]int{}, beside: map[string]int{}, now: map[string]int{}}
	r := fleetOf(t, n, func(ctx context.Context, image string) (port.Manifest, error) {
		defer a.begin(image)()
		return layers(ctx, image)
	})
	e, err := engine.Open(t.Context(), engine.Config{Compiled: r.Compiled, Outside: r.Outside, Store: r.Store, Clock: sim.NewJump(), Random: func() string { return "aaaaaaaaaaaaaaaaaaaaaaaaaa" }})
	if err != nil {
		t.Fatal(err)
	}
	all, err := e.Environments(t.Context(), engine.Look{Bytes: true})
	if err != nil || len(all) != n {
		t.Fatalf("%d of %d, %v", len(all), n, err)
	}
	return all, a
}

// TestSizesOfMany: 500 images of shared layers are each asked for once, a few of a
// registry at a time, and count what they share each.
func TestSizesOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		all, a := sized(t, 500, func(_ context.Context, image string) (port.Manifest, error) {
			time.Sleep(time.Second)
			return port.Manifest{Digest: image, Layers: []port.Layer{{Digest: "shared", Size: 1000}, {Digest: image, Size: 1}}}, nil
		})
		for _, e := range all {
			if e.Bytes == nil || *e.Bytes != 1001 || e.Unsized != "" {
				t.Errorf("%s: %v %s", e.Name, e.Bytes, e.Unsized)
			}
		}
		for image, times := range a.times {
			if times != 1 {
				t.Errorf("%s is asked for %d times", image, times)
			}
		}
		if took := time.Since(began); len(a.times) != 500 || fmt.Sprint(a.beside) != "map[r0.example.com:8 r1.example.com:8]" || took != 32*time.Second {
			t.Errorf("%d images, %v at a time, in %s", len(a.times), a.beside, took)
		}
	})
}

// TestARegistryThatFails takes no other down, and one that does not answer holds no other
// up: what is not known says why.
func TestARegistryThatFails(t *testing.T) {
	for name, broken := range map[string]func(ctx context.Context, good *sync.WaitGroup) error{
		"denied": func(context.Context, *sync.WaitGroup) error { return errors.New("registry: 401") },
		"no answer": func(_ context.Context, good *sync.WaitGroup) error {
			good.Wait()
			return errors.New("registry: no answer")
		},
	} {
		var good sync.WaitGroup
		good.Add(50)
		all, _ := sized(t, 100, func(ctx context.Context, image string) (port.Manifest, error) {
			if strings.HasPrefix(image, "r1.") {
				return port.Manifest{}, broken(ctx, &good)
			}
			defer good.Done()
			return oneLayer(ctx, image)
		})
		for _, e := range all {
			r, _ := e.ActiveRevision()
			fails := strings.HasPrefix(r.Image, "r1.")
			if fails && (e.Bytes != nil || !strings.HasPrefix(e.Unsized, "registry: ")) || !fails && (e.Bytes == nil || *e.Bytes != 100 || e.Unsized != "") {
				t.Errorf("%s: %s: %v %q", name, r.Image, e.Bytes, e.Unsized)
			}
		}
	}
}
