package sim

import (
	"regexp"
	"testing"

	"domctl.dev/internal/sandbox"
)

// TestEveryWriteIsNoted: a call whose name does not say that it reads is one.
func TestEveryWriteIsNoted(t *testing.T) {
	reads := regexp.MustCompile(`^(Count|Database|DefaultEnvironment|Describe.*|Digests|DominoUser|FailedActivities|Find|Get.*|KubernetesSecret|Layers|List.*|ProbeRoutes|PullTime|Reachable)$`)
	for _, call := range sandbox.Calls() {
		if reads.MatchString(call) == isWrite(call) {
			t.Errorf("%s is a write: %v", call, isWrite(call))
		}
	}
}
