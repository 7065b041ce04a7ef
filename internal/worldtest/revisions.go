package worldtest

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

const revisions = "Domino Data Lab API v4, /environments/{environmentId}/"

func revisionCases() []Case {
	return []Case{
		{Name: "Revisions/Made", Source: revisions + "environmentRevision, POST", run: revisionMade},
		{Name: "Revisions/Shown", Source: "Domino Data Lab API v4, GET /environments/environmentRevision/{environmentRevisionId}", run: revisionShown},
		{Name: "Revisions/Listed", Source: revisions + "page/{page}/pageSize/{pageSize}/revisions", run: revisionsListed},
		{Name: "Revisions/Activated", Source: revisions + "setactive", run: revisionActivated},
		{Name: "Revisions/Followed", Source: revisions + "childrenFollowingActive", run: revisionFollowed},
		{Name: "Revisions/Cancelled", Source: revisions + "environmentRevision/{environmentRevisionId}/cancel", run: buildCancelled},
		{Name: "Revisions/Log", Source: "github.com/dominodatalab/python-domino-environments, GET /environments/{environmentId}/revisions/{revisionId}/build/{buildId}/fetchBuildLogsSince", run: buildLog},
		{Name: "Revisions/Unknown", Source: revisions + "environmentRevision/{environmentRevisionId}, 404", run: revisionUnknown},
	}
}

// whole is a definition that says something everywhere.
func whole() port.Definition {
	return port.Definition{Image: "quay.io/domino/base:5.3", Dockerfile: "RUN pip install luigi==3.5.0\nENV A=\"b\"", PreSetup: "echo 1", PostSetup: "echo 2", PreRun: "echo 3", PostRun: "echo 4",
		Tools:   `{"jupyter":{"httpProxy":{"internalPath":"/","port":8888,"requireSubdomain":false,"rewrite":true},"start":["/opt/start.sh"],"supportedFileExtensions":[".ipynb"],"title":"Jupyter"}}`,
		Summary: "luigi", Variables: map[string]string{"SPARK_HOME": "/opt/spark"}, DockerArguments: []string{"--shm-size=2g"}, Clusters: []string{"ray", "spark"},
		Tags: []string{"domctl-step-0", "nightly"}, VPN: true, SkipCache: true, Restricted: true}
}

func revisionMade(t *testing.T, w World) {
	env, _ := w.Put.Environment(t, false)
	id := value(w.Domino.CreateRevision(background(), env, whole()))(t)
	b := value(w.Domino.GetBuild(background(), env, id))(t)
	if b.Status != port.BuildSucceeded || !slices.Equal(b.Tags, whole().Tags) {
		t.Errorf("the build is %+v", b)
	}
}

func revisionShown(t *testing.T, w World) {
	env, _ := w.Put.Environment(t, false)
	id := value(w.Domino.CreateRevision(background(), env, whole()))(t)
	want := whole()
	want.Tags, want.SkipCache = nil, false // which it does not show
	if got := value(w.Domino.GetDefinition(background(), id))(t); !reflect.DeepEqual(got, want) {
		t.Errorf("it shows\n%+v, want\n%+v", got, want)
	}
}

func revisionsListed(t *testing.T, w World) {
	env, first := w.Put.Environment(t, false)
	second := value(w.Domino.CreateRevision(background(), env, port.Definition{}))(t)
	got := value(w.Domino.ListRevisions(background(), env))(t)
	if len(got) != 2 || got[0].ID != second || got[0].Number != 2 || got[1].ID != first || got[1].Number != 1 || got[0].Created.IsZero() {
		t.Errorf("%+v, want %s and %s", got, second, first)
	}
}

func revisionActivated(t *testing.T, w World) {
	env, _ := w.Put.Environment(t, false)
	id := value(w.Domino.CreateRevision(background(), env, port.Definition{}))(t)
	for range 2 { // and again
		if err := w.Domino.SetActiveRevision(background(), env, id); err != nil {
			t.Error(err)
		}
	}
}

func revisionFollowed(t *testing.T, w World) {
	env, _ := w.Put.Environment(t, false)
	if got := value(w.Domino.ListFollowers(background(), env))(t); len(got) != 0 {
		t.Errorf("nobody follows, and it answers %v", got)
	}
}

func buildCancelled(t *testing.T, w World) {
	env, _ := w.Put.Environment(t, true)
	id := value(w.Domino.CreateRevision(background(), env, port.Definition{}))(t)
	if err := w.Domino.CancelBuild(background(), env, id); err != nil {
		t.Error(err)
	}
}

// buildLog: lines are in the order of their times, and those after one are the rest.
func buildLog(t *testing.T, w World) {
	env, first := w.Put.Environment(t, false)
	id := value(w.Domino.CreateRevision(background(), env, whole()))(t)
	all := value(w.Domino.GetBuildLog(background(), env, id, 0))(t)
	if len(all) < 2 || all[0].Text != "Step 1/3 : FROM quay.io/domino/base:5.3" {
		t.Fatalf("%+v", all)
	}
	for i := range all[1:] {
		if all[i].At >= all[i+1].At {
			t.Errorf("line %d is no later than the one before it: %+v", i+1, all)
		}
	}
	if rest := value(w.Domino.GetBuildLog(background(), env, id, all[0].At))(t); !slices.Equal(rest, all[1:]) {
		t.Errorf("after %+v there is %+v", all[0], rest)
	}
	if none := value(w.Domino.GetBuildLog(background(), env, id, all[len(all)-1].At))(t); len(none) > 0 {
		t.Errorf("after its end there is %+v", none)
	}
	if none := value(w.Domino.GetBuildLog(background(), env, first, 0))(t); len(none) > 0 {
		t.Errorf("of a revision without a build there is %+v", none)
	}
}

func revisionUnknown(t *testing.T, w World) {
	env, revision := w.Put.Environment(t, false)
	none := "65f00000000000000000dead"
	for _, id := range []string{none, "", "1", "../../users/self", revision + "/cancel", revision + "?"} {
		_, shown := w.Domino.GetDefinition(background(), id)
		_, built := w.Domino.GetBuild(background(), env, id)
		_, logged := w.Domino.GetBuildLog(background(), env, id, 0)
		_, followed := w.Domino.ListFollowers(background(), id)
		_, listed := w.Domino.ListRevisions(background(), id)
		_, made := w.Domino.CreateRevision(background(), id, port.Definition{})
		for call, err := range map[string]error{"GetDefinition": shown, "GetBuild": built, "GetBuildLog": logged, "ListFollowers": followed, "ListRevisions": listed, "CreateRevision": made,
			"SetActiveRevision": w.Domino.SetActiveRevision(background(), env, id), "CancelBuild": w.Domino.CancelBuild(background(), env, id)} {
			if !errors.Is(err, port.ErrNotFound) {
				t.Errorf("%s %q: %v, want ErrNotFound", call, id, err)
			}
		}
	}
}
