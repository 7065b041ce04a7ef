package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Creator makes environments.
type Creator struct {
	Builder
	Documents documents
}

// documents are where all environments stand, also those that a key does not see.
type documents interface {
	Find(ctx context.Context, q port.Query) ([]port.Document, error)
}

// Yields: an environment whose first build was cancelled would be there without a revision
// to run, so that an interrupt leaves it to who goes on.
func (c Creator) Yields() bool { return false }

// Operations are the rows of the operation table that stand here.
func (c Creator) Operations() applier.Operations {
	return applier.Operations{operation.CreateEnvironment: {Executor: c, Most: c.Most, Room: room, Undo: undoCreate, Tool: "curl", Calls: []string{"CreateEnvironment", "CancelBuild"}}}
}

// undoCreate archives what was made: Domino deletes no environment.
func undoCreate(d planner.Done) []planner.Step {
	ref := planner.Ref("domino/environment#" + d.Outputs["id"].Str())
	return []planner.Step{{ID: "undo/" + d.Step.ID, Address: d.Step.Address, Op: operation.ArchiveEnvironment, Object: ref, Guard: planner.Absolute, Window: d.Step.Window,
		Writes: map[string]schema.Value{"archived": schema.JSON(true)}, Expects: []planner.Expect{{Ref: ref, Path: "archived", Value: schema.JSON(false)}}}}
}

// Observe tells how far a step is by the environment whose first revision has its tag.
// One that was made stands, whatever became of its build: the next plan goes on with it,
// and the way back archives it.
func (c Creator) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	if c.Domino == nil {
		return applier.Status{State: applier.Unsure, Why: port.ErrUnstated.Error()}, nil
	}
	found, hidden, err := c.made(ctx, a)
	switch {
	case err != nil:
		return applier.Status{}, err
	case found == nil && hidden != "":
		return applier.Status{State: applier.Unsure, Why: fmt.Sprintf("DC364: environment %s is there since this step was begun, and Domino's API does not show it; use the key that it was begun with, and resume", hidden)}, nil
	case found == nil && a.Abort:
		return applier.Status{State: applier.Undone}, nil
	case found == nil:
		return applier.Status{State: applier.Next, Mark: create, Guard: planner.Absolute}, nil
	}
	c.stream(ctx, a, found.environment, found.made)
	st := c.judge(a, found.made, cancel+found.environment+"/"+found.ID)
	switch st.State {
	case applier.Finished, applier.Undone:
		return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"id": schema.JSON(found.environment), "revision": schema.JSON(found.ID)}}, nil
	case applier.Failed:
		st.Why = fmt.Sprintf("DC366: environment %s is made, and its first build ended as %q: it has no active revision; correct the definition, then domctl apply --supersede %s builds another", found.environment, found.Status, a.Apply)
		st.Why += c.end(ctx, a, found.environment, found.made)
	}
	return st, nil
}

// first is an environment's first revision, and its build.
type first struct {
	environment string
	made
}

// made finds what this step made, once it was begun. hidden is an environment that may be
// it and that the API does not show.
func (c Creator) made(ctx context.Context, a applier.Attempt) (found *first, hidden string, err error) {
	if len(a.Begun) == 0 {
		return nil, "", nil
	}
	docs, err := c.Documents.Find(ctx, port.Query{Collection: "environments_v2", Fields: []string{"name"}})
	if err != nil {
		return nil, "", err
	}
	for _, k := range candidates(docs, a) {
		if found != nil && k.id > found.environment { // its tag was copied: the oldest is the step's
			continue
		}
		one, err := c.first(ctx, k.id)
		switch {
		case errors.Is(err, port.ErrNotFound):
			if k.young {
				hidden = k.id
			}
		case err != nil:
			return nil, "", err
		case slices.Contains(one.Tags, stepTag(a, 0)):
			found = one
		}
	}
	if found != nil {
		hidden = ""
	}
	return found, hidden, nil
}

// candidate is an environment that a step may have made: one of the step's name, or one
// that is younger than a day before the apply began. An ObjectId begins with the second in
// which it was made, by Domino's clock.
type candidate struct {
	id    string
	young bool
}

func candidates(docs []port.Document, a applier.Attempt) (named []candidate) {
	var others []candidate
	for _, d := range docs {
		var id struct {
			OID string `json:"$oid"`
		}
		var name string
		if json.Unmarshal([]byte(d["_id"]), &id) != nil || id.OID == "" {
			continue
		}
		_ = json.Unmarshal([]byte(d["name"]), &name)
		at, err := strconv.ParseInt(id.OID[:min(8, len(id.OID))], 16, 64)
		k := candidate{id.OID, err == nil && at >= a.Began.Add(-24*time.Hour).Unix()}
		if name == a.Step.Writes["name"].Str() {
			named = append(named, k)
		} else if k.young {
			others = append(others, k)
		}
	}
	return append(named, others...)
}

// first reads an environment's first revision. Domino makes none without and deletes none,
// so that a list which lacks it does not show the environment, as port.ErrNotFound says.
func (c Creator) first(ctx context.Context, environment string) (*first, error) {
	all, err := c.Domino.ListRevisions(ctx, environment)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || all[len(all)-1].Number != 1 {
		return nil, fmt.Errorf("the first revision of environment %s: %w", environment, port.ErrNotFound)
	}
	r := all[len(all)-1]
	build, err := c.Domino.GetBuild(ctx, environment, r.ID)
	if err != nil {
		return nil, err
	}
	return &first{environment, made{r, build}}, nil
}

// Start makes the one write that the mark names.
func (c Creator) Start(ctx context.Context, a applier.Attempt) error {
	if a.Mark != create {
		environment, revision, _ := strings.Cut(a.Mark[len(cancel):], "/")
		return refusal(c.Domino.CancelBuild(ctx, environment, revision))
	}
	s := a.Step
	s.Writes = maps.Clone(s.Writes)
	maps.DeleteFunc(s.Writes, func(p string, _ schema.Value) bool { return !schema.BuildsRevision(p) })
	d, err := c.definition(ctx, s)
	if err != nil {
		return &applier.Refusal{Err: err}
	}
	d.Tags = append(d.Tags, tags(a, 0)...)
	w := a.Step.Writes
	_, err = c.Domino.CreateEnvironment(ctx, port.NewEnvironment{Name: w["name"].Str(), Description: w["description"].Str(), Visibility: w["visibility"].Str(), Owner: w["ownerId"].Str(), First: d})
	return refusal(err)
}
