package world_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

const yardAWS = `"instances": {
	"i-1": {"image": "ami-1", "launched": "2026-01-01T00:00:00Z", "tags": {"role": "executor-a", "tier": "small"}, "type": "m5.large"},
	"i-2": {"image": "ami-1", "state": "stopped", "launched": "2026-01-02T00:00:00Z", "tags": {"role": "executor-b"}, "type": "m5.large"},
	"i-3": {"image": "ami-2", "launched": "2026-01-03T00:00:00Z", "tags": {"role": "executor-a", "tier": "0123456789abcdef00000002"}, "type": "m5.large"},
	"i-4": {"image": "ami-9", "state": "stopped", "launched": "2026-01-04T00:00:00Z", "tags": {"role": "executor-a"}, "type": "m5.large"},
	"i-gone": {"image": "ami-1", "state": "terminated", "tags": {"role": "executor-a"}, "type": "m5.large"},
	"i-web": {"image": "ami-1", "tags": {"role": "web"}, "type": "m5.large"},
	"i-template": {"image": "ami-1", "state": "stopped", "tags": {"role": "executor-a", "Name": "the-executor-template"}, "type": "m5.large"},
	"i-grouped": {"image": "ami-1", "tags": {"role": "executor-a", "aws:autoscaling:groupName": "g"}, "type": "m5.large"},
	"i-ours": {"image": "ami-1", "tags": {"role": "executor-a", "domctl:deployment": "prod"}, "type": "m5.large"},
	"i-lent": {"image": "ami-1", "tags": {"role": "executor-a", "domctl:borrowed": "x"}, "type": "m5.large"}}`

const yardMongo = `"executor_group_configuration": [{"_id": {"$oid": "0123456789abcdef00000001"}, "hardwareTierId": "small", "executorImage": "ami-1"}, {"_id": {"$oid": "0123456789abcdef00000002"}, "hardwareTierId": "large", "executorImage": "ami-3"}],
	"exec": [{"_id": 1, "on": "i-1", "tier": "large", "m": {"flag": true}}, {"_id": 2, "on": "i-2", "tier": "small", "m": {"flag": "no"}},
		{"_id": 3, "on": "i-3", "m": 1}, {"_id": 4, "on": "i-4", "m": {"flag": null}}, {"_id": 5, "on": "i-9", "m": {"flag": true}}]`

func yardBench(t *testing.T, more string) (*bench, *world.World) {
	b := newBench(t, yardMongo+more, yardAWS)
	b.deployment.Executors = "classic"
	b.deployment.Instances = schema.ExecutorInstances{Tags: map[string]string{"role": "executor-*"}, Tier: "tier"}
	b.deployment.Mongo.Mapping.Executors = schema.Collection{Collection: "exec", Fields: map[string]string{"instance": "on", "tier": "tier", "maintenance": "m.flag"}}
	return b, &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now}
}

func yardExecutors(d schema.Deployment) schema.Executors {
	return schema.Executors{Tags: d.Instances.Tags, TierTag: d.Instances.Tier, Known: d.Mongo.Mapping.Executors, Image: "executorImage", Kept: []string{"*executor-template*"}}
}

// TestLookExecutors: an instance with the tags is one, unless it is something else too; what a
// document says is taken as far as it can be gone by.
func TestLookExecutors(t *testing.T) {
	b, w := yardBench(t, "")
	all, err := w.LookExecutors(t.Context(), yardExecutors(b.deployment))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range all {
		got = append(got, fmt.Sprintf("%s %s %q %s %v %v", x.ID, x.Tier, x.Flag, x.Document, x.Maintained(), x.Odd != ""))
	}
	want := `i-1 small "true" {"$numberInt":"1"} true false
i-2 small "\"no\"" {"$numberInt":"2"} false true
i-3 0123456789abcdef00000002 "" {"$numberInt":"3"} false true
i-4  "null" {"$numberInt":"4"} false false`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	bare := yardExecutors(b.deployment)
	bare.TierTag, bare.Known.Fields = "", map[string]string{"instance": "on"}
	if all, err := w.LookExecutors(t.Context(), bare); err != nil || all[0].Tier != "" || all[0].Flag != "" || all[0].Maintained() {
		t.Errorf("what is not mapped is not known: %+v, %v", all, err)
	}
	if _, err := w.LookExecutors(t.Context(), schema.Executors{}); err == nil {
		t.Error("without tags every instance is an executor")
	}
	for _, call := range []string{"DescribeInstances", "Find"} {
		b.open(sandbox.Options{Hook: func(name string, _ sandbox.Phase) error {
			if name == call {
				return port.ErrDenied
			}
			return nil
		}})
		w.Outside = b.world
		if all, err := w.LookExecutors(t.Context(), yardExecutors(b.deployment)); !errors.Is(err, port.ErrDenied) || all != nil {
			t.Errorf("%s: %v, %v", call, all, err)
		}
	}
}

