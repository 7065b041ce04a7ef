package world_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// someNodes are what a cluster lists.
type someNodes struct {
	nodes []port.Node
	pods  []port.Pod
	err   error
}

func (s someNodes) ListNodes(context.Context) ([]port.Node, error)       { return s.nodes, s.err }
func (s someNodes) ListPods(context.Context, string) ([]port.Pod, error) { return s.pods, nil }

// shrinking answers groups of two instances, and which of them those are.
type shrinking struct{ *sandbox.World }

func (shrinking) DescribeAutoScalingGroups(context.Context, []string) ([]port.AutoScalingGroup, error) {
	return []port.AutoScalingGroup{{Name: "gpu-a", Max: 4, Desired: 2}}, nil
}

func (shrinking) DescribeAutoScalingInstances(context.Context, []string) ([]port.GroupInstance, error) {
	return []port.GroupInstance{{ID: "i-1"}, {ID: "i-2"}}, nil
}

var errWritten = errors.New("written")

func (shrinking) UpdateAutoScalingGroup(context.Context, port.GroupUpdate) error { return errWritten }

// TestShrinks: a smaller group is written only where every live run is on a node that is known
// to be of something else.
func TestShrinks(t *testing.T) {
	node := func(name, instance string) port.Node { return port.Node{Name: name, Instance: instance} }
	run := func(on, phase string) []port.Pod {
		return []port.Pod{{Namespace: "compute", Name: "run-1", Node: on, Phase: phase, Labels: map[string]string{port.ExecutionLabel: "1"}}}
	}
	listed := []port.Node{node("ip-1", "i-1"), node("ip-9", "i-9"), {Name: "ip-f", Labels: map[string]string{"eks.amazonaws.com/compute-type": "fargate"}}}
	for name, c := range map[string]struct {
		desired int
		live    world.LiveNodes
		written bool
	}{
		"empty":                           {1, someNodes{nodes: listed}, true},
		"a run on it":                     {1, someNodes{nodes: listed, pods: run("ip-1", "Running")}, false},
		"a run on another group's":        {1, someNodes{nodes: listed, pods: run("ip-9", "Running")}, true},
		"a run on Fargate":                {1, someNodes{nodes: listed, pods: run("ip-f", "Running")}, true},
		"a run on one that is not listed": {1, someNodes{nodes: listed, pods: run("ip-2", "Running")}, false},
		"a run on one of no instance":     {1, someNodes{nodes: append(listed, node("ip-?", "")), pods: run("ip-?", "Running")}, false},
		"a run that waits":                {1, someNodes{nodes: listed, pods: run("", "Pending")}, true},
		"a run that ended":                {1, someNodes{nodes: listed, pods: run("ip-1", "Succeeded")}, true},
		"nodes are not told":              {1, someNodes{err: errors.New("away")}, false},
		"no cluster":                      {1, nil, true},
		"as many as there are":            {2, someNodes{nodes: listed, pods: run("ip-1", "Running")}, true},
	} {
		b := newBench(t, "", "")
		w := &world.World{Outside: shrinking{b.world}, Deployment: b.deployment, Now: b.clock.Now, Nodes: c.live}
		e, _ := w.Executor("autoscaling.UpdateAutoScalingGroup")
		err := e.Start(t.Context(), applier.Attempt{Step: planner.Step{Op: "autoscaling.UpdateAutoScalingGroup", Object: "asg/group#gpu-a", Writes: map[string]schema.Value{"desired": schema.JSON(c.desired)}}})
		if written := errors.Is(err, errWritten); written != c.written {
			t.Errorf("%s: %v", name, err)
		}
		if !c.written && !strings.Contains(fmt.Sprint(err), "DC846") && !errors.Is(err, port.ErrUnsent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
