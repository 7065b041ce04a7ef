package sim

import (
	"context"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

func (o outside) CreateRevision(ctx context.Context, environment string, d port.Definition) (string, error) {
	return note(ctx, o, "CreateRevision", []any{environment, d.Tags}, func(ctx context.Context) (string, error) { return o.World.CreateRevision(ctx, environment, d) })
}

func (o outside) SetActiveRevision(ctx context.Context, environment, revision string) error {
	return effect(ctx, o, "SetActiveRevision", []any{environment, revision}, func(ctx context.Context) error { return o.World.SetActiveRevision(ctx, environment, revision) })
}

func (o outside) CancelBuild(ctx context.Context, environment, revision string) error {
	return effect(ctx, o, "CancelBuild", []any{environment, revision}, func(ctx context.Context) error { return o.World.CancelBuild(ctx, environment, revision) })
}

func (o outside) StartJob(ctx context.Context, j port.NewJob) (string, error) {
	return note(ctx, o, "StartJob", []any{j}, func(ctx context.Context) (string, error) { return o.World.StartJob(ctx, j) })
}

func (o outside) StopJob(ctx context.Context, project, id string) error {
	return effect(ctx, o, "StopJob", []any{project, id}, func(ctx context.Context) error { return o.World.StopJob(ctx, project, id) })
}

// ended drops what probes leave: runs that are over, and archived tiers.
func ended(domino, mongo map[string]any) {
	jobs, _ := domino["jobs"].(map[string]any)
	for id, j := range jobs {
		if j, _ := j.(map[string]any); j["stopped"] == true || j["fails"] != nil {
			delete(jobs, id)
		}
	}
	if len(jobs) == 0 {
		delete(domino, "jobs")
	}
	tiers, _ := mongo["hardware_tier"].([]any)
	if tiers != nil {
		mongo["hardware_tier"] = slices.DeleteFunc(tiers, func(doc any) bool {
			text := schema.JSON(doc).Text
			return strings.Contains(text, `"domctl-probe-`) && strings.Contains(text, `"isArchived":true`)
		})
	}
}

// left drops the revisions that domctl had built, or Domino of what follows one, and that
// are not active, and the environments that domctl made and archived: Domino deletes none.
func left(domino, mongo map[string]any) {
	docs := func(collection string) []any { all, _ := mongo[collection].([]any); return all }
	id := func(doc any, path string) string {
		oid, _ := doc.(map[string]any)[path].(map[string]any)
		text, _ := oid["$oid"].(string)
		return text
	}
	active := map[string]bool{}
	made, _ := domino["revisions"].(map[string]any)
	mine := map[string]bool{} // environments whose first revision domctl made
	for _, r := range docs("environment_revisions") {
		metadata, _ := r.(map[string]any)["metadata"].(map[string]any)
		if number, _ := metadata["number"].(float64); number == 1 && strings.Contains(schema.JSON(made[id(r, "_id")]).Text, schema.TagStep) {
			mine[id(r, "environmentId")] = true
		}
	}
	var kept []any
	for _, env := range docs("environments_v2") {
		if env.(map[string]any)["isArchived"] == true && mine[id(env, "_id")] {
			continue
		}
		kept = append(kept, env)
		active[id(env, "activeRevisionId")] = true
	}
	if len(kept) > 0 {
		mongo["environments_v2"] = kept
	}
	for revision, r := range made {
		if !active[revision] && (strings.Contains(schema.JSON(r).Text, schema.TagStep) || r.(map[string]any)["trigger"] != nil) {
			delete(made, revision)
			mongo["environment_revisions"] = slices.DeleteFunc(docs("environment_revisions"), func(doc any) bool { return id(doc, "_id") == revision })
		}
	}
	if len(made) == 0 {
		delete(domino, "revisions")
	}
}
