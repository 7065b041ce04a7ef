package worldtest

import (
	"errors"
	"testing"

	"domctl.dev/internal/port"
)

func defaultCases() []Case {
	return []Case{
		{Name: "Defaults/Set", Source: "Domino Data Lab API v4, GET /environments/defaultEnvironment, POST /environments/setDefaultEnvironment", run: defaultSet},
		{Name: "Defaults/NoID", Source: "Domino Data Lab API v4, POST /environments/setDefaultEnvironment, environmentId", run: defaultNoID},
	}
}

func defaultSet(t *testing.T, w World) {
	env, _ := w.Put.Environment(t, false)
	for range 2 { // and again
		if err := w.Domino.SetDefaultEnvironment(background(), env); err != nil {
			t.Error(err)
		}
	}
	if got := value(w.Domino.DefaultEnvironment(background()))(t); got != env {
		t.Errorf("the default is %s, want %s", got, env)
	}
}

func defaultNoID(t *testing.T, w World) {
	for _, id := range []string{"", "1", "../../users/self", "65F00000000000000000DEAD"} {
		if err := w.Domino.SetDefaultEnvironment(background(), id); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%q: %v, want ErrNotFound", id, err)
		}
	}
}
