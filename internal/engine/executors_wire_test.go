//go:build wire

package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/internal/aws"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
)

// classicTier is a tier of a classic deployment whose executors moto has, and what MongoDB
// knows of them. It is Domino to them: it starts executors and lists the one run.
type classicTier struct {
	*wired
	aws    *aws.Client
	on     string    // the executor of the run
	ends   time.Time // of the run
	killed []string  // executors that ended before it
}

func newClassicTier(t *testing.T) *classicTier {
	t.Helper()
	c := &classicTier{wired: newWired(t)}
	files := c.Files()
	before, _, _ := strings.Cut(files["acme/acme.cue"], "settings:")
	files["acme/acme.cue"] = strings.Replace(before, `, cluster: "acme"`, "", 1) + fmt.Sprintf(`deployment: executors: "classic"
deployment: executorInstances: {tags: role: "executor", tier: "tier"}
deployment: domino: {url: "https://domino.acme.example", apiKey: secret: env: "ACME_TOKEN"}
deployment: mongo: mapping: executors: {collection: "executors", fields: {instance: "instanceId", maintenance: "state.maintenance"}}
amis: executor: {pin: {id: %q, reason: "tested"}, replaces: [%q]}
hardwareTiers: small: {ami: "executor", roll: {strategy: "onDemand", maxUnavailable: 2}}
`, c.New, c.Old)
	c.states(files)
	c.aws, c.census = c.cloud(), c
	_, err := c.DB.Collection("executor_group_configuration").InsertOne(t.Context(), bson.M{"hardwareTierId": "small", "executorImage": c.Old})
	c.must(err)
	return c
}

// starts an executor as Domino does, and knows it.
func (c *classicTier) starts(image string) (id string) {
	c.t.Helper()
	tags := []types.Tag{{Key: awssdk.String("role"), Value: awssdk.String("executor")}, {Key: awssdk.String("tier"), Value: awssdk.String("small")}}
	out, err := c.EC2.RunInstances(c.t.Context(), &ec2.RunInstancesInput{ImageId: &image, InstanceType: "m5.large", MinCount: awssdk.Int32(1), MaxCount: awssdk.Int32(1),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tags}}})
	c.must(err)
	id = *out.Instances[0].InstanceId
	_, err = c.DB.Collection("executors").InsertOne(c.t.Context(), bson.M{"instanceId": id, "state": bson.M{"maintenance": false, "x": 1}})
	c.must(err)
	return id
}

// runs has the run on an executor for three minutes.
func (c *classicTier) runs(on string) { c.on, c.ends = on, c.clock.Now().Add(3*time.Minute) }

// ListExecutions is Domino's list, which is looked at as long as a process lives.
func (c *classicTier) ListExecutions(context.Context) ([]port.Execution, error) {
	if c.on == "" || c.clock.Now().After(c.ends) {
		c.on = ""
		return nil, nil
	}
	if !slices.Contains(c.living(), c.on) {
		c.killed = append(c.killed, c.on)
	}
	return []port.Execution{{ID: "run-1", Kind: "Batch", Tier: "small", Status: "Running", Units: []port.ExecutionUnit{{ID: "run-1", Role: "run", Node: c.on, Status: "Running"}}}}, nil
}

func (c *classicTier) GetExecutor(context.Context, string) (string, error) { return c.on, nil }

func (c *classicTier) executors() (alive []port.Instance) {
	c.t.Helper()
	found, err := c.aws.DescribeInstances(c.t.Context(), port.Select{Filters: map[string][]string{"tag:role": {"executor"}}})
	c.must(err)
	return slices.DeleteFunc(found, func(i port.Instance) bool { return i.State != "running" })
}

func (c *classicTier) living() (ids []string) {
	for _, i := range c.executors() {
		ids = append(ids, i.ID)
	}
	return ids
}

// stands is which images executors run, which of them take no runs, and what the tier starts.
func (c *classicTier) stands() string {
	c.t.Helper()
	name := map[string]string{c.Old: "old", c.New: "new"}
	var all []string
	for _, i := range c.executors() {
		var doc struct {
			State struct{ Maintenance bool }
		}
		c.must(c.DB.Collection("executors").FindOne(c.t.Context(), bson.M{"instanceId": i.ID}).Decode(&doc))
		all = append(all, fmt.Sprint(name[i.Image], map[bool]string{true: " in maintenance"}[doc.State.Maintenance]))
	}
	var tier struct{ ExecutorImage string }
	c.must(c.DB.Collection("executor_group_configuration").FindOne(c.t.Context(), bson.M{}).Decode(&tier))
	return fmt.Sprintf("%v, starts %s, ended %v", all, name[tier.ExecutorImage], c.killed)
}

// TestWireExecutorsKilled rolls the executors of a tier there and back again on moto and
// MongoDB, in processes that die at each write, and at some of the reads.
func TestWireExecutorsKilled(t *testing.T) {
	c := newClassicTier(t)
	round := func(there, back *sim.Kill) {
		c.t.Helper()
		c.store, c.killed = state.Memory(), nil
		c.runs(c.starts(c.Old))
		c.starts(c.Old)
		p := c.plan()
		c.applied(p, there)
		if got := c.stands(); got != "[], starts new, ended []" {
			c.t.Errorf("after the apply: %s", got)
		}
		c.runs(c.starts(c.New))
		c.wentBack(p.ID, back)
		if got := c.stands(); got != "[], starts old, ended []" {
			c.t.Errorf("after the rollback: %s", got)
		}
	}
	there, back := sim.KillAfter(-1), sim.KillAfter(-1)
	round(there, back)
	at := writing(there.Sides(), 37)
	t.Logf("%d sides there, %d back; killed at %d", len(there.Sides()), len(back.Sides()), len(at))
	for _, k := range at {
		ok := t.Run(fmt.Sprint(k), func(t *testing.T) {
			c.t = t
			round(sim.KillAfter(k), sim.KillAfter(min(k, len(back.Sides())-1)))
		})
		if !ok {
			return
		}
	}
}
