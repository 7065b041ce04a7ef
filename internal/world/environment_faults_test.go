package world_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
)

// TestFaultsOfSharing: what Domino says it did not do stays, what it did is not done
// again, and both end as the files have it.
func TestFaultsOfSharing(t *testing.T) {
	for call, fields := range map[string]map[string]any{"ShareEnvironment": {"visibility": "global"}, "ArchiveEnvironment": {"archived": true}} {
		for fault, ends := range map[string]bool{"lost": true, "throttled": true, "slow": true, "denied": false, "down": false, "expired": false} {
			b := withAPI(t)
			b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: call, Fault: fault, Times: 1, Delay: "31s"}}, Wait: b.clock.Sleep})
			e := object("environments", "Spark", fields)
			p := b.plan(e)
			res, err := b.engine(e).Apply(context.Background(), p)
			if err != nil || (len(res.Why) == 0) != ends {
				t.Errorf("%s %s: %+v, %v", fault, call, res, err)
			}
			if !ends {
				if res, err = b.engine(e).Applier.Resume(context.Background(), p.ID); err != nil || len(res.Why) > 0 {
					t.Errorf("%s %s, resumed: %+v, %v", fault, call, res, err)
				}
			}
			if again := b.plan(e); again.Changed() {
				t.Errorf("%s %s: the second plan is not empty: %v", fault, call, again.Changes)
			}
			b.open(sandbox.Options{})
			b.rollback()
			if d := b.document("Spark"); d["visibility"] != `"Private"` || d["isArchived"] != "false" {
				t.Errorf("%s %s: the way back leads to %v", fault, call, d)
			}
		}
	}
}

// TestSharedMeanwhile by somebody else: nothing is written over what the plan did not see.
func TestSharedMeanwhile(t *testing.T) {
	b := withOrganization(t)
	e := object("environments", "Spark", map[string]any{"visibility": "global"})
	p := b.plan(e)
	if err := b.world.ShareEnvironment(context.Background(), sparkID, port.VisibilityOrganization, "0123456789abcdef000000a2"); err != nil {
		t.Fatal(err)
	}
	res, err := b.engine(e).Apply(context.Background(), p)
	if err != nil || !strings.Contains(strings.Join(res.Why, " "), "DC304") || b.document("Spark")["visibility"] != `"Organization"` {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestARevisionBecomesActiveMeanwhile: the step's own, as where Domino makes a first one
// active by itself, is nothing left to do; another one stops it.
func TestARevisionBecomesActiveMeanwhile(t *testing.T) {
	for own, why := range map[bool]string{true: "", false: "DC304"} {
		b := withAPI(t)
		b.change(`"aws": {`, `"domino": {"buildTime": "10m"}, "aws": {`)
		e := object("environments", "ray", map[string]any{"dockerfile": "RUN true"})
		p := b.plan(e)
		b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "ListRevisions", Fault: "down", Times: 1}}})
		if res, err := b.engine(e).Apply(context.Background(), p); err != nil || res.Outcome != applier.FailedOutcome {
			t.Fatalf("%+v, %v", res, err)
		}
		env := strings.TrimSuffix(strings.TrimPrefix(b.document("ray")["_id"], `{"$oid":"`), `"}`)
		if !own {
			if _, err := b.world.CreateRevision(context.Background(), env, port.Definition{}); err != nil {
				t.Fatal(err)
			}
		}
		_ = b.clock.Sleep(context.Background(), time.Hour)
		all, err := b.world.ListRevisions(context.Background(), env)
		if err == nil {
			err = b.world.SetActiveRevision(context.Background(), env, all[0].ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		res, err := b.engine(e).Applier.Resume(context.Background(), p.ID)
		if err != nil || !strings.Contains(strings.Join(res.Why, " "), why) || (len(res.Why) == 0) != own {
			t.Errorf("%v: %+v, %v", own, res, err)
		}
		if n := b.world.Counts().Calls; n["CreateEnvironment"] != 1 || own && n["SetActiveRevision"] != 1 {
			t.Errorf("%v: %v", own, n)
		}
	}
}
