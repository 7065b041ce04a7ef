package engine_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/schema"
)

// deregister takes the base of the fixture spreading away, whatever starts from it.
func (r rig) deregister() {
	r.t.Helper()
	var content map[string]map[string]any
	if err := json.Unmarshal(r.Box.Content(), &content); err != nil {
		r.t.Fatal(err)
	}
	delete(content["aws"]["images"].(map[string]any), "ami-00000000000000001")
	if err := r.Box.Replace([]byte(schema.JSON(content).Text)); err != nil {
		r.t.Fatal(err)
	}
}

// TestTheBaseIsDeregistered: before an instance of it runs, the apply says so and
// nothing is made, and the next plan says what to do; an instance that runs needs its
// base no more, so that the apply ends as if it were there.
func TestTheBaseIsDeregistered(t *testing.T) {
	f := spreading(t)
	for _, c := range []struct {
		call  string
		phase sandbox.Phase
		want  string
	}{
		{"", "", "DC304: amis.executor: ec2/image#ami-00000000000000001: state moved from available to (not set)"},
		{"RunInstance", sandbox.Before, "image ami-00000000000000001: not found"},
		{"RunInstance", sandbox.After, ""},
		{"CreateImage", sandbox.Before, ""},
		{"CopyImage", sandbox.Before, ""},
	} {
		r := f.start(t).copy()
		p := r.plan(f.after)
		gone := c.call == ""
		if gone {
			r.deregister()
		}
		gate := func(call string, phase sandbox.Phase) error {
			if !gone && call == c.call && phase == c.phase {
				gone = true
				r.deregister()
			}
			return nil
		}
		e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Gate: gate})
		if err != nil {
			t.Fatal(err)
		}
		res, err := e.Apply(t.Context(), p)
		why := strings.Join(res.Why, "\n")
		if err != nil || !strings.Contains(why, c.want) || (res.Outcome == applier.EndedOutcome) != (c.want == "") {
			t.Errorf("%s: %+v, %v; want %s", c.call, res, err, c.want)
		}
		if c.want == "" {
			r.settled(f.after)
		} else if again := r.plan(f.after); !slices.ContainsFunc(again.Findings, func(f schema.Finding) bool {
			return f.Code == "DC236" && strings.Contains(f.Message, "is baked from ami-00000000000000001: ") && strings.Contains(f.Hint, "from: {ami: …}")
		}) {
			t.Errorf("%s: the next plan finds %+v", c.call, again.Findings)
		}
		if c.want != "" && strings.Contains(r.managed(), `"domctl:`) {
			t.Errorf("%s: something of domctl stays:\n%s", c.call, r.managed())
		}
	}
}

// TestCredentialsExpireHalfWay: with new ones the apply is gone on with to the same
// end, whenever the old ones ended.
func TestCredentialsExpireHalfWay(t *testing.T) {
	f := spreading(t)
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	whole.ended(whole.engine(f.after).Apply(t.Context(), p))
	resumed := 0
	for n := 0; ; n += 3 {
		r := start.copy()
		o := sim.Options{Holder: "test", Outside: sandbox.Options{Faults: []sandbox.Fault{{Fault: "expired", After: n}}}}
		e, err := r.Process(t.Context(), f.after, o)
		var res applier.Result
		if err == nil {
			res, err = e.Apply(t.Context(), p)
		}
		if err == nil && res.Outcome == applier.EndedOutcome {
			t.Logf("%d times of %d", resumed, n)
			break
		}
		if said := strings.Join(res.Why, "\n"); err == nil && !strings.Contains(said, "expired") {
			t.Fatalf("after %d calls: %s", n, said)
		}
		if _, err := r.engine(f.after).Applier.Summary(t.Context(), p.ID); applier.IsMissing(err) {
			continue
		}
		resumed++
		r.goOn(f.after, p)
		if got, want := r.managed(), whole.managed(); got != want {
			t.Fatalf("after %d calls: the world is\n%s\nwant\n%s", n, got, want)
		}
		r.settled(f.after)
	}
	if resumed < 10 {
		t.Errorf("resumed %d times", resumed)
	}
}

