package worldtest

import (
	"errors"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

const jobs = "Domino Data Lab API v4, /jobs"

func jobCases() []Case {
	return []Case{
		{Name: "Jobs/Started", Source: jobs + "/start, POST", run: jobStarted},
		{Name: "Jobs/Stopped", Source: jobs + "/stop, POST", run: jobStopped},
		{Name: "Jobs/Unknown", Source: jobs + ", 404", run: jobUnknown},
	}
}

// JobTitle is that of the jobs that the contract starts.
const JobTitle = "domctl: probe of amis.gpu"

// newJob is one of a project, in an environment that is there.
func newJob(t *testing.T, w World) port.NewJob {
	t.Helper()
	env, _ := w.Put.Environment(t, false)
	project, tier := w.Put.Project(t)
	return port.NewJob{Project: project, Command: "sleep 900", Environment: env, Tier: tier, Title: JobTitle}
}

func jobStarted(t *testing.T, w World) {
	j := newJob(t, w)
	id := value(w.Domino.StartJob(background(), j))(t)
	all := value(w.Domino.ListJobs(background(), j.Project, j.Title, time.Time{}))(t)
	if len(all) != 1 || all[0].ID != id || all[0].Title != j.Title || all[0].Ended || all[0].Status != "Running" || all[0].Submitted.IsZero() {
		t.Errorf("%s: %+v", id, all)
	}
	if others := value(w.Domino.ListJobs(background(), j.Project, "another", time.Time{}))(t); len(others) != 0 {
		t.Errorf("of another title: %+v", others)
	}
}

func jobStopped(t *testing.T, w World) {
	j := newJob(t, w)
	id := value(w.Domino.StartJob(background(), j))(t)
	if err := w.Domino.StopJob(background(), j.Project, id); err != nil {
		t.Error(err)
	}
}

func jobUnknown(t *testing.T, w World) {
	j := newJob(t, w)
	for _, id := range []string{"65f00000000000000000dead", "", "1", "../../users/self", "65f00000000000000000dea?"} {
		other := j
		other.Project = id
		_, started := w.Domino.StartJob(background(), other)
		other = j
		other.Environment = id
		_, elsewhere := w.Domino.StartJob(background(), other)
		_, listed := w.Domino.ListJobs(background(), id, j.Title, time.Time{})
		for call, err := range map[string]error{"StartJob": started, "StartJob in an environment": elsewhere, "ListJobs": listed, "StopJob": w.Domino.StopJob(background(), j.Project, id)} {
			if !errors.Is(err, port.ErrNotFound) {
				t.Errorf("%s %q: %v, want ErrNotFound", call, id, err)
			}
		}
	}
}
