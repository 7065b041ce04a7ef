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

// left drops the revisions that domctl had built, or Domino of what follows one, and that
// are not active: Domino deletes none.
func left(domino, mongo map[string]any) {
	docs := func(collection string) []any { all, _ := mongo[collection].([]any); return all }
	id := func(doc any, path string) string {
		oid, _ := doc.(map[string]any)[path].(map[string]any)
		text, _ := oid["$oid"].(string)
		return text
	}
	active := map[string]bool{}
	for _, env := range docs("environments_v2") {
		active[id(env, "activeRevisionId")] = true
	}
	made, _ := domino["revisions"].(map[string]any)
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
