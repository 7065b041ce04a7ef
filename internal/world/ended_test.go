package world_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// TestExpectedEnd: of runs like it, those alone count that lasted longer than it has, and
// what too few can tell, or nobody, is not foretold.
func TestExpectedEnd(t *testing.T) {
	const run = "65f0000000000000000000a1"
	now := newBench(t, `"runs": []`, "").clock.Now()
	date := func(at time.Time) string {
		return fmt.Sprintf(`{"$date": %q}`, at.UTC().Format("2006-01-02T15:04:05Z"))
	}
	// past are runs that ended a day ago, after so many minutes each.
	past := func(tier, project string, minutes ...int) (docs []string) {
		for _, m := range minutes {
			began := now.Add(-24 * time.Hour)
			docs = append(docs, fmt.Sprintf(`{"tier": %q, "projectId": {"$oid": %q}, "started": %s, "completed": %s}`, tier, project, date(began), date(began.Add(time.Duration(m)*time.Minute))))
		}
		return docs
	}
	const ada, ben = "65c000000000000000000001", "65c000000000000000000002"
	ten := past("small", ada, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
	for name, c := range map[string]struct {
		docs    []string
		mapped  string
		ran     int // minutes
		project string
		at      int // minutes from its start; 0: not foretold
		late    int
		of      int
	}{
		"it began":                {ten, "tier", 0, ada, 50, 90, 10},
		"it ran a while":          {ten, "tier", 45, ada, 70, 100, 6},
		"as long as one to a dot": {ten, "tier", 50, ada, 80, 100, 5},
		"longer than most":        {ten, "tier", 60, ada, 0, 0, 0},
		"another project":         {ten, "tier", 0, ben, 0, 0, 0},
		"another tier":            {past("large", ada, 1, 2, 3, 4, 5, 6), "tier", 0, ada, 0, 0, 0},
		"not mapped":              {ten, "", 0, ada, 0, 0, 0},
		"four":                    {ten[:4], "tier", 0, ada, 0, 0, 0},
		"five":                    {ten[:5], "tier", 0, ada, 30, 50, 5},
	} {
		t.Run(name, func(t *testing.T) {
			started := now.Add(-time.Duration(c.ran) * time.Minute)
			docs := append([]string{fmt.Sprintf(`{"_id": {"$oid": %q}, "tier": "small", "projectId": {"$oid": %q}, "status": "Running", "started": %s}`, run, c.project, date(started))}, c.docs...)
			for i := range docs[1:] {
				docs[i+1] = strings.Replace(docs[i+1], "{", fmt.Sprintf(`{"_id": %d, `, i), 1)
			}
			b := newBench(t, `"runs": [`+strings.Join(docs, ", ")+`]`, "")
			b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": c.mapped}
			node := port.Node{Name: "n", Cordoned: true, CordonedBy: "ada", Ready: true}
			pod := port.Pod{Namespace: "compute", Name: "p", Node: "n", Phase: "Running", Labels: map[string]string{port.ExecutionLabel: run}}
			w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now, Nodes: cluster{nodes: []port.Node{node}, pods: []port.Pod{pod}}}
			got, err := w.LookRuns(t.Context(), nil, w.LookEnded)
			if err != nil || len(got.Runs) != 1 {
				t.Fatal(err, got)
			}
			nodes, err := w.LookNodes(t.Context(), schema.Desired{}, schema.Applied{}, nil, w.LookEnded)
			if err != nil || len(nodes.Nodes) != 1 {
				t.Fatal(err, nodes)
			}
			for what, end := range map[string]*world.End{"run": got.Runs[0].End, "node": nodes.Nodes[0].End} {
				switch {
				case (end == nil) != (c.at == 0):
					t.Errorf("%s: %+v", what, end)
				case end != nil && (end.At.Sub(started).Minutes() != float64(c.at) || end.Late.Sub(started).Minutes() != float64(c.late) || end.Of != c.of || !end.Guess):
					t.Errorf("%s: %+v, after %v and %v; want %d and %d minutes, of %d", what, end, end.At.Sub(started), end.Late.Sub(started), c.at, c.late, c.of)
				}
			}
		})
	}
}

// TestExpectedEndOfSeveral: a node is empty when its last run has ended, and that is not
// foretold while one of them is not.
func TestExpectedEndOfSeveral(t *testing.T) {
	var docs []string
	now := newBench(t, `"runs": []`, "").clock.Now()
	for tier, minutes := range map[string]int{"small": 10, "large": 300} {
		docs = append(docs, fmt.Sprintf(`{"_id": %q, "tier": %q, "projectId": 1, "status": "Running", "started": {"$date": %q}}`, tier, tier, now.UTC().Format(time.RFC3339)))
		for i := range 6 {
			began := now.Add(-24 * time.Hour)
			docs = append(docs, fmt.Sprintf(`{"_id": "%s-%d", "tier": %[1]q, "projectId": 1, "started": {"$date": %[3]q}, "completed": {"$date": %[4]q}}`, tier, i, began.UTC().Format(time.RFC3339), began.Add(time.Duration(minutes)*time.Minute).UTC().Format(time.RFC3339)))
		}
	}
	b := newBench(t, `"runs": [`+strings.Join(docs, ", ")+`]`, "")
	b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "tier"}
	on := cluster{nodes: []port.Node{{Name: "n", Cordoned: true, Ready: true}}}
	ends := func(runs ...string) *world.End {
		for i, run := range runs {
			on.pods = append(on.pods[:i:i], port.Pod{Namespace: "compute", Name: run, Node: "n", Phase: "Running", Labels: map[string]string{port.ExecutionLabel: run}})
		}
		w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now, Nodes: on}
		got, err := w.LookNodes(t.Context(), schema.Desired{}, schema.Applied{}, nil, w.LookEnded)
		if err != nil || len(got.Nodes) != 1 || len(got.Nodes[0].Runs) != len(runs) {
			t.Fatal(err, got)
		}
		return got.Nodes[0].End
	}
	if e := ends("small", "large"); e == nil || e.At.Sub(now) != 300*time.Minute || e.Of != 6 {
		t.Errorf("%+v", e)
	}
	if e := ends("small", "large", "unheard of"); e != nil {
		t.Errorf("%+v", e)
	}
	on.nodes[0].Cordoned = false
	if e := ends("small"); e != nil {
		t.Errorf("new runs may get on to it: %+v", e)
	}
}
