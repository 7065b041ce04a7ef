package domino

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestListJobs: what is no list of jobs is no empty list, and one that is cut short by
// its page does not say that there are no more.
func TestListJobs(t *testing.T) {
	job := func(n int) string {
		return fmt.Sprintf(`{"id": "%024x", "title": "\u001b[31m", "stageTime": {"submissionTime": %d}, "statuses": {"isCompleted": true, "executionStatus": "Stopped"}}`, n+1, 1772442000000+n)
	}
	var many []string
	for n := range jobsOf {
		many = append(many, job(n))
	}
	for answer, c := range map[string]struct {
		jobs  int
		since time.Time
		fails bool
	}{
		`{"jobs": []}`:                      {0, time.Time{}, false},
		`{"jobs": [` + job(1) + `]}`:        {1, time.Time{}, false},
		`{}`:                                {0, time.Time{}, true},
		`[]`:                                {0, time.Time{}, true},
		`{"jobs": null}`:                    {0, time.Time{}, true},
		`{"jobs": [{"id": "1"}]}`:           {0, time.Time{}, true},
		`{"jobs": [{"id": "` + env + `"}]}`: {0, time.Time{}, true},
		`{"jobs": [` + strings.Replace(job(1), "1772442000001", "0", 1) + `]}`: {0, time.Time{}, true},
		`{"jobs": [` + strings.Join(many, ",") + `]}`:                          {0, time.Time{}, true},
		`{"jobs": [` + strings.Join(many, ",") + `] }`:                         {jobsOf, time.UnixMilli(1772442000001), false},
	} {
		client, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if q := r.URL.Query(); r.URL.Path != "/v4/jobs" || q.Get("projectId") != env || q.Get("sort_by") != "desc" {
				t.Errorf("asked %s", r.URL)
			}
			_, _ = io.WriteString(w, answer)
		})
		all, err := client.ListJobs(context.Background(), env, c.since)
		if (err != nil) != c.fails || len(all) != c.jobs {
			t.Errorf("%.80s: %d, %v", answer, len(all), err)
		}
		for i := 1; i < len(all); i++ {
			if all[i].Submitted.After(all[i-1].Submitted) {
				t.Error("they are not sorted")
			}
		}
	}
}
