package domino

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

// executions answers live ones as Domino shows them.
func (d double) executions(*http.Request) (answer any, status int, err error) {
	all := []object{}
	for _, e := range d.live {
		var units, pods []object
		for _, u := range e.Units {
			one := object{"deployableObjectType": "Pod", "deployableObjectId": u.ID, "computeNodeId": u.Node, "status": u.Status}
			if of, is := strings.CutPrefix(u.Role, "ray-"); is {
				one["role"] = of
				pods = append(pods, one)
			} else {
				units = append(units, one)
			}
		}
		owner, project, _ := strings.Cut(e.Project, "/")
		all = append(all, object{"id": e.ID, "title": e.Title, "workloadType": e.Kind, "status": e.Status, "created": e.Queued, "startingUsername": e.Owner, "hardwareTier": object{"id": e.Tier},
			"projectIdentifier": object{"ownerUsername": owner, "projectName": project}, "executionUnits": units, "onDemandSparkExecutionUnits": []object{},
			"computeClusterOverviews": []object{{"clusterType": "Ray", "podOverviews": pods}}})
	}
	return object{"overviews": all, "totalCount": len(all)}, 200, nil
}

const oneExecution = `{"id": "%024x", "status": "Running", "workloadType": "Batch", "created": "2026-03-31T11:00:00Z", "executionUnits": [{"deployableObjectId": "u", "computeNodeId": "n"}]}`

func liveOnes(total int, ids ...int) string {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf(oneExecution, id))
	}
	return fmt.Sprintf(`{"totalCount": %d, "overviews": [%s]}`, total, strings.Join(all, ","))
}

// TestListExecutions: what is no list is no empty one, pages join without a gap, and a
// list that moves is read again.
func TestListExecutions(t *testing.T) {
	type answers []string // "offset: answer"
	at := func(offset int, text string) string { return strconv.Itoa(offset) + ": " + text }
	for name, c := range map[string]struct {
		answers answers
		n       int // -1: it fails
	}{
		"none":              {answers{at(0, liveOnes(0))}, 0},
		"one page":          {answers{at(0, liveOnes(2, 1, 2))}, 2},
		"two pages":         {answers{at(0, liveOnes(3, 1, 2)), at(1, liveOnes(3, 2, 3))}, 3},
		"one ended":         {answers{at(0, liveOnes(3, 1, 2)), at(1, liveOnes(2, 3)), at(0, liveOnes(2, 2, 3))}, 2},
		"one twice":         {answers{at(0, liveOnes(3, 1, 2)), at(1, liveOnes(3, 2, 1)), at(0, liveOnes(1, 1))}, 1},
		"cut short":         {answers{at(0, liveOnes(3, 1)), at(0, liveOnes(3, 1)), at(0, liveOnes(3, 1)), at(0, liveOnes(3, 1))}, -1},
		"no total":          {answers{at(0, `{"overviews": []}`)}, -1},
		"no list":           {answers{at(0, `{"totalCount": 0}`)}, -1},
		"null":              {answers{at(0, `{"totalCount": 0, "overviews": null}`)}, -1},
		"no id":             {answers{at(0, `{"totalCount": 1, "overviews": [{"id": "../x", "executionUnits": []}]}`)}, -1},
		"no units":          {answers{at(0, `{"totalCount": 1, "overviews": [{"id": "65f0000000000000000000e1"}]}`)}, -1},
		"less than nothing": {answers{at(0, `{"totalCount": -1, "overviews": []}`)}, -1},
		"a page of HTML":    {answers{at(0, `<html>`)}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			client, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if len(c.answers) == 0 {
					_, _ = io.WriteString(w, liveOnes(9, 1))
					return
				}
				offset, text, _ := strings.Cut(c.answers[0], ": ")
				if r.URL.Query().Get("offset") != offset && name != "cut short" {
					t.Errorf("%s, want offset %s", r.URL, offset)
				}
				c.answers = c.answers[1:]
				_, _ = io.WriteString(w, text)
			})
			all, err := client.ListExecutions(t.Context())
			if (err != nil) != (c.n < 0) || len(all) != max(c.n, 0) {
				t.Errorf("%d executions, %v; want %d", len(all), err, c.n)
			}
		})
	}
}

// TestUnits: a Spark cluster's nodes are told by several lists.
func TestUnits(t *testing.T) {
	client, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"totalCount": 1, "overviews": [{"id": "65f0000000000000000000e1", "title": null, "startingUsername": null,
			"executionUnits": [{"deployableObjectId": "run", "computeNodeId": "a"}, {"deployableObjectId": "w", "computeNodeId": "b"}],
			"onDemandSparkExecutionUnits": [{"deployableObjectId": "m", "computeNodeId": "c", "role": "spark-master"}, {"deployableObjectId": "w", "computeNodeId": "b", "role": "worker"}],
			"computeClusterOverviews": [{"clusterType": "Spark", "podOverviews": [{"deployableObjectId": "w", "computeNodeId": "b", "role": "Worker"}]}]}]}`)
	})
	all, err := client.ListExecutions(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	roles := map[string]string{}
	for _, u := range all[0].Units {
		roles[u.Node] += u.Role
	}
	if fmt.Sprint(roles) != fmt.Sprint(map[string]string{"a": "run", "b": "spark-worker", "c": "spark-master"}) {
		t.Errorf("%v: %+v", roles, all[0].Units)
	}
	var _ port.Executions = client
}

// TestGetExecutor: what is no answer names no executor.
func TestGetExecutor(t *testing.T) {
	for text, want := range map[string]string{
		`{"executorInfo": {"executorInstanceId": "i-1"}}`: "i-1", `{"executorInfo": {}}`: "", `{"executorInfo": null}`: "", `{}`: "",
		`null`: "!", `[]`: "!", `<html>`: "!", `{"executorInfo": "i-1"}`: "!", `{"executorInfo": {"executorInstanceId": 1}}`: "!",
	} {
		client, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
		got, err := client.GetExecutor(t.Context(), "65f0000000000000000000e1")
		if (err != nil) != (want == "!") || err == nil && got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}
