package world_test

import (
	"context"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

func TestAnotherWorldIsRefused(t *testing.T) {
	tier := object("hardwareTiers", "x", map[string]any{"cores": 1})
	for want, change := range map[string]func(*schema.Deployment){
		"DC601: AWS answers for account 111122223333":  func(d *schema.Deployment) { d.AWS.Account = "999988887777" },
		"DC601: AWS answers for region us-west-2":      func(d *schema.Deployment) { d.AWS.Region = "eu-west-1" },
		`DC602: MongoDB answers as replica set "rs0"`:  func(d *schema.Deployment) { d.Mongo.ReplicaSet = "rs1" },
		`DC602: MongoDB answers for database "domino"`: func(d *schema.Deployment) { d.Mongo.Database = "other" },
		"DC601: the deployment does not name its AWS":  func(d *schema.Deployment) { d.AWS.Account = "" },
		"does not name its AWS account and region":     func(d *schema.Deployment) { d.AWS.Region = "" },
		"DC602: the deployment does not name its data": func(d *schema.Deployment) { d.Mongo.Database = "" },
	} {
		b := newBench(t, `"hardware_tier": [{"_id": "x"}]`, "")
		b.deployment.World = "live"
		change(&b.deployment)
		if _, err := b.engine(tier).Plan(context.Background(), engine.PlanOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestAnEmptyCollectionIsAnotherDatabase(t *testing.T) {
	applied := func(kind string) schema.Applied {
		return schema.Applied{Entries: map[schema.Address]schema.Entry{{Kind: kind, Name: "x"}: {ID: schema.JSON("x")}}}
	}
	for _, kind := range []string{"hardwareTiers", "environments", "settings"} {
		b := newBench(t, `"unrelated": [{"_id": 1}]`, "")
		if _, err := b.look(nil, applied(kind)); err == nil || !strings.Contains(err.Error(), "DC604") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	b := newBench(t, `"config": [{"_id": 1, "namespace": "common", "key": "other", "value": "v"}]`, "")
	if _, err := b.look(nil, applied("settings")); err != nil {
		t.Errorf("a setting that was unset by hand: %v", err)
	}
}

// everything is a world with an object of every kind, and files that speak of
// each.
func everything() (mongo, aws string, objects map[schema.Address]schema.Object) {
	mongo = smallTier + ", " + spark + `, "config": [{"_id": 1, "namespace": "common", "key": "k", "value": "v"}]`
	aws = `"images": {"ami-11111111": {"name": "a", "architecture": "x86_64"}}, ` + poolAWS
	return mongo, aws, all(
		object("hardwareTiers", "small", map[string]any{"cores": 2}), object("environments", "Spark", map[string]any{"owner": "data-org"}),
		object("settings", "k", map[string]any{"value": "v"}), object("amis", "a", map[string]any{"pin.id": "ami-11111111", "pin.reason": "r"}),
		object("nodePools", "p", map[string]any{"groups": []schema.Group{{ASG: "lt"}, {ASG: "lc"}, {NodeGroup: "managed"}}, "size.max": 4}))
}

// TestAFailedReadIsNeverAbsence lets every read fail, in each way that a read
// can.
func TestAFailedReadIsNeverAbsence(t *testing.T) {
	mongo, aws, objects := everything()
	quiet := newBench(t, mongo, aws)
	if p := quiet.plan(objects); p.Changed() || len(p.Findings) > 0 {
		t.Fatalf("%+v %v", p.Changes, p.Findings)
	}
	asked := 0
	for call := range quiet.world.Counts().Calls {
		for _, fault := range []string{"denied", "throttled", "expired", "down", "partialPage", "repeatedToken"} {
			b := newBench(t, mongo, aws)
			b.open(sandbox.Options{Faults: []sandbox.Fault{{Fault: fault, Call: call}}})
			if _, err := b.engine(objects).Plan(context.Background(), engine.PlanOptions{}); err == nil {
				if fault == "partialPage" || fault == "repeatedToken" {
					continue // calls without pages cannot
				}
				t.Errorf("%s of %s goes unseen", fault, call)
			}
			asked++
		}
	}
	if asked < 40 {
		t.Errorf("only %d faults struck", asked)
	}
}
