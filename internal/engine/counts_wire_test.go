//go:build wire

package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/internal/wiretest"
)

// TestWireCallsGrowWithPages plans a small deployment and one with 300 tiers and
// 110 groups, each with a template of its own, more.
func TestWireCallsGrowWithPages(t *testing.T) {
	w := newWired(t)
	w.fresh("few", false)
	w.plan()
	few := w.asked()
	w.grow(300, 110)
	w.fresh("many", false)
	if p := w.plan(); len(p.Changes) < 400 {
		t.Fatalf("%d changes: the objects are not there", len(p.Changes))
	}
	many := w.asked()
	// A page has 100 groups, read once as the pools' own and once as all that could
	// follow a template, and 200 versions: each template's default and latest.
	few["autoscaling DescribeAutoScalingGroups"] += 2
	few["ec2 DescribeLaunchTemplateVersions"]++
	for call, n := range many {
		if n > few[call] {
			t.Errorf("%s is called %d times, %d for a small deployment", call, n, few[call])
		}
	}
	t.Logf("%v", many)
}

// asked counts the calls that reached the servers, by name. What AWS was asked
// for the records is left out.
func (w *wired) asked() map[string]int {
	w.t.Helper()
	n := map[string]int{}
	for _, c := range w.Account.Calls() {
		n[c.Service+" "+c.Action]++
	}
	for _, c := range w.commands {
		n[c]++
	}
	return n
}

// grow adds tiers and groups, there and in the files.
func (w *wired) grow(tiers, groups int) {
	w.t.Helper()
	var files strings.Builder
	files.WriteString("package domino\n\n")
	var docs []bson.D
	for i := range tiers {
		docs = append(docs, bson.D{{Key: "_id", Value: fmt.Sprint("more-", i)}, {Key: "name", Value: fmt.Sprint("more-", i)}, {Key: "nodePool", Value: "default"}})
		fmt.Fprintf(&files, "hardwareTiers: \"more-%d\": {nodePool: \"main\", cores: 1, coresLimit: 1}\n", i)
	}
	_, err := w.DB.Collection("hardware_tier").InsertMany(w.t.Context(), docs)
	w.must(err)
	for i := range groups {
		name := fmt.Sprint("more-", i)
		out, err := w.EC2.CreateLaunchTemplate(w.t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: &name,
			LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: &w.Old, InstanceType: "m5.2xlarge"}})
		w.must(err)
		_, err = w.AutoScaling.CreateAutoScalingGroup(w.t.Context(), &autoscaling.CreateAutoScalingGroupInput{AutoScalingGroupName: &name,
			AvailabilityZones: []string{w.Account.Region + "a"}, MinSize: sdk.Int32(0), MaxSize: sdk.Int32(2),
			LaunchTemplate: &astypes.LaunchTemplateSpecification{LaunchTemplateId: out.LaunchTemplate.LaunchTemplateId, Version: sdk.String("$Default")}})
		w.must(wiretest.Made(err))
		fmt.Fprintf(&files, "nodePools: \"more-%d\": {groups: [{asg: %q}], ami: \"new\"}\n", i, name)
	}
	w.must(os.WriteFile(filepath.Join(w.dir, "more.cue"), []byte(files.String()), 0o600))
	w.compile()
}

// TestWireReadsRunSideBySide holds every call of AWS up: those that need not
// wait for another are under way together.
func TestWireReadsRunSideBySide(t *testing.T) {
	w := newWired(t)
	w.fresh("beside", false)
	w.Account.Fail(wiretest.Fault{Delay: 500 * time.Millisecond, Times: -1})
	w.plan()
	beside := map[string]int{}
	for _, c := range w.Account.Calls() {
		beside[c.Action] = max(beside[c.Action], c.Beside)
	}
	first := []string{"DescribeImages", "DescribeAutoScalingGroups", "DescribeNodegroup"}
	together := 0
	for _, action := range first {
		together = max(together, beside[action])
	}
	if together < len(first)-1 {
		t.Errorf("%v do not run side by side: %v", first, beside)
	}
	if calls := w.Account.Calls(); !slices.ContainsFunc(calls, func(c wiretest.Call) bool { return c.Beside == 0 }) {
		t.Error("not one call began alone: what runs beside what is not counted")
	}
}
