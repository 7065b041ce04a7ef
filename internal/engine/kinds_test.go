package engine_test

import (
	"os"
	"testing"
)

// restful is a deployment whose hardware tiers and settings are Domino's API's.
func restful(t *testing.T) fixture {
	t.Helper()
	f := fixture{name: "restful", secrets: map[string]string{"env:SIM_TOKEN": "canary-token-new", "env:SIM_FRESH": "canary-fresh-new"}}
	var err error
	if f.content, err = os.ReadFile("../sim/testdata/restful/sandbox.json"); err != nil {
		t.Fatal(err)
	}
	f.before, f.after = compiled(t, "restful-before"), compiled(t, "restful")
	return f
}

// TestTiersThatComeAndGoKilledAtEveryCall: made once, and archived.
func TestTiersThatComeAndGoKilledAtEveryCall(t *testing.T) {
	f := restful(t)
	f.after = compiled(t, "archiving")
	killedAtEveryCall(t, f)
}

// TestKindsOverTheAPIKilledAtEveryCall: there and back, wherever a process dies.
func TestKindsOverTheAPIKilledAtEveryCall(t *testing.T) {
	t.Run("apply", func(t *testing.T) { t.Parallel(); killedAtEveryCall(t, restful(t)) })
	t.Run("taken back", func(t *testing.T) { t.Parallel(); killedAndTakenBack(t, restful(t)) })
	t.Run("killed on the way back", func(t *testing.T) { t.Parallel(); takenBackKilled(t, restful(t)) })
}
