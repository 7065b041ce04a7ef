package planner

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bruteForce tries every subset.
func bruteForce(e Engine, all []Candidate, limit int64) (most int64) {
	for set := range 1 << len(all) {
		var chosen []int
		for i := range all {
			if set>>i&1 == 1 {
				chosen = append(chosen, i)
			}
		}
		if saved, cost := worth(e, all, chosen); cost.Disk <= limit {
			most = max(most, saved)
		}
	}
	return most
}

func settled(all []Candidate) []Candidate {
	contents := make([]Content, len(all))
	for i := range all {
		contents[i] = all[i].Content
	}
	Settle(contents)
	return all
}

func TestChooseEqualsBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		engine := drawEngine(t)
		all := settled(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Candidate {
			return Candidate{drawContent(t), rapid.Int64Range(0, 9).Draw(t, "weight")}
		}), 0, 7).Draw(t, "images"))
		limit := rapid.Int64Range(0, 900).Draw(t, "limit")
		want, got := bruteForce(engine, all, limit), Choose(engine, all, limit)
		if got.Saved != want || !got.Proven || got.Most != want {
			t.Fatalf("chose %+v, the best saves %d", got, want)
		}
		if saved, cost := worth(engine, all, got.Chosen); saved != got.Saved || cost != got.Cost || cost.Disk > limit {
			t.Fatalf("chose %+v, which saves %d and costs %+v of %d", got, saved, cost, limit)
		}
	})
}

// TestIdle: what nothing runs is idle; not a base that another cached image
// brings along, which fills nothing, nor one that only shares a layer.
func TestIdle(t *testing.T) {
	base, app, other, shares := gz("base", 100), gz("app", 10), gz("other", 50), gz("shared", 20)
	all := []Candidate{
		{content(base, app), 3}, {content(base), 0}, {content(other), 0},
		{content(shares, gz("x", 1)), 0}, {content(shares, gz("y", 1)), 1},
	}
	if got := Idle(Docker, all, []int{0, 1, 2, 3}); fmt.Sprint(got) != "[2]" {
		t.Errorf("idle are %v", got)
	}
	if got := Idle(Docker, all, []int{1}); len(got) != 0 {
		t.Errorf("idle are %v, and the base saves 300 bytes", got)
	}
}

// fleet is n images as a deployment has them: a few bases, families of
// environments on them, revisions that differ in their last layers.
func fleet(n int) (all []Candidate) {
	state := uint64(1)
	roll := func(below int64) int64 {
		state = state*6364136223846793005 + 1442695040888963407
		return int64(state>>33) % below
	}
	layer := func(name string, mib int64) Layer { return gz(name, (1+roll(mib))<<20) }
	families := map[int64][]Layer{}
	for i := range n {
		f := roll(int64(n)/8 + 1)
		if families[f] == nil {
			base := f % 7
			for j := range int64(12) {
				families[f] = append(families[f], gz(fmt.Sprint("base", base, j), (7*base+5*j+3)<<20))
			}
			for j := range roll(6) {
				families[f] = append(families[f], layer(fmt.Sprint("family", f, j), 800))
			}
		}
		layers := slices.Clone(families[f])
		for j := range 1 + roll(8) {
			layers = append(layers, layer(fmt.Sprint("image", i, j), 300))
		}
		all = append(all, Candidate{content(layers...), roll(400) * roll(3)})
	}
	return all
}

// TestChooseAmongAThousand: within two seconds, the same each time, within 2 %
// of what is best, for every engine.
func TestChooseAmongAThousand(t *testing.T) {
	all := settled(fleet(1000))
	for _, engine := range []Engine{Docker, Containerd, ContainerdBlobs} {
		began := time.Now()
		got := Choose(engine, all, 160<<30)
		took := time.Since(began)
		if got.Saved <= 0 || got.Cost.Disk > 160<<30 || float64(got.Most-got.Saved) > 0.02*float64(got.Most) {
			t.Errorf("%s: saves %d of at most %d on %d bytes", engine, got.Saved, got.Most, got.Cost.Disk)
		}
		t.Logf("%s: %d images in %s, saves %d of at most %d", engine, len(got.Chosen), took, got.Saved, got.Most)
		began = time.Now()
		if again := Choose(engine, all, 160<<30); !slices.Equal(again.Chosen, got.Chosen) {
			t.Errorf("%s: another answer the second time", engine)
		}
		if took = min(took, time.Since(began)); took > 2*time.Second {
			t.Errorf("%s: it took %s", engine, took)
		}
	}
}

// TestHostileSizes: what an image says of itself does not turn a sum around.
func TestHostileSizes(t *testing.T) {
	var huge Content
	for i := range 1000 {
		huge.Layers = append(huge.Layers, Layer{Digest: fmt.Sprint("d", i), DiffID: fmt.Sprint("f", i), Size: 1 << 44, Unpacked: 1 << 44})
	}
	small := Content{Config: "small", Layers: []Layer{{Digest: "s", DiffID: "s", Size: 1 << 30, Unpacked: 1 << 31}}}
	for _, weight := range []int64{1, 1000, 100_000, math.MaxInt64} {
		for _, limit := range []int64{100 << 30, math.MaxInt64} {
			got := Choose(Containerd, []Candidate{{huge, weight}, {small, 5}, {huge, weight}}, limit)
			if got.Saved < 5<<30 || got.Most < got.Saved || limit == 100<<30 && !slices.Equal(got.Chosen, []int{1}) {
				t.Errorf("weight %d, limit %d: %+v", weight, limit, got)
			}
		}
	}
}

func TestWeighed(t *testing.T) {
	for _, c := range [][4]int64{{0, 3, 4, 12}, {5, 0, 4, 5}, {1, math.MaxInt64, 1, math.MaxInt64}, {0, 1 << 40, 1 << 40, math.MaxInt64}, {math.MaxInt64, 1, 1, math.MaxInt64}} {
		if got := Weighed(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("%v: %d", c, got)
		}
	}
}
