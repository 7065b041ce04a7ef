package domino

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestMoreThanWasAskedFor is no list: a page of 8 MiB, a hundred times, would be one that
// no process holds.
func TestMoreThanWasAskedFor(t *testing.T) {
	entries := func(n int, form string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf(form, i+1)
		}
		return strings.Join(all, ",")
	}
	for name, c := range map[string]struct {
		most         int
		entry, frame string
		list         func(*Client) (int, error)
	}{
		"revisions": {pageOf, `{"id": "%024[1]x", "number": %[1]d, "created": 1772442000000}`, `{"revisions": [%s], "pageInfo": {"totalPages": 1}}`, func(c *Client) (int, error) {
			all, err := c.ListRevisions(t.Context(), env)
			return len(all), err
		}},
		"followers": {pageOf, `{"id": "%024x", "name": "x"}`, `{"items": [%s], "totalItems": 100}`, func(c *Client) (int, error) {
			all, err := c.ListFollowers(t.Context(), env)
			return len(all), err
		}},
		"jobs": {jobsOf, `{"id": "%024x", "title": "x", "stageTime": {"submissionTime": 1000}, "statuses": {}}`, `{"jobs": [%s]}`, func(c *Client) (int, error) {
			all, err := c.ListJobs(t.Context(), env, "x", time.Now())
			return len(all), err
		}},
		"tiers": {mostListed, `{"id": "%x"}`, `{"hardwareTiers": [%s], "metadata": {"pagination": {"totalCount": COUNT}}}`, func(c *Client) (int, error) {
			all, err := c.ListTiers(t.Context())
			return len(all.Tiers), err
		}},
		"settings": {mostListed, `{"id": "%x", "setting": {"namespace": "", "key": "x", "value": ""}}`, `[%s]`, func(c *Client) (int, error) {
			all, err := c.ListSettings(t.Context())
			return len(all), err
		}},
		"builds": {mostListed, `"%024x": "Succeeded"`, `{"buildStatus": {%s}, "buildLogsUrl": {}}`, func(c *Client) (int, error) {
			_, err := c.build(t.Context(), env, fmt.Sprintf("%024x", 1))
			return mostListed, err
		}},
	} {
		for _, more := range []int{0, 1} {
			text := fmt.Sprintf(strings.Replace(c.frame, "COUNT", fmt.Sprint(c.most+more), 1), entries(c.most+more, c.entry))
			client, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, text)
			})
			if n, err := c.list(client); (err != nil) != (more > 0) || err == nil && n != c.most {
				t.Errorf("%s: %d of %d entries, %v", name, n, c.most+more, err)
			}
		}
	}
}
