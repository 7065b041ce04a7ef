package domino

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestListJobs: what is no list of jobs is no empty list, one that is cut short by its
// page is asked for the next, and odd jobs of others hold up nobody.
func TestListJobs(t *testing.T) {
	const began = 1772442000000
	job := func(title string, n int) string {
		return fmt.Sprintf(`{"id": "%024x", "title": %q, "stageTime": {"submissionTime": %d}, "statuses": {"isCompleted": true, "executionStatus": "Stopped"}}`, n, title, began+n)
	}
	page := func(jobs ...string) string { return `{"jobs": [` + strings.Join(jobs, ",") + `]}` }
	full := func(from int) string {
		var many []string
		for n := range jobsOf {
			many = append(many, job("another", from-n))
		}
		return page(many...)
	}
	odd := `{"id": "1", "title": "another"}`
	for name, c := range map[string]struct {
		pages []string // the last one holds for ever
		jobs  int      // -1: it fails
		asked int
	}{
		"none":            {[]string{page()}, 0, 1},
		"one":             {[]string{page(job("ours", 1)), page()}, 1, 2},
		"older":           {[]string{page(job("ours", 2), job("another", -1))}, 1, 1},
		"unsorted":        {[]string{page(job("ours", 1), job("ours", 3), job("another", -1))}, 2, 1},
		"the third page":  {[]string{full(1000), full(800), page(job("ours", 3), job("another", -1))}, 1, 3},
		"shifted":         {[]string{page(job("another", 4), job("ours", 3)), page(job("ours", 3), job("ours", 2)), page()}, 2, 3},
		"the same always": {[]string{page(job("ours", 1))}, 1, 2},
		"full always":     {[]string{full(1000)}, -1, 2},
		"odd others":      {[]string{page(odd, job("ours", 1), `{"id": "`+env+`", "title": "another", "stageTime": {}}`, job("another", -1))}, 1, 1},
		"odd":             {[]string{page(strings.Replace(odd, "another", "ours", 1))}, -1, 1},
		"ours untimed":    {[]string{page(strings.Replace(job("ours", 1), strconv.Itoa(began+1), "0", 1))}, -1, 1},
		"no list":         {[]string{`{}`}, -1, 1},
		"an array":        {[]string{`[]`}, -1, 1},
		"null":            {[]string{`{"jobs": null}`}, -1, 1},
	} {
		asked := 0
		client, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if q := r.URL.Query(); r.URL.Path != "/v4/jobs" || q.Get("projectId") != env || q.Get("sort_by") != "desc" || q.Get("page_no") != strconv.Itoa(asked+1) {
				t.Errorf("asked %s", r.URL)
			}
			_, _ = io.WriteString(w, c.pages[min(asked, len(c.pages)-1)])
			asked++
		})
		all, err := client.ListJobs(t.Context(), env, "ours", time.UnixMilli(began))
		if (err != nil) != (c.jobs < 0) || len(all) != max(c.jobs, 0) || asked != c.asked {
			t.Errorf("%s: %d, %v, asked %d times", name, len(all), err, asked)
		}
		for i := 1; i < len(all); i++ {
			if all[i].Submitted.After(all[i-1].Submitted) {
				t.Error("they are not sorted")
			}
		}
	}
	asked := 0
	client, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, full(100000000-asked*jobsOf))
	})
	if all, err := client.ListJobs(t.Context(), env, "ours", time.UnixMilli(began)); err == nil || !strings.Contains(err.Error(), "more than 10000 jobs") || asked != mostJobPages {
		t.Errorf("endless: %v, %v, asked %d times", all, err, asked)
	}
}

// FuzzListJobs: whatever is answered, jobs are of the title that was asked for, each once,
// the newest first, or there are none.
func FuzzListJobs(f *testing.F) {
	f.Add([]byte(`{"jobs": []}`))
	f.Add([]byte(`{"jobs": [{"id": "65f0000000000000000000a1", "title": "probe", "stageTime": {"submissionTime": 1}, "statuses": {"isCompleted": true, "executionStatus": "Succeeded"}}, {"id": null}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		client, err := Open(Config{URL: "https://x", Key: key, Transport: answer(body)})
		if err != nil {
			t.Fatal(err)
		}
		all, err := client.ListJobs(t.Context(), job, "probe", time.UnixMilli(1000))
		if err != nil && all != nil {
			t.Fatalf("%v, %v", all, err)
		}
		seen := map[string]bool{}
		for i, j := range all {
			if known(j.ID) != nil || seen[j.ID] || j.Title != "probe" || i > 0 && j.Submitted.After(all[i-1].Submitted) {
				t.Errorf("%+v", all)
			}
			seen[j.ID] = true
		}
	})
}
