package world

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"domctl.dev/schema"
)

// TestPeaks: at the time that is told, so many executions were under way, and at no time
// of the window they needed more nodes.
func TestPeaks(t *testing.T) {
	room := schema.Room{MilliCores: 8000, Memory: 32 << 30, Pods: -1, Other: map[string]int64{"nvidia.com/gpu": 2}, Whole: true}
	tiers := map[string]tierDemand{
		"small": {"p", schema.Room{MilliCores: 1000, Memory: 4 << 30}},
		"large": {"p", schema.Room{MilliCores: 5000, Memory: 8 << 30}},
		"gpu":   {"p", schema.Room{MilliCores: 1000, Other: map[string]int64{"nvidia.com/gpu": 1}}},
		"other": {"q", schema.Room{MilliCores: 1000}},
	}
	zero := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(hour int) time.Time { return zero.Add(time.Duration(hour) * time.Hour) }
	rapid.Check(t, func(t *rapid.T) {
		since := rapid.IntRange(0, 20).Draw(t, "since")
		var runs []ranOn
		for i := range rapid.IntRange(0, 30).Draw(t, "runs") {
			from := rapid.IntRange(0, 30).Draw(t, "from")
			r := ranOn{id: fmt.Sprint(i), tier: rapid.SampledFrom([]string{"small", "large", "gpu", "other", "gone"}).Draw(t, "tier"), started: at(from)}
			if rapid.IntRange(0, 3).Draw(t, "live") > 0 {
				r.ended = at(from + rapid.IntRange(0, 9).Draw(t, "for"))
			}
			runs = append(runs, r)
		}
		got := peaks(runs, at(since), tiers, map[string]schema.Room{"p": room})
		under := func(hour int) (count map[string]int64, all int64) {
			count = map[string]int64{}
			for _, r := range runs {
				if tiers[r.tier].label == "p" && !r.started.After(at(hour)) && (r.ended.IsZero() || r.ended.After(at(hour))) {
					count[r.tier]++
					all++
				}
			}
			return count, all
		}
		most := int64(0)
		for hour := since; hour < 50; hour++ {
			count, all := under(hour)
			need := max((count["small"]*1000+count["large"]*5000+count["gpu"]*1000+7999)/8000, (count["small"]*4+count["large"]*8+31)/32, (count["gpu"]+1)/2, count["large"])
			most = max(most, need)
			if p := got["p"]; p.At.Equal(at(hour)) && (p.Nodes != need || p.Executions != all) {
				t.Fatalf("%+v, and at that hour %d of %d executions need %d", p, all, len(runs), need)
			}
		}
		if got["p"].Nodes != most || len(got) > 1 || (len(got) == 1) != (most > 0) {
			t.Fatalf("%+v, want %d nodes", got, most)
		}
	})
}
