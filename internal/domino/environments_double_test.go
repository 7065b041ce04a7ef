package domino

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/worldtest"
)

// double serves a sandbox as Domino serves its environments: with a life cycle, which the
// server that is made of the document does not have.
type double struct {
	*testing.T
	box   *sandbox.World
	store *store // keeps tiers and settings
	live  []port.Execution
}

// code is what Domino answers for an error.
func code(err error) int {
	for kind, code := range map[error]int{port.ErrNotFound: 404, port.ErrInvalid: 400, port.ErrState: 409, port.ErrDenied: 403, port.ErrThrottled: 429} {
		if errors.Is(err, kind) {
			return code
		}
	}
	return 500
}

func (d double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Domino-Api-Key") == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if kept := "/api/ /v4/hardwareTier /v4/admin/central"; slices.ContainsFunc(strings.Fields(kept), func(p string) bool { return strings.HasPrefix(r.URL.Path, p) }) {
		d.store.ServeHTTP(w, r)
		return
	}
	if d.log(w, r) {
		return
	}
	answer, status, err := d.answer(r)
	if err != nil {
		w.WriteHeader(code(err))
		return
	}
	w.WriteHeader(status)
	if answer != nil {
		_ = json.NewEncoder(w).Encode(answer)
	}
}

type object = map[string]any

var oneRevision = regexp.MustCompile(`^/v4/environments/environmentRevision/([^/]+)$`)