// failsThere lets each copy to one region fail.
var failsThere = sandbox.Options{Faults: []sandbox.Fault{{Fault: "fails", Call: "CopyImage", Region: "us-east-1"}}}

// ids are what EC2 gives: those of a copy that was made twice are others.
var ids = regexp.MustCompile(`(ami|snap|i)-[0-9a-f]{17}`)

// TestACopyFailsInOneRegion: nobody is let in before all copies are there; the apply is
// gone on with, or taken back with the good ones, and is so wherever it dies.
func TestACopyFailsInOneRegion(t *testing.T) {
	f := spreading(t)
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	whole.ended(whole.engine(f.after).Apply(t.Context(), p))
	apply := func(r rig, k int) (applier.Result, int, error) {
		kill := sim.KillAfter(k)
		e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Gate: kill.Gate, Outside: failsThere})
		if err != nil {
			return applier.Result{}, 0, err
		}
		res, err := e.Apply(t.Context(), p)
		return res, len(kill.Sides()), err
	}
	failed := start.copy()
	res, sides, err := apply(failed, -1)
	if why := strings.Join(res.Why, "\n"); err != nil || res.Outcome != applier.FailedOutcome || !strings.Contains(why, "DC345: the copy ami-") || !strings.Contains(why, "to us-east-1 is failed: Server.InternalError") {
		t.Fatalf("%+v, %v", res, err)
	}
	if content := string(failed.Box.Content()); strings.Contains(content, `"launch"`) || !strings.Contains(content, `"eu-central-1": {`) {
		t.Fatalf("shared before all copies are there, or no good one:\n%s", content)
	}
	for k := -1; k < sides; k += 2 {
		r := start.copy()
		_, _, _ = apply(r, k)
		if _, err := r.engine(f.after).Applier.Summary(t.Context(), p.ID); applier.IsMissing(err) {
			continue
		}
		back := r.copy()
		res, err := r.engine(f.after).Applier.Resume(t.Context(), p.ID)
		if strings.Contains(strings.Join(res.Why, "\n"), "DC345") { // nobody was told before it died
			res, err = r.engine(f.after).Applier.Resume(t.Context(), p.ID)
		}
		r.ended(res, err)
		if got, want := ids.ReplaceAllString(r.managed(), "$1"), ids.ReplaceAllString(whole.managed(), "$1"); got != want {
			t.Fatalf("killed after %d: the world is\n%s\nwant\n%s", k, got, want)
		}
		r.settled(f.after)
		back.back(f, p.ID, sim.KillAfter(-1))
		back.asBefore(f, start, p)
		if t.Failed() {
			t.Fatalf("killed after %d", k)
		}
	}
	t.Logf("%d sides of calls", sides)
}

// TestALaunchedInstanceIsNeverReachable: a bake gives it up after a while, and leaves
// neither an instance nor an image.
func TestALaunchedInstanceIsNeverReachable(t *testing.T) {
	f := spreading(t)
	r := f.start(t)
	p := r.plan(f.after)
	o := sim.Options{Holder: "test"}
	o.Outside.Faults = []sandbox.Fault{{Fault: "unreachable", Call: "Reachable"}}
	e, err := r.Process(t.Context(), f.after, o)
	if err != nil {
		t.Fatal(err)
	}
	res, err := e.Apply(t.Context(), p)
	if err != nil || res.Outcome != applier.FailedOutcome || !strings.Contains(strings.Join(res.Why, "\n"), "could not be reached for 15m") {
		t.Fatalf("%+v, %v", res, err)
	}
	_ = r.Clock.Sleep(t.Context(), time.Minute)
	instances, err := r.person().DescribeInstances(t.Context(), port.Select{})
	for _, i := range instances {
		if i.State != "terminated" {
			t.Errorf("instance %s is %s", i.ID, i.State)
		}
	}
	images, noImages := r.person().DescribeImages(t.Context(), port.ImageQuery{Owners: []string{"self"}, Filters: map[string][]string{"tag:domctl:token": {"*"}}})
	if err != nil || noImages != nil || len(images) > 0 {
		t.Errorf("left %+v, %v, %v", images, err, noImages)
	}
}
