package worldtest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

const checkpoints = "Domino Data Lab API v4, GET /jobs/{jobId}/executionCheckpointStatuses"

func dominoCases() []Case {
	return slices.Concat([]Case{
		{Name: "DominoUser/Name", Source: "Domino Data Lab API v4, GET /users/self", run: dominoUser},
		{Name: "PullTime/Completed", Source: checkpoints + ", timeSpentMillis of ImagesPulled", run: pullCompleted},
		{Name: "PullTime/Untold", Source: checkpoints + ", status", run: pullUntold},
		{Name: "PullTime/Unknown", Source: checkpoints + ", 404", run: pullUnknown},
		{Name: "PullTime/NoID", Source: checkpoints + ", jobId", run: pullNoID},
	}, revisionCases(), lifeCases(), defaultCases())
}

func dominoUser(t *testing.T, w World) {
	if user := value(w.Domino.DominoUser(background()))(t); user != "admin" {
		t.Errorf("the key is that of %q", user)
	}
}

func pullCompleted(t *testing.T, w World) {
	id := w.Put.Pull(t, "2m10s")
	if took, told, err := w.Domino.PullTime(background(), id); err != nil || !told || took != 130*time.Second {
		t.Errorf("pulled %s, %v, %v", took, told, err)
	}
}

func pullUntold(t *testing.T, w World) {
	for _, pull := range []string{"pulling", "failed", "none"} {
		id := w.Put.Pull(t, pull)
		if took, told, err := w.Domino.PullTime(background(), id); err != nil || told || took != 0 {
			t.Errorf("%s: pulled %s, %v, %v", pull, took, told, err)
		}
	}
}

func pullUnknown(t *testing.T, w World) {
	if _, told, err := w.Domino.PullTime(background(), "65f00000000000000000dead"); told || !errors.Is(err, port.ErrNotFound) {
		t.Errorf("%v, %v, want ErrNotFound", told, err)
	}
}

func pullNoID(t *testing.T, w World) {
	for _, id := range []string{"", "1", "../../users/self", "65F00000000000000000DEAD", "65f00000000000000000dead/", "65f00000000000000000dea?"} {
		if _, told, err := w.Domino.PullTime(background(), id); told || !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%q: %v, %v, want ErrNotFound", id, told, err)
		}
	}
}