// answer routes what stands in hack/domino/openapi.yaml of environments.
func (d double) answer(r *http.Request) (answer any, status int, err error) {
	ctx, method := r.Context(), r.Method
	if r.URL.Path == "/v4/users/self" {
		user, err := d.box.DominoUser(ctx)
		return object{"userName": user}, 200, err
	}
	if r.URL.Path == executionList {
		return d.executions(r)
	}
	if answer, status, ok, err := d.jobs(r); ok {
		return answer, status, err
	}
	if job, ok := strings.CutSuffix(r.URL.Path, "/runtimeExecutionDetails"); ok {
		instance, err := d.box.GetExecutor(ctx, strings.TrimPrefix(job, "/v4/jobs/"))
		if instance == "" {
			return object{"executorInfo": nil}, 200, err
		}
		return object{"executorInfo": object{"executorInstanceId": instance}}, 200, err
	}
	if job, ok := strings.CutPrefix(r.URL.Path, "/v4/jobs/"); ok {
		took, told, err := d.box.PullTime(ctx, strings.TrimSuffix(job, "/executionCheckpointStatuses"))
		if !told {
			return []object{}, 200, err
		}
		return []object{{"checkpointName": "ImagesPulled", "status": "Completed", "timeSpentMillis": took.Milliseconds()}}, 200, err
	}
	if paged := revisionPages.FindStringSubmatch(r.URL.Path); paged != nil {
		return d.logged(r, paged[1])
	}
	if one := oneRevision.FindStringSubmatch(r.URL.Path); one != nil {
		def, err := d.box.GetDefinition(ctx, one[1])
		return d.shown(one[1], def), 200, err
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/v4/environments")
	if !ok {
		return nil, 0, fmt.Errorf("%s: %w", r.URL, port.ErrNotFound)
	}
	part := strings.Split(strings.Trim(rest, "/"), "/")
	env := part[0]
	switch what := strings.Join(part[1:], "/"); {
	case rest == "" && method == "POST":
		return d.made(r)
	case env == "defaultEnvironment" && method == "GET":
		id, err := d.box.DefaultEnvironment(ctx)
		return object{"id": id, "name": "x"}, 200, err
	case env == "setDefaultEnvironment" && method == "POST":
		var body struct{ EnvironmentID string }
		d.read(r, &body)
		return object{"id": body.EnvironmentID}, 200, d.box.SetDefaultEnvironment(ctx, body.EnvironmentID)
	case what == "" && method == "GET":
		_, err = d.box.ListRevisions(ctx, env)
		return object{"id": env, "name": "x", "unknown": []int{1}}, 200, err
	case what == "" && method == "DELETE":
		var whole object
		if json.NewDecoder(r.Body).Decode(&whole) != nil || whole["id"] != env || whole["unknown"] == nil {
			return nil, 0, port.ErrInvalid
		}
		return nil, 204, d.box.ArchiveEnvironment(ctx, env)
	case what == "visibility" && method == "POST":
		var body struct{ Visibility, OwnerID string }
		d.read(r, &body)
		return nil, 204, d.box.ShareEnvironment(ctx, env, body.Visibility, body.OwnerID)
	case what == "setactive" && method == "POST":
		return nil, 204, d.box.SetActiveRevision(ctx, env, r.URL.Query().Get("revisionId"))
	case what == "childrenFollowingActive" && method == "GET":
		all, err := d.box.ListFollowers(ctx, env)
		items := []object{}
		for _, f := range all {
			items = append(items, object{"id": f.ID, "name": f.Name})
		}
		return object{"items": items, "totalItems": len(items)}, 200, err
	case len(part) == 6 && part[1] == "page" && method == "GET":
		return d.page(r, env, part[2], part[4])
	}
	return d.revision(r, part)
}

var (
	revisionPages = regexp.MustCompile(`^/environments/([^/]+)/json/paged/0/[0-9]+$`)
	logPage       = regexp.MustCompile(`^/environments/([^/]+)/revisions/([^/]+)/build/b/fetchBuildLogsSince$`)
)

// logged are the builds of an environment; each is named b.
func (d double) logged(r *http.Request, env string) (answer any, status int, err error) {
	all, err := d.box.ListRevisions(r.Context(), env)
	state, logs := object{}, object{}
	for _, one := range all {
		state[one.ID], logs[one.ID] = "Succeeded", "/environments/"+env+"/revisions/"+one.ID+"/build/b/logs"
	}
	return object{"buildStatus": state, "buildLogsUrl": logs}, 200, err
}

// jobs are started, listed and stopped.
func (d double) jobs(r *http.Request) (answer any, status int, ok bool, err error) {
	switch r.Method + " " + r.URL.Path {
	case "GET /v4/jobs":
		all, err := d.box.ListJobs(r.Context(), r.URL.Query().Get("projectId"), worldtest.JobTitle, time.Time{})
		listed := []object{}
		if r.URL.Query().Get("page_no") != "1" {
			all = nil
		}
		for _, j := range all {
			listed = append(listed, object{"id": j.ID, "title": j.Title, "stageTime": object{"submissionTime": j.Submitted.UnixMilli()},
				"statuses": object{"isCompleted": j.Ended, "executionStatus": j.Status}})
		}
		return object{"jobs": listed}, 200, true, err
	case "POST /v4/jobs/start":
		var body newJob
		d.read(r, &body)
		id, err := d.box.StartJob(r.Context(), port.NewJob(body))
		return object{"id": id}, 200, true, err
	case "POST /v4/jobs/stop":
		var body struct {
			ProjectID, JobID string
			CommitResults    bool
		}
		d.read(r, &body)
		return object{}, 200, true, d.box.StopJob(r.Context(), body.ProjectID, body.JobID)
	}
	return nil, 0, false, nil
}

// log answers the page of a build's log, where that is what is asked for.
func (d double) log(w http.ResponseWriter, r *http.Request) bool {
	part := logPage.FindStringSubmatch(r.URL.Path)
	if part == nil {
		return false
	}
	since, err := strconv.ParseInt(r.URL.Query().Get("sinceTimeNano"), 10, 64)
	if err != nil {
		d.Error(err)
	}
	lines, err := d.box.GetBuildLog(r.Context(), part[1], part[2], since)
	if err != nil {
		d.Error(err)
	}
	if len(lines) == 0 {
		w.WriteHeader(http.StatusNoContent)
	}
	for _, l := range lines {
		fmt.Fprintf(w, `<tr data-timeNano="%d"><td class="time"></td><td class="line">%s</td></tr>`, l.At, html.EscapeString(l.Text))
	}
	return true
}

func (d double) revision(r *http.Request, part []string) (answer any, status int, err error) {
	env := part[0]
	switch {
	case len(part) < 2 || part[1] != "environmentRevision":
	case len(part) == 2 && r.Method == "POST":
		var body newRevision
		d.read(r, &body)
		id, err := d.box.CreateRevision(r.Context(), env, definitionFrom(body))
		return object{"environmentRevision": object{"id": id}}, 201, err
	case len(part) == 3 && r.Method == "GET":
		b, err := d.box.GetBuild(r.Context(), env, part[2])
		return object{"id": part[2], "status": strings.ToUpper(b.Status), "tags": b.Tags}, 200, err
	case len(part) == 4 && part[3] == "cancel" && r.Method == "POST":
		return nil, 204, d.box.CancelBuild(r.Context(), env, part[2])
	}
	return nil, 0, fmt.Errorf("%s %s: %w", r.Method, r.URL, port.ErrNotFound)
}

func (d double) made(r *http.Request) (answer any, status int, err error) {
	var body newEnvironment
	d.read(r, &body)
	n := body.Environment
	id, err := d.box.CreateEnvironment(r.Context(), port.NewEnvironment{Name: n.Name, Description: n.Description, Visibility: n.Visibility, Owner: n.OwnerID, First: definitionFrom(body.Revision)})
	return object{"id": id, "name": n.Name}, 201, err
}

func (d double) page(r *http.Request, env, page, size string) (answer any, status int, err error) {
	all, err := d.box.ListRevisions(r.Context(), env)
	n, _ := strconv.Atoi(page)
	of, _ := strconv.Atoi(size)
	of = min(of, 2) // fewer than it was asked for
	items := []object{}
	docs, findErr := d.box.Find(r.Context(), port.Query{Collection: "environments_v2", Any: map[string][]string{"_id": {`{"$oid":"` + env + `"}`}}})
	active := ""
	if len(docs) == 1 {
		active = oid(docs[0]["activeRevisionId"])
	}
	err = errors.Join(err, findErr)
	for _, rev := range all[min(n*of, len(all)):min((n+1)*of, len(all))] {
		items = append(items, object{"id": rev.ID, "number": rev.Number, "created": rev.Created.UnixMilli(), "active": rev.ID == active})
	}
	return object{"revisions": items, "pageInfo": object{"totalPages": (len(all) + of - 1) / of, "currentPage": n, "pageSize": of}}, 200, err
}

// read refuses what the document does not know.
func (d double) read(r *http.Request, into any) {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		d.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
}

func definitionFrom(n newRevision) port.Definition {
	tools := toolsJSON(n.WorkspaceTools)
	d := port.Definition{Image: n.Base.Image, Base: n.Base.Revision, Follow: n.Base.Follow, Dockerfile: n.DockerfileInstructions, PreSetup: n.PreSetupScript, PostSetup: n.PostSetupScript,
		PreRun: n.PreRunScript, PostRun: n.PostRunScript, Tools: tools, Summary: n.Summary, Variables: n.EnvironmentVariables, DockerArguments: n.DockerArguments, Tags: n.Tags,
		VPN: n.ShouldUseVPN, SkipCache: n.SkipCache, Restricted: n.IsRestricted}
	for _, c := range n.SupportedClusters {
		d.Clusters = append(d.Clusters, strings.ToLower(c))
	}
	return d
}

func (d double) shown(id string, def port.Definition) object {
	kind, rebuild := "DefaultImage", "Never"
	if def.Image != "" {
		kind = "CustomImage"
	} else if def.Base != "" {
		kind = "Environment"
	}
	if def.Follow != "" {
		rebuild = "FollowActive"
	}
	tools, err := toolsYAML(def.Tools)
	if err != nil {
		d.Error(err)
	}
	return object{"environment": object{"rebuildOnBaseChanges": rebuild}, "base": object{"id": def.Base, "environmentId": def.BaseOf, "number": def.BaseNumber},
		"environmentRevision": object{"id": id, "imageType": kind, "dockerImage": def.Image, "dockerfileInstructions": def.Dockerfile, "preSetupScript": def.PreSetup,
			"postSetupScript": def.PostSetup, "preRunScript": def.PreRun, "postRunScript": def.PostRun, "summary": def.Summary, "dockerArguments": def.DockerArguments,
			"clusterTypes": clusterNames(def.Clusters), "buildEnvironmentVariables": []map[string]string{def.Variables}, "shouldUseVPN": def.VPN, "isRestricted": def.Restricted,
			"workspacesProperties": object{"raw": tools}}}
}

// TestDouble: the contract of environments holds over the wire, with what was written to
// be read.
func TestDouble(t *testing.T) {
	worldtest.Run(t, func(t *testing.T) worldtest.World {
		now, building := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), false
		m, err := sandbox.NewMemory("sandbox.json", []byte(`{"aws": {"account": "1", "region": "r"}, "mongo": {}, "domino": {"buildTime": "1m", "pulls": {"65f000000000000000000001": "2m10s", "65f000000000000000000002": ""}, "executions": {"65f0000000000000000000e2": {"executor": "i-0000000000000000e"}, "65f0000000000000000000e3": {}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		box, err := m.Open(sandbox.Options{Clock: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		served := double{T: t, box: box, store: &store{}}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !building {
				now = now.Add(2 * time.Minute)
			}
			served.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		client, err := Open(Config{URL: server.URL, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return worldtest.World{Domino: client, Put: worldtest.Put{
			Tier: func(t *testing.T) {
				served.store.tiers = []map[string]any{decoded(t, `{"id": "small-k8s", "name": "Small", "nodePool": "default", "centsPerMinute": 1.5, "updateTime": "2026-02-01T00:00:00.000Z",
					"resources": {"cores": 2.0, "memory": {"value": 4.0, "units": "GiB"}}, "flags": {"isDefault": true, "isVisible": true, "isGlobal": true, "isArchived": false},
					"overProvisioning": {"daysOfWeek": ["MONDAY", "FRIDAY"], "fromTime": "08:00", "toTime": "18:00"}, "podCustomization": {"additionalLabels": {"example.com/team": "a"}}}`)}
			},
			Project: func(t *testing.T) (project, tier string) {
				const id = "65f4000000000000000000aa"
				for collection, d := range map[string]port.Document{"projects": {"_id": `{"$oid":"` + id + `"}`}, "hardware_tier": {"_id": `"probed"`, "flags.isArchived": "false"}} {
					if err := box.InsertOne(t.Context(), collection, d); err != nil {
						t.Fatal(err)
					}
				}
				return id, "probed"
			},
			Execution: func(*testing.T) { served.live = []port.Execution{worldtest.ExecutionExample()} },
			Executor: func(_ *testing.T, instance string) string {
				return map[bool]string{true: "65f0000000000000000000e3", false: "65f0000000000000000000e2"}[instance == ""]
			},
			Settings: func(t *testing.T) {
				for _, set := range worldtest.SettingExamples() {
					value := set.Value
					if set.Masked {
						value = "*****"
					}
					served.store.config = append(served.store.config, object{"id": set.ID, "setting": object{"namespace": set.Namespace, "key": set.Key, "value": value}})
				}
			},
			Pull: func(_ *testing.T, pull string) string {
				return map[bool]string{true: "65f000000000000000000001", false: "65f000000000000000000002"}[pull == "2m10s"]
			},
			Environment: func(t *testing.T, slow bool) (environment, revision string) {
				environment, revision, building = env, "65f100000000000000000011", slow
				for collection, d := range map[string]port.Document{
					"environments_v2":       {"_id": `{"$oid":"` + env + `"}`, "activeRevisionId": `{"$oid":"` + revision + `"}`},
					"environment_revisions": {"_id": `{"$oid":"` + revision + `"}`, "environmentId": `{"$oid":"` + env + `"}`, "metadata.number": "1", "metadata.isBuilt": "true", "metadata.created": `{"$date":"2024-01-01T00:00:00Z"}`}} {
					if err := box.InsertOne(t.Context(), collection, d); err != nil {
						t.Fatal(err)
					}
				}
				return environment, revision
			},
		}}
	})
}

// TestArchive: the environment is sent back as it came, once; what is not shown is not
// archived.
func TestArchive(t *testing.T) {
	for name, c := range map[string]struct {
		shown, kind string
		deletes     int
	}{
		"archived":  {`{"id": "` + env + `", "kept": {"as": [1.50]}}`, "", 1},
		"foreign":   {`[]`, "not what Domino's API documents", 0},
		"another's": {`{"id": "` + rev + `"}`, "not what Domino's API documents", 0},
	} {
		deletes := 0
		client, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				_, _ = w.Write([]byte(c.shown))
				return
			}
			var body json.RawMessage
			if deletes++; json.NewDecoder(r.Body).Decode(&body) != nil || string(body) != strings.ReplaceAll(c.shown, " ", "") || r.Method != http.MethodDelete {
				t.Errorf("%s: %s %s", name, r.Method, body)
			}
			w.WriteHeader(http.StatusNoContent)
		})
		if err := client.ArchiveEnvironment(t.Context(), env); (err == nil) != (c.kind == "") || err != nil && !strings.Contains(err.Error(), c.kind) || deletes != c.deletes {
			t.Errorf("%s: %v, deleted %d times", name, err, deletes)
		}
	}
}
