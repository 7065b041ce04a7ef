package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/state"
	"domctl.dev/schema"
)

// registries answers for layers in place of the sandbox.
type registries struct {
	port.Outside
	layers func(ctx context.Context, image string) (port.Manifest, error)
}

func (r registries) Layers(ctx context.Context, image, _ string) (port.Manifest, error) {
	return r.layers(ctx, image)
}

// fleetOf is n environments, each with an image of its own.
func fleetOf(t *testing.T, n int, layers func(ctx context.Context, image string) (port.Manifest, error)) engine.Images {
	t.Helper()
	var envs, revisions []string
	for i := range n {
		envs = append(envs, fmt.Sprintf(`{"_id": {"$oid": "65e%021x"}, "name": "e%02d", "activeRevisionId": {"$oid": "65d%021x"}}`, i, i, i))
		revisions = append(revisions, fmt.Sprintf(`{"_id": {"$oid": "65d%021x"}, "environmentId": {"$oid": "65e%021x"}, "metadata": {"number": 1, "isBuilt": true, "dockerImageName": {"repository": "r%d.example.com/env", "tag": "t%d"}}}`, i, i, i%2, i))
	}
	m, err := sandbox.NewMemory("sandbox.json", []byte(`{"aws": {"account": "111122223333", "region": "us-west-2"}, "mongo": {"environments_v2": [`+strings.Join(envs, ",")+`], "environment_revisions": [`+strings.Join(revisions, ",")+`]}}`))
	if err != nil {
		t.Fatal(err)
	}
	w, err := m.Open(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	deployment := schema.Deployment{Name: "prod", World: "sandbox", AWS: schema.AWS{Account: "111122223333", Region: "us-west-2"}}
	return engine.Images{Compiled: compiler.Result{Desired: schema.Desired{Deployment: deployment}}, Outside: registries{w, layers}, Store: state.Memory(),
		Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }, Weights: "even", Window: time.Hour, Disk: 1000}
}

func oneLayer(_ context.Context, image string) (port.Manifest, error) {
	return port.Manifest{Digest: image, Config: image, Layers: []port.Layer{{Digest: image, DiffID: image, Size: 100, Unpacked: 300, Exact: true}}}, nil
}

// TestOneRegistryTakesNoOtherDown: while one never answers, the other's images
// are all asked for; the answer is partial and names each image that is missing.
func TestOneRegistryTakesNoOtherDown(t *testing.T) {
	var good sync.WaitGroup
	good.Add(50)
	r := fleetOf(t, 100, func(ctx context.Context, image string) (port.Manifest, error) {
		if strings.HasPrefix(image, "r1.") {
			good.Wait() // answers only once all others did
			return port.Manifest{}, errors.New(image + ": no answer")
		}
		defer good.Done()
		return oneLayer(ctx, image)
	})
	done, last := map[int]bool{}, 0
	r.Progress = func(n, total int) { done[n], last = true, total }
	f, err := r.Forecast(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for _, i := range f.Images {
		if broken := strings.HasPrefix(i.Image, "r1."); broken != (i.Problem == i.Image+": no answer") || broken == (i.Empty != nil) {
			t.Errorf("%+v", i)
		} else if !broken {
			whole++
		}
	}
	if !f.Partial || whole != 50 || len(done) != 100 || last != 100 {
		t.Errorf("partial %v, %d whole, %d of %d told", f.Partial, whole, len(done), last)
	}
}

// TestTheLimitIsTheKubelets: of images that take 300 bytes each, two fit in 80 %
// of 1,000.
func TestTheLimitIsTheKubelets(t *testing.T) {
	f, err := fleetOf(t, 5, oneLayer).Forecast(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if s := f.Suggested; s.Limit != 800 || len(s.Images) != 2 || s.Cost.Disk != 600 || s.Saved != 200 || s.Whole != 500 || !s.Proven || f.Partial {
		t.Errorf("%+v", s)
	}
}

// TestForecastRefuses another account, and ends when it is cancelled.
func TestForecastRefuses(t *testing.T) {
	r := fleetOf(t, 1, oneLayer)
	r.Compiled.Desired.Deployment.AWS.Account = "999999999999"
	if _, err := r.Forecast(context.Background()); err == nil || !strings.Contains(err.Error(), "DC601: AWS answers for account 111122223333") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r = fleetOf(t, 3, func(ctx context.Context, _ string) (port.Manifest, error) {
		cancel()
		<-ctx.Done()
		return port.Manifest{}, ctx.Err()
	})
	if _, err := r.Forecast(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
