package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Database says who answers.
func (w *World) Database(ctx context.Context) (port.Database, error) {
	return read(ctx, w, "Database", func(s *state) (port.Database, int, error) {
		d := s.database
		return port.Database{Name: d.Name, ReplicaSet: d.ReplicaSet, Version: d.Version, Primary: true, Collections: schema.Sorted(s.mongo)}, 0, nil
	})
}

// Find answers in natural order; a collection that does not exist is empty.
func (w *World) Find(ctx context.Context, q port.Query) ([]port.Document, error) {
	filter, err := newFilter(q.Collection, q.Any)
	if err == nil {
		err = filter.since(q.Since)
	}
	var fields [][]string
	if err == nil {
		fields, err = paths(q.Fields)
	}
	var newest []string
	if err == nil && q.Newest != "" {
		newest, err = address(q.Newest)
	} else if err == nil && q.Limit != 0 {
		err = errors.New("a limit needs an order")
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox Find: %w", err)
	}
	return read(ctx, w, "Find", func(s *state) (out []port.Document, n int, _ error) {
		found := filter.match(s.mongo[q.Collection])
		if newest != nil {
			found = slices.Values(latest(slices.Collect(found), newest, q.Limit))
		}
		for r := range found {
			out = append(out, project(r.body, fields))
		}
		return out, len(out), nil
	})
}

// latest sorts records by a date, latest first, and keeps so many; 0 keeps all. What
// has no date there comes last.
func latest(found []*record, path []string, limit int) []*record {
	at := func(r *record) int64 {
		v, ok := r.body.at(path)
		ms, err := strconv.ParseInt(v.text, 10, 64)
		if !ok || v.kind != date || err != nil {
			return math.MinInt64
		}
		return ms
	}
	slices.SortStableFunc(found, func(a, b *record) int { return cmp.Compare(at(b), at(a)) })
	if limit > 0 && len(found) > limit {
		found = found[:limit]
	}
	return found
}

// project is the whole document, or the leaves at or below the fields, and _id.
func project(v value, fields [][]string) port.Document {
	if len(fields) == 0 {
		return v.flatten()
	}
	d := port.Document{}
	if id, ok := v.get("_id"); ok {
		d["_id"] = id.canonical()
	}
	for _, f := range fields {
		if below, ok := v.at(f); ok && f[0] != "_id" {
			below.leaves(schema.JoinPath(f...), d)
		}
	}
	return d
}

// Count groups as $group does; a missing path counts as null. Groups come
// sorted by key.
func (w *World) Count(ctx context.Context, g port.Group) ([]port.Count, error) {
	filter, err := newFilter(g.Collection, g.Any)
	if err == nil {
		err = filter.since(g.Since)
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox Count: %w", err)
	}
	by, err := paths(g.By)
	if err != nil {
		return nil, fmt.Errorf("sandbox Count: %w", err)
	}
	last, err := paths([]string{g.Last})
	if err != nil && g.Last != "" {
		return nil, fmt.Errorf("sandbox Count: %w", err)
	}
	return read(ctx, w, "Count", func(s *state) ([]port.Count, int, error) {
		groups := map[string]*port.Count{}
		for r := range filter.match(s.mongo[g.Collection]) {
			c := tally(groups, r.body, by)
			if g.Last == "" {
				continue
			}
			if at, ok := r.body.at(last[0]); ok && at.kind == date {
				ms, _ := strconv.ParseInt(at.text, 10, 64)
				if t := time.UnixMilli(ms).UTC(); t.After(c.Last) {
					c.Last = t
				}
			}
		}
		out := make([]port.Count, 0, len(groups))
		for _, c := range groups {
			out = append(out, *c)
		}
		slices.SortFunc(out, func(a, b port.Count) int { return slices.Compare(a.Key, b.Key) })
		return out, len(out), nil
	})
}

func tally(groups map[string]*port.Count, v value, by [][]string) *port.Count {
	same := ""
	key := make([]string, len(by))
	for i, path := range by {
		part, ok := v.at(path)
		if !ok {
			part = value{kind: literal, text: "null"}
		}
		key[i] = part.canonical()
		same += quote(part.key())
	}
	if groups[same] == nil {
		groups[same] = &port.Count{Key: key}
	}
	groups[same].N++
	return groups[same]
}

// InsertOne adds a document. Field names may hold dots but not start with "$".
func (w *World) InsertOne(ctx context.Context, collection string, d port.Document) error {
	id, body, err := build(collection, d)
	if err != nil {
		return fmt.Errorf("sandbox InsertOne: %w", err)
	}
	return effect(ctx, w, "InsertOne", func(s *state) (*state, error) {
		c := s.mongo[collection]
		if c == nil {
			return s.with(collection, newCollection().inserted(id, body)), nil
		}
		if _, taken := c.index[id]; taken {
			return nil, fmt.Errorf("_id %s in %s: %w", d["_id"], collection, port.ErrDuplicate)
		}
		return s.with(collection, c.inserted(id, body)), nil
	})
}

func newCollection() *collection { return &collection{index: map[string]int{}} }

// build makes a document of its leaves: _id first, then by path.
func build(collection string, d port.Document) (id string, body value, err error) {
	if collection == "" {
		return "", body, errNoCollection
	}
	if d["_id"] == "" {
		return "", body, fmt.Errorf("a document to insert needs an _id: %w", port.ErrUnfiltered)
	}
	order := schema.Sorted(d)
	slices.SortStableFunc(order, func(a, b string) int { return -cmp.Compare(boolInt(a == "_id"), boolInt(b == "_id")) })
	for _, p := range order {
		v, err := parseValue(d[p])
		if err != nil {
			return "", body, fmt.Errorf("%s: %w", p, err)
		}
		if p == "_id" {
			id = v.key()
			if v.kind == array {
				return "", body, errors.New("an _id cannot be an array")
			}
		}
		path := schema.SplitPath(p)
		if err := storable(path); err != nil {
			return "", body, err
		}
		if _, taken := body.at(path); taken {
			return "", body, fmt.Errorf("%s stands twice in the document", p)
		}
		if body, err = body.set(path, v); err != nil {
			return "", body, fmt.Errorf("%s: %w", p, err)
		}
	}
	return id, body, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// UpdateOne sets and unsets paths of the one document that where finds.
func (w *World) UpdateOne(ctx context.Context, collection string, where, set port.Document, unset []string) (bool, error) {
	cond, err := newCondition(collection, where)
	if err != nil {
		return false, fmt.Errorf("sandbox UpdateOne: %w", err)
	}
	edit, err := newEdit(set, unset)
	if err != nil {
		return false, fmt.Errorf("sandbox UpdateOne: %w", err)
	}
	return write(ctx, w, "UpdateOne", func(s *state) (*state, bool, error) {
		c := s.mongo[collection]
		i, ok := cond.find(c)
		if !ok {
			return nil, false, nil
		}
		body, changed, err := edit.apply(c.docs[i].body)
		if err != nil || !changed {
			return nil, err == nil, err
		}
		return s.with(collection, c.replaced(i, body)), true, nil
	})
}

// DeleteOne removes the one document that where finds.
func (w *World) DeleteOne(ctx context.Context, collection string, where port.Document) (bool, error) {
	cond, err := newCondition(collection, where)
	if err != nil {
		return false, fmt.Errorf("sandbox DeleteOne: %w", err)
	}
	return write(ctx, w, "DeleteOne", func(s *state) (*state, bool, error) {
		c := s.mongo[collection]
		i, ok := cond.find(c)
		if !ok {
			return nil, false, nil
		}
		return s.with(collection, c.deleted(i)), true, nil
	})
}
