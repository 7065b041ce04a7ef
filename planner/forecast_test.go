package planner

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// gz and zs are twins: one content, compressed in two ways.
func gz(name string, size int64) Layer {
	return Layer{Digest: "gz-" + name, DiffID: name, Size: size, Unpacked: 3 * size}
}

func zs(name string, size int64) Layer {
	l := gz(name, size)
	l.Digest, l.Size = "zs-"+name, size/2
	return l
}

func content(layers ...Layer) Content {
	config := ""
	for _, l := range layers {
		config += l.DiffID + " "
	}
	return Content{Config: config, Layers: layers}
}

func TestForecast(t *testing.T) {
	base, app := gz("base", 100), gz("app", 10)
	foreign := gz("windows", 1000)
	foreign.Foreign = true
	plain := Layer{Digest: "tar", DiffID: "tar", Size: 50, Unpacked: 50, Exact: true}
	for _, c := range []struct {
		name                      string
		held                      []Content
		pull                      Content
		docker, containerd, blobs Cost
	}{
		{"nothing held", nil, content(base, app), Cost{110, 0, 330, false}, Cost{110, 0, 330, false}, Cost{110, 0, 440, false}},
		{"the base held", []Content{content(base)}, content(base, app), Cost{10, 0, 30, false}, Cost{10, 0, 30, false}, Cost{10, 0, 40, false}},
		{"the image held", []Content{content(base, app)}, content(base, app), Cost{Exact: true}, Cost{Exact: true}, Cost{Exact: true}},
		{"the same layer on another chain", []Content{content(gz("other", 7), app)}, content(base, app), Cost{110, 0, 330, false}, Cost{110, 0, 330, false}, Cost{100, 0, 430, false}},
		{"a twin of the base held", []Content{content(zs("base", 100))}, content(base, app), Cost{110, 0, 30, false}, Cost{10, 0, 30, false}, Cost{10, 0, 40, false}},
		{"a twin of the image held", []Content{content(zs("base", 100), zs("app", 10))}, content(base, app), Cost{Exact: true}, Cost{Exact: true}, Cost{Exact: true}},
		{"a layer twice", nil, content(base, app, base), Cost{110, 0, 630, false}, Cost{110, 0, 630, false}, Cost{110, 0, 740, false}},
		{"a layer twice, its first place held", []Content{content(base)}, content(base, app, base), Cost{110, 0, 330, false}, Cost{110, 0, 330, false}, Cost{10, 0, 340, false}},
		{"a foreign layer", nil, content(foreign, app), Cost{1010, 1000, 3030, false}, Cost{1010, 1000, 3030, false}, Cost{1010, 1000, 4040, false}},
		{"a plain layer", nil, content(plain), Cost{50, 0, 50, true}, Cost{50, 0, 50, true}, Cost{50, 0, 100, true}},
		{"an empty layer", nil, content(Layer{Digest: "gz-empty", DiffID: "empty", Size: 32, Unpacked: 1024, Exact: true}), Cost{32, 0, 1024, true}, Cost{32, 0, 1024, true}, Cost{32, 0, 1056, true}},
		{"no layers", nil, Content{Config: "scratch"}, Cost{Exact: true}, Cost{Exact: true}, Cost{Exact: true}},
	} {
		for engine, want := range map[Engine]Cost{Docker: c.docker, Containerd: c.containerd, ContainerdBlobs: c.blobs} {
			d := NewDisk(engine)
			for _, h := range c.held {
				d.Pull(h)
			}
			if got := d.Forecast(c.pull); got != want {
				t.Errorf("%s, %s: %+v, want %+v", c.name, engine, got, want)
			}
		}
	}
}

// TestADockerTwinOnceTransferredIsKnown: the second time its digest is known.
func TestADockerTwinOnceTransferredIsKnown(t *testing.T) {
	d := NewDisk(Docker)
	d.Pull(content(gz("base", 100)))
	d.Pull(content(zs("base", 100), gz("a", 1)))
	if got := d.Forecast(content(zs("base", 100), gz("b", 1))); got.Transfer != 1 {
		t.Errorf("%+v", got)
	}
}

func TestSettle(t *testing.T) {
	unknown, exact := zs("x", 10), gz("x", 10)
	unknown.Unpacked, exact.Unpacked, exact.Exact = 0, 33, true
	low := gz("y", 10)
	low.Unpacked = 5
	all := []Content{content(unknown, low), content(exact, gz("y", 10))}
	Settle(all)
	for _, c := range all {
		if x := c.Layers[0]; x.Unpacked != 33 || !x.Exact {
			t.Errorf("%+v", x)
		}
		if y := c.Layers[1]; y.Unpacked != 30 || y.Exact {
			t.Errorf("%+v", y)
		}
	}
}

func drawEngine(t *rapid.T) Engine {
	return rapid.SampledFrom([]Engine{Docker, Containerd, ContainerdBlobs}).Draw(t, "engine")
}

// drawContent is of few layers, so that images share, repeat and twin.
func drawContent(t *rapid.T) Content {
	return content(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Layer {
		n := rapid.Int64Range(1, 6).Draw(t, "layer")
		if rapid.IntRange(0, 5).Draw(t, "twin") == 0 {
			return zs(fmt.Sprint(n), 10*n)
		}
		return gz(fmt.Sprint(n), 10*n)
	}), 0, 5).Draw(t, "layers")...)
}

// TestForecastProperties: a forecast is what the pull then costs, changes
// nothing, is no more than on an empty disk; what was pulled costs nothing more,
// and holding more never makes a chain's engine transfer more.
func TestForecastProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		engine := drawEngine(t)
		d, few, none := NewDisk(engine), NewDisk(engine), NewDisk(engine)
		for i, c := range rapid.SliceOfN(rapid.Custom(drawContent), 0, 5).Draw(t, "held") {
			d.Pull(c)
			if i == 0 {
				few.Pull(c)
			}
		}
		c := rapid.Custom(drawContent).Draw(t, "pull")
		first, second := d.Forecast(c), d.Forecast(c)
		if first != second {
			t.Fatalf("a forecast changed the disk: %+v, then %+v", first, second)
		}
		if empty := none.Forecast(c); first.Transfer > empty.Transfer || first.Disk > empty.Disk {
			t.Fatalf("%+v, on an empty disk %+v", first, empty)
		}
		if engine != ContainerdBlobs && first.Transfer > few.Forecast(c).Transfer {
			t.Fatalf("%+v, with less held %+v", first, few.Forecast(c))
		}
		if got := d.Pull(c); got != first {
			t.Fatalf("forecast %+v, pulled %+v", first, got)
		}
		if again := d.Forecast(c); again.Transfer != 0 || again.Disk != 0 {
			t.Fatalf("pulled once, and again %+v", again)
		}
	})
}
