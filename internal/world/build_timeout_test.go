package world_test

import (
	"context"
	"strings"
	"testing"

	"domctl.dev/internal/sandbox"
)

// TestTheFilesSayHowLongABuildMayTake: one that takes longer is cancelled, and an apply
// with a longer time, of the same plan, waits for it: the time stands in no plan.
func TestTheFilesSayHowLongABuildMayTake(t *testing.T) {
	plans := map[string]string{}
	for timeout, want := range map[string]string{"5m": "DC362: the build of revision 4 took more than 5m0s and was cancelled", "15m": ""} {
		b := withAPI(t)
		b.change(`"aws": {`, `"domino": {"buildTime": "10m"}, "aws": {`)
		b.open(sandbox.Options{})
		b.deployment.Domino.BuildTimeout = timeout
		e := object("environments", "Spark", map[string]any{"name": "Spark", "dockerfile": "RUN true"})
		p := b.plan(e)
		plans[p.Effect] = timeout
		res, err := b.engine(e).Apply(context.Background(), p)
		if got := strings.Join(res.Why, "\n"); err != nil || (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %+v, %v: %q", timeout, res, err, got)
		}
	}
	if len(plans) != 1 {
		t.Errorf("the plans differ: %v", plans)
	}
}
