package worldtest

import (
	"errors"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

func lifeCases() []Case {
	return []Case{
		{Name: "Environments/Made", Source: "Domino Data Lab API v4, /environments, POST", run: environmentMade},
		{Name: "Environments/NotTaken", Source: "Domino Data Lab API v4, /environments, POST, visibility", run: environmentNotTaken},
		{Name: "Environments/Archived", Source: "Domino Data Lab API v4, DELETE /environments/{environmentId}", run: environmentArchived},
		{Name: "Environments/Shared", Source: revisions + "visibility", run: environmentShared},
		{Name: "Environments/Unknown", Source: revisions + "visibility, 404", run: environmentUnknown},
	}
}

func environmentMade(t *testing.T, w World) {
	_, _ = w.Put.Environment(t, false)
	id := value(w.Domino.CreateEnvironment(background(), port.NewEnvironment{Name: "Luigi", Description: "pipelines", Visibility: port.VisibilityPrivate, First: whole()}))(t)
	all := value(w.Domino.ListRevisions(background(), id))(t)
	if len(all) == 0 || all[len(all)-1].Number != 1 {
		t.Fatalf("its revisions are %+v", all)
	}
	if b := value(w.Domino.GetBuild(background(), id, all[len(all)-1].ID))(t); !slices.Contains(b.Tags, "domctl-step-0") {
		t.Errorf("its first revision has the tags %v", b.Tags)
	}
}

func environmentNotTaken(t *testing.T, w World) {
	if id, err := w.Domino.CreateEnvironment(background(), port.NewEnvironment{Name: "x", Visibility: "Odd"}); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("%s, %v, want ErrInvalid", id, err)
	}
	env, _ := w.Put.Environment(t, false)
	if err := w.Domino.ShareEnvironment(background(), env, "Odd", ""); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("%v, want ErrInvalid", err)
	}
}

func environmentArchived(t *testing.T, w World) {
	env, _ := w.Put.Environment(t, false)
	for range 2 { // and again
		if err := w.Domino.ArchiveEnvironment(background(), env); err != nil {
			t.Error(err)
		}
	}
}

func environmentShared(t *testing.T, w World) {
	env, _ := w.Put.Environment(t, false)
	for range 2 { // and again
		if err := w.Domino.ShareEnvironment(background(), env, port.VisibilityGlobal, ""); err != nil {
			t.Error(err)
		}
	}
}

func environmentUnknown(t *testing.T, w World) {
	for _, id := range []string{"65f00000000000000000dead", "", "1", "../../users/self", "65f00000000000000000dead?"} {
		for call, err := range map[string]error{"ArchiveEnvironment": w.Domino.ArchiveEnvironment(background(), id),
			"ShareEnvironment": w.Domino.ShareEnvironment(background(), id, port.VisibilityPrivate, "")} {
			if !errors.Is(err, port.ErrNotFound) {
				t.Errorf("%s %q: %v, want ErrNotFound", call, id, err)
			}
		}
	}
}