// TestTwoDocumentsOfOneExecutor: none of them is gone by.
func TestTwoDocumentsOfOneExecutor(t *testing.T) {
	b, w := yardBench(t, "")
	at := yardExecutors(b.deployment)
	at.Known.Fields = map[string]string{"instance": "same", "maintenance": "m.flag"}
	for i, id := range []string{"6", "7"} {
		if err := b.world.InsertOne(t.Context(), "exec", port.Document{"_id": id, "same": `"i-1"`, "m.flag": []string{"true", "false"}[i]}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := w.LookExecutors(t.Context(), at)
	if err != nil || all[0].Maintained() || !strings.Contains(all[0].Odd, "2 documents of exec name it") {
		t.Errorf("%+v, %v", all, err)
	}
}

// detailed is a list of executions, and the details of some.
type detailed struct {
	all  []port.Execution
	on   map[string]string
	err  error
	asks *int
}

func (d detailed) ListExecutions(context.Context) ([]port.Execution, error) { return d.all, nil }

func (d detailed) GetExecutor(_ context.Context, id string) (string, error) {
	if d.asks != nil {
		*d.asks++
	}
	instance, known := d.on[id]
	if !known && d.err == nil {
		return "", port.ErrNotFound
	}
	return instance, d.err
}

// TestRunsOfExecutors: who says where a run is, is enough; who says nothing leaves it nowhere,
// and who does not answer fails all.
func TestRunsOfExecutors(t *testing.T) {
	const docs = `, "runs": [{"_id": "a", "on": "i-1", "status": "Running", "started": {"$date": "2026-02-20T08:00:00Z"}}, {"_id": "b", "status": "Running", "started": {"$date": "2026-02-20T08:00:00Z"}},
		{"_id": "c", "status": "Queued"}, {"_id": "d", "on": "i-1", "status": "Failed"}, {"_id": "e", "on": "i-2", "status": "Running", "completed": {"$date": "2026-02-20T08:00:00Z"}}]`
	run := func(id, status, node string) port.Execution {
		e := port.Execution{ID: id, Status: status}
		if node != "" {
			e.Units = []port.ExecutionUnit{{Node: node}}
		}
		return e
	}
	asks := 0
	for name, c := range map[string]struct {
		census port.Executions
		mapped bool
		want   string // "run@machine" each, or the error
		asked  int
	}{
		"nobody":                      {nil, false, "DC865", 0},
		"the database":                {nil, true, "a@i-1 b@", 0},
		"the API":                     {detailed{all: []port.Execution{run("x", "Running", "i-3"), run("q", "Queued", "")}}, false, "q@ x@i-3", 0},
		"its details":                 {detailed{all: []port.Execution{run("x", "Running", ""), run("y", "Preparing", ""), run("q", "Queued", "")}, on: map[string]string{"x": "i-3", "y": ""}, asks: &asks}, false, "q@ x@i-3 y@", 2},
		"both":                        {detailed{all: []port.Execution{run("x", "Running", "i-3")}}, true, "a@i-1 x@i-3", 0},
		"details that are refused":    {detailed{all: []port.Execution{run("x", "Running", "")}, err: port.ErrDenied}, false, "access denied", 0},
		"the API alone says who runs": {detailed{}, true, "a@i-1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, w := yardBench(t, docs)
			asks = 0
			if c.mapped {
				b.deployment.Mongo.Mapping.ExecutorGroups.Fields = map[string]string{"runs": "on"}
			}
			w.Deployment = b.deployment
			all, err := world.Classic{World: w, Census: c.census}.ListExecutions(t.Context())
			if err != nil {
				if !strings.Contains(err.Error(), c.want) || len(all) > 0 {
					t.Fatalf("%v, %v, want %s", all, err, c.want)
				}
				return
			}
			said := map[string]bool{}
			for _, e := range all {
				node := ""
				for _, u := range e.Units {
					node = u.Node
				}
				said[e.ID+"@"+node] = true
			}
			if got := strings.Join(schema.Sorted(said), " "); got != c.want || asks != c.asked {
				t.Errorf("%s, %d asked; want %s, %d", got, asks, c.want, c.asked)
			}
		})
	}
}

// TestExecutorsInTheCensus: each with its tier, whether it is on the image that this starts,
// and what it waits for.
func TestExecutorsInTheCensus(t *testing.T) {
	_, w := yardBench(t, `, "runs": []`)
	desired := schema.Desired{Objects: all(object("hardwareTiers", "small", map[string]any{"cores": 1}), object("amis", "x", map[string]any{"bake": map[string]any{"from": map[string]any{"instance": "*executor-template*"}}}))}
	rows := func(census port.Executions) string {
		t.Helper()
		got, err := w.LookNodes(t.Context(), desired, schema.Applied{}, census, w.LookEnded)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, n := range got.Nodes {
			current := "?"
			if n.Current != nil {
				current = fmt.Sprint(*n.Current)
			}
			runs := "unknown"
			if n.Runs != nil {
				runs = fmt.Sprint(n.Runs)
			}
			out = append(out, fmt.Sprintf("%s %s %s %s %s %s: %s", n.Instance, n.Tier, n.Address.Name, n.State, current, runs, strings.Join(n.Waits, "; ")))
		}
		return strings.Join(out, "\n")
	}
	want := `i-4   stopped false []: its end: started again it is on the old image
i-3 large  running false []: a roll to ami-3
i-1 small small maintenance true [r]: the end of 1 run
i-2 small small stopped true []: `
	if got := rows(detailed{all: []port.Execution{{ID: "r", Status: "Running"}}, on: map[string]string{"r": "i-1"}}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	want = strings.NewReplacer("false []: a roll", "false unknown: a roll", "true [r]: the end of 1 run", "true unknown: runs that nobody tells of").Replace(want)
	if got := rows(detailed{all: []port.Execution{{ID: "r", Status: "Running"}}}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := rows(nil); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestDoctorOfExecutors says what it finds under names that nobody publishes.
func TestDoctorOfExecutors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*schema.Deployment)
		want   []string // of checks: whether it passed, and a part of what it says
	}{
		"as stated":     {func(d *schema.Deployment) { d.Mongo.Mapping.Executors.Fields["maintenance"] = "flag" }, []string{"true 5 instances have the tags, 3 of them stopped", "true by exec.flag: 0 are in it, 4 hold nothing there; no document names 1 of them"}},
		"odd":           {func(*schema.Deployment) {}, []string{"true 5 instances", "false DC866: of i-2"}},
		"no tags":       {func(d *schema.Deployment) { d.Instances.Tags = nil }, []string{"true not looked for"}},
		"none of them":  {func(d *schema.Deployment) { d.Instances.Tags = map[string]string{"role": "x"} }, []string{"true no instance has the tags of deployment.executorInstances; role=x", "true by exec.m.flag"}},
		"no collection": {func(d *schema.Deployment) { d.Mongo.Mapping.Executors.Collection = "nope" }, []string{"false there is no collection nope"}},
		"elsewhere":     {func(d *schema.Deployment) { d.Mongo.Mapping.Executors.Fields["instance"] = "nope" }, []string{"false 5 instances have the tags, 3 of them stopped; the tier of 2 is told, and exec names none of them"}},
		"not mapped":    {func(d *schema.Deployment) { d.Mongo.Mapping.Executors = schema.Collection{} }, []string{"true 5 instances", "true not known: Domino does not publish"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, w := yardBench(t, `, "hardware_tier": [{"_id": "small"}]`)
			c.change(&b.deployment)
			w.Deployment = b.deployment
			var got []string
			for _, check := range w.Checks(t.Context(), schema.Desired{}) {
				if strings.Contains(check.Name, "executors") {
					got = append(got, fmt.Sprint(check.OK, " ", check.Detail))
				}
			}
			if len(got) != len(c.want) {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], c.want[i]) {
					t.Errorf("%q, want %q", got[i], c.want[i])
				}
			}
		})
	}
}

