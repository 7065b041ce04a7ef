package world

import (
	"context"
	"fmt"
	"slices"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Ran is how many runs of an environment were on a tier, and the entries of amis that
// nodes of that tier start from by the files.
type Ran struct {
	Environment schema.Address
	Tier        string // as the files name it, else its id
	AMIs        []schema.Address
	N           int64
}

// Ran counts the runs of environments since a moment by the tier that they were on, in
// two reads. known is false where the files do not say where runs name their tier.
func (v *View) Ran(ctx context.Context, environments []schema.Address, since time.Time) (all []Ran, known bool, err error) {
	path := v.world.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"]
	ids := v.idsByKind(environments)["environments"]
	if path == "" || len(ids) == 0 {
		return nil, path != "", nil
	}
	var counts []port.Count
	var pools map[string]string
	err = sideBySide(
		func() (err error) { pools, err = v.world.tierPools(ctx, true); return err },
		func() (err error) {
			counts, err = v.world.Outside.Count(ctx, port.Group{Collection: "runs", Since: map[string]time.Time{"started": since},
				Any: map[string][]string{"environmentId": schema.Sorted(ids)}, By: []string{"environmentId", path}})
			return err
		})
	if err != nil {
		return nil, true, fmt.Errorf("where environments ran: %w", err)
	}
	named := map[string]schema.Address{}
	for a, ref := range v.refs {
		if a.Kind == "hardwareTiers" {
			named[idPlain(ref)] = a
		}
	}
	labels := PoolLabels(v.desired)
	for _, c := range counts {
		a, is := ids[c.Key[0]]
		if !is || len(c.Key) < 2 {
			continue
		}
		id := digits(c.Key[1])
		r := Ran{Environment: a, Tier: id, N: c.N, AMIs: PoolAMIs(v.desired.Objects[labels[pools[id]]])}
		if tier, declared := named[id]; declared {
			r.Tier = tier.String()
			if to, _, ok := v.desired.Objects[tier].Fields["ami"].Target(); ok {
				r.AMIs = []schema.Address{to}
			}
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Ran) int {
		if a.Environment != b.Environment {
			return a.Environment.Compare(b.Environment)
		}
		return int(b.N - a.N)
	})
	return all, true, nil
}
