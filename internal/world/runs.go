package world

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Run is one execution of an environment. Ids are digits, as Domino's API takes
// them; Revision is the active one where none is named, and "" where the environment is
// gone too. Tier is the id of its hardware
// tier and Pool the label of that one's node pool: "" where the files do not say
// where runs name their tier, or no such tier is there.
type Run struct {
	ID, Environment, Revision string
	Tier, Pool                string
	Started                   time.Time
}

// Runs reads the newest runs that started since a moment, latest first, and no more
// than so many. It takes two reads side by side, and one more where runs name no
// revision.
func (w *World) Runs(ctx context.Context, since time.Time, newest int) ([]Run, error) {
	tier := w.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"]
	fields := []string{"environmentId", "environmentRevisionId", "started"}
	if tier != "" {
		fields = append(fields, tier)
	}
	var docs []port.Document
	var pools map[string]string
	err := sideBySide(
		func() (err error) {
			docs, err = w.Outside.Find(ctx, port.Query{Collection: "runs", Since: map[string]time.Time{"started": since}, Newest: "started", Limit: newest, Fields: fields})
			return err
		},
		func() (err error) { pools, err = w.tierPools(ctx, tier != ""); return err })
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	runs := make([]Run, len(docs))
	for i, d := range docs {
		raw := rawOf(d)
		of := func(path string) string { return digits(standing(raw, path).Text) }
		runs[i] = Run{ID: digits(d["_id"]), Environment: of("environmentId"), Revision: of("environmentRevisionId"), Started: dateOf(d["started"])}
		if tier != "" {
			runs[i].Tier = of(tier)
			runs[i].Pool = pools[runs[i].Tier]
		}
	}
	if err := w.ranActive(ctx, runs); err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	return runs, nil
}

// ranActive fills in the active revision where a run names none.
func (w *World) ranActive(ctx context.Context, runs []Run) error {
	ids, open := []string{}, map[string]bool{}
	for _, r := range runs {
		if r.Revision == "" && r.Environment != "" && !open[r.Environment] {
			open[r.Environment] = true
			ids = append(ids, forms(r.Environment)...)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	docs, err := w.Outside.Find(ctx, port.Query{Collection: environmentsCollection, Any: map[string][]string{"_id": ids}, Fields: []string{"activeRevisionId"}})
	if err != nil {
		return err
	}
	active := map[string]string{}
	for _, d := range docs {
		active[digits(d["_id"])] = digits(standing(rawOf(d), "activeRevisionId").Text)
	}
	for i, r := range runs {
		if r.Revision == "" {
			runs[i].Revision = active[r.Environment]
		}
	}
	return nil
}

// dateOf reads {"$date":{"$numberLong":"1774958400000"}}; the zero time is none.
func dateOf(text string) time.Time {
	var date struct {
		At struct {
			MS string `json:"$numberLong"`
		} `json:"$date"`
	}
	if json.Unmarshal([]byte(text), &date) != nil {
		return time.Time{}
	}
	ms, err := strconv.ParseInt(date.At.MS, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// PoolStart is the pool of a label, what its groups start nodes from, and when that
// was made: "" where no pool has the label, or its groups start from several images,
// the zero time where nobody says.
func (v *View) PoolStart(label string) (pool schema.Address, image string, made time.Time) {
	pool, there := PoolLabels(v.desired)[label]
	if !there {
		return pool, "", made
	}
	image, _ = v.start(pool)
	made, _ = time.Parse(time.RFC3339, v.raw[imageRef(image)]["created"].Str())
	return pool, image, made
}