// TestExecutorsAreReadOnce, whatever tiers roll theirs, and not at all where none does.
func TestExecutorsAreReadOnce(t *testing.T) {
	for rolls, want := range map[int]int{0: 0, 1: 1, 40: 1} {
		var tiers []string
		objects := map[schema.Address]schema.Object{}
		for i := range 40 {
			fields := map[string]any{"cores": 1}
			if i < rolls {
				fields["ami"], fields["roll"] = "ami-2", map[string]any{"strategy": "onDemand"}
			}
			tiers = append(tiers, fmt.Sprintf(`{"_id": "t%d", "name": "t%d"}`, i, i))
			objects = all(objects, object("hardwareTiers", fmt.Sprintf("t%d", i), fields))
		}
		b, _ := yardBench(t, `, "hardware_tier": [`+strings.Join(tiers, ",")+`]`)
		if _, err := b.look(objects, schema.Applied{}); err != nil {
			t.Fatal(err)
		}
		if got := b.world.Counts().Pages["DescribeInstances"]; got != want {
			t.Errorf("%d tiers that roll: %d reads of instances, want %d", rolls, got, want)
		}
	}
}

// TestExecutorsOfAnotherImage are a difference of a tier that rolls, as far as something else
// than their image says that they are its.
func TestExecutorsOfAnotherImage(t *testing.T) {
	const instance = `"i-1": {"image": %q, "state": %q, "tags": {"role": "executor"%s}, "type": "m5.large"}`
	for name, c := range map[string]struct{ image, state, tags, want string }{
		"old":             {"ami-11111111", "running", `, "tier": "small"`, "roll.executors"},
		"old and stopped": {"ami-11111111", "stopped", `, "tier": "small"`, "roll.executors"},
		"wanted":          {"ami-22222222", "running", `, "tier": "small"`, ""},
		"going":           {"ami-11111111", "shutting-down", `, "tier": "small"`, ""},
		"another tier's":  {"ami-11111111", "running", `, "tier": "gpu"`, ""},
		"nobody's":        {"ami-11111111", "running", "", ""},
	} {
		for _, roll := range []bool{true, false} {
			b := newBench(t, strings.Replace(classic, "ami-11111111", "ami-22222222", 1), classicImages+`, "instances": {`+fmt.Sprintf(instance, c.image, c.state, c.tags)+`}`)
			b.deployment.Executors = "classic"
			b.deployment.Instances = schema.ExecutorInstances{Tags: map[string]string{"role": "executor"}, Tier: "tier"}
			fields := map[string]any{"ami": "@amis.executor#id"}
			if roll {
				fields["roll"] = schema.Roll{Strategy: schema.OnDemand}
			}
			p := b.plan(all(object("amis", "executor", map[string]any{"find.name": "b", "image": "ami-22222222", "replaces": []string{"ami-11111111"}}), object("hardwareTiers", "small", fields)))
			want := ""
			if roll && c.want != "" {
				want = c.want + ` mongo/executor_group_configuration#{"$oid":"0123456789abcdef00000001"}`
			}
			if got := steps(p); got != want {
				t.Errorf("%s, roll %v: %s, want %s", name, roll, got, want)
			}
			for _, ch := range p.Changes {
				if want != "" && ch.Address.Name == "small" && (ch.Reason != "executors are of another image than their tier starts" || ch.Fields[0].Before.Str() != c.image) {
					t.Errorf("%s: %+v", name, ch)
				}
			}
		}
	}
}
