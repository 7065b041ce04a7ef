package schema

import (
	"testing"

	"pgregory.net/rapid"
)

// TestFill: what fits, fits, and one more does not; nothing is left over of what a
// demand does not ask for.
func TestFill(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(0, 64)
		room := Room{MilliCores: amount.Draw(t, "cores"), Memory: amount.Draw(t, "memory"), Pods: rapid.Int64Range(-1, 20).Draw(t, "pods"), Other: map[string]int64{WholeGPU: rapid.Int64Range(0, 8).Draw(t, "gpus")}, Whole: true}
		one := Room{MilliCores: amount.Draw(t, "want cores"), Memory: amount.Draw(t, "want memory"), Pods: 1, Other: map[string]int64{}}
		if n := rapid.Int64Range(0, 2).Draw(t, "want gpus"); n > 0 {
			one.Other[WholeGPU] = n
		}
		n, left, known := room.Fill(one)
		if known != (one.MilliCores > 0 || one.Memory > 0 || len(one.Other) > 0) {
			t.Fatalf("known is %t for %+v", known, one)
		}
		if !known {
			return
		}
		fits := func(n int64) bool {
			return n*one.MilliCores <= room.MilliCores && n*one.Memory <= room.Memory && n*one.Other[WholeGPU] <= room.Other[WholeGPU] && (room.Pods < 0 || n <= room.Pods)
		}
		if n < 0 || !fits(n) || fits(n+1) {
			t.Fatalf("%d of %+v in %+v", n, one, room)
		}
		for _, l := range left {
			if l.Left < 0 || l.Share < 0 || l.Share > 1 {
				t.Fatalf("%+v", l)
			}
		}
	})
}

func TestWhatIsNotKnownOfANode(t *testing.T) {
	slice := DemandOf(map[string]Value{"cores": JSON(1), "gpu.count": JSON(1), "gpu.key": JSON("nvidia.com/mig-1g.5gb")}, nil)
	typed := RoomOf(nil, Capacity{Cores: 8, Memory: 32 << 30, GPUs: 1})
	if _, _, known := typed.Fill(slice); known {
		t.Error("an instance type does not tell into which slices its GPUs are cut")
	}
	live := Room{MilliCores: 7500, Memory: 31 << 30, Pods: -1, Other: map[string]int64{WholeGPU: 1}, Whole: true}
	if n, _, known := live.Fill(slice); !known || n != 0 {
		t.Errorf("a live node without the resource holds %d, %t", n, known)
	}
}

// TestCoresText has one core in the singular.
func TestCoresText(t *testing.T) {
	for cores, want := range map[float64]string{0: "0 cores", 0.5: "0.5 cores", 1: "1 core", 1.5: "1.5 cores", 2: "2 cores", 11: "11 cores"} {
		if got := CoresText(cores); got != want {
			t.Errorf("%v: %q, want %q", cores, got, want)
		}
	}
}
