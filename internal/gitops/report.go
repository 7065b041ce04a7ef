package gitops

import (
	"log/slog"
	"sync"

	"domctl.dev/applier"
)

// Report logs what the steps of an apply wait for, each reason once: also that a call of
// a process that was stopped may still take effect, and for how much longer at most.
func Report(log *slog.Logger) func(applier.Event) {
	var mu sync.Mutex
	told := map[string]string{}
	return func(e applier.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind != applier.KindWaiting || e.Why == "" || e.Step.ID == "" && e.Most == 0 || told[e.Step.ID] == e.Why {
			return
		}
		told[e.Step.ID] = e.Why
		log.Info("an apply waits", "step", e.Step.ID, "why", e.Why, "most", e.Most)
	}
}
