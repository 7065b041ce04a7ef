package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"domctl.dev/internal/port"
)

// Find answers every document, by _id. The order is the index's, so that no
// document that stays is missed or met twice while others come and go.
// https://www.mongodb.com/docs/manual/reference/command/find/
func (c *Client) Find(ctx context.Context, q port.Query) (found []port.Document, err error) {
	err = c.call(ctx, "find", q.Collection, func(ctx context.Context, db *mongo.Database) error {
		found, err = c.find(ctx, db, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (c *Client) find(ctx context.Context, db *mongo.Database, q port.Query) (found []port.Document, err error) {
	collection, err := named(db, q.Collection)
	if err != nil {
		return nil, err
	}
	filter, err := anyFilter(q.Any)
	if err == nil {
		filter, err = since(filter, q.Since)
	}
	if err != nil {
		return nil, err
	}
	fields, err := projection(q.Fields)
	if err != nil {
		return nil, err
	}
	order, err := sorted(q)
	if err != nil {
		return nil, err
	}
	o := options.Find().SetSort(order).SetLimit(int64(q.Limit)).SetBatchSize(c.opts.Batch)
	if fields != nil {
		o.SetProjection(fields)
	}
	cursor, err := collection.Find(ctx, filter, o)
	if err != nil {
		return nil, err
	}
	err = raws(ctx, cursor, func(raw bson.Raw) error {
		d, err := flatten(raw)
		if err == nil {
			keep(d, q.Fields)
			found = append(found, d)
		}
		return err
	})
	return found, err
}

// sorted is the order that a query asks for; pages need one.
func sorted(q port.Query) (bson.D, error) {
	if q.Newest == "" {
		if q.Limit != 0 {
			return nil, plainf("a limit needs an order")
		}
		return bson.D{{Key: "_id", Value: 1}}, nil
	}
	name, err := dotted(q.Newest)
	return bson.D{{Key: name, Value: -1}, {Key: "_id", Value: 1}}, err
}

// Count groups on the server; a path that is missing counts as null. Groups
// come sorted by key.
// https://www.mongodb.com/docs/manual/reference/operator/aggregation/group/
func (c *Client) Count(ctx context.Context, g port.Group) (counts []port.Count, err error) {
	err = c.call(ctx, "count", g.Collection, func(ctx context.Context, db *mongo.Database) error {
		counts, err = c.count(ctx, db, g)
		return err
	})
	if err != nil {
		return nil, err
	}
	return counts, nil
}

func (c *Client) count(ctx context.Context, db *mongo.Database, g port.Group) (counts []port.Count, err error) {
	collection, err := named(db, g.Collection)
	if err != nil {
		return nil, err
	}
	filter, err := anyFilter(g.Any)
	if err == nil {
		filter, err = since(filter, g.Since)
	}
	if err != nil {
		return nil, err
	}
	key := bson.D{}
	for i, path := range g.By {
		name, err := dotted(path)
		if err != nil {
			return nil, err
		}
		key = append(key, bson.E{Key: keyName(i), Value: bson.D{{Key: "$ifNull", Value: bson.A{"$" + name, nil}}}})
	}
	group := bson.D{{Key: "_id", Value: key}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}
	if g.Last != "" {
		name, err := dotted(g.Last)
		if err != nil {
			return nil, err
		}
		group = append(group, bson.E{Key: "last", Value: bson.D{{Key: "$max", Value: "$" + name}}}) // a date is more than what else stands there
	}
	cursor, err := collection.Aggregate(ctx, bson.A{
		bson.D{{Key: "$match", Value: filter}},
		bson.D{{Key: "$group", Value: group}},
	}, options.Aggregate().SetBatchSize(c.opts.Batch))
	if err != nil {
		return nil, err
	}
	err = raws(ctx, cursor, func(raw bson.Raw) error {
		count, err := groupOf(raw, len(g.By))
		counts = append(counts, count)
		return err
	})
	slices.SortFunc(counts, func(a, b port.Count) int { return slices.Compare(a.Key, b.Key) })
	return counts, err
}

func keyName(i int) string { return fmt.Sprintf("k%d", i) }

func groupOf(raw bson.Raw, by int) (count port.Count, err error) {
	count.Key = make([]string, by)
	for i := range by {
		count.Key[i] = "null"
		if v, err := raw.LookupErr("_id", keyName(i)); err == nil {
			if count.Key[i], err = canonical(v); err != nil {
				return count, plainf("the key of a group: %w", err)
			}
		}
	}
	if at, ok := raw.Lookup("last").TimeOK(); ok {
		count.Last = at.UTC()
	}
	n, ok := raw.Lookup("n").AsInt64OK()
	if !ok || n < 1 {
		return count, plainf("a group comes without its size")
	}
	count.N = n
	return count, nil
}

// InsertOne adds a document that holds its _id. An error but ErrDuplicate
// leaves open whether it was added.
// https://www.mongodb.com/docs/manual/reference/command/insert/
func (c *Client) InsertOne(ctx context.Context, collection string, d port.Document) error {
	doc, err := build(d)
	if err != nil {
		return c.explain(ctx, "insert", collection, err)
	}
	return c.call(ctx, "insert", collection, func(ctx context.Context, db *mongo.Database) error {
		in, err := named(db, collection)
		if err == nil {
			_, err = in.InsertOne(ctx, doc)
		}
		return err
	})
}

// UpdateOne changes only the paths of set and unset, and only while where holds.
// https://www.mongodb.com/docs/manual/reference/command/update/
func (c *Client) UpdateOne(ctx context.Context, collection string, where, set port.Document, unset []string) (matched bool, err error) {
	all, err := conditions(where)
	if err != nil {
		return false, c.explain(ctx, "update", collection, err)
	}
	change, err := update(set, unset)
	if err != nil {
		return false, c.explain(ctx, "update", collection, err)
	}
	return c.write(ctx, "update", collection, all, func(ctx context.Context, in *mongo.Collection, filter bson.D) (int64, error) {
		r, err := in.UpdateOne(ctx, filter, change)
		if err != nil {
			return 0, err
		}
		return r.MatchedCount, nil
	})
}

// DeleteOne removes the document while where holds.
// https://www.mongodb.com/docs/manual/reference/command/delete/
func (c *Client) DeleteOne(ctx context.Context, collection string, where port.Document) (matched bool, err error) {
	all, err := conditions(where)
	if err != nil {
		return false, c.explain(ctx, "delete", collection, err)
	}
	return c.write(ctx, "delete", collection, all, func(ctx context.Context, in *mongo.Collection, filter bson.D) (int64, error) {
		r, err := in.DeleteOne(ctx, filter)
		if err != nil {
			return 0, err
		}
		return r.DeletedCount, nil
	})
}

func (c *Client) write(ctx context.Context, op, collection string, all []condition,
	do func(context.Context, *mongo.Collection, bson.D) (int64, error)) (matched bool, err error) {
	err = c.call(ctx, op, collection, func(ctx context.Context, db *mongo.Database) error {
		in, err := named(db, collection)
		if err != nil {
			return err
		}
		all, still, err := asStored(ctx, in, all)
		if err != nil || !still {
			return err
		}
		n, err := do(ctx, in, filter(all))
		matched = n == 1
		return err
	})
	return matched && err == nil, err
}

// asStored replaces documents within conditions by what is stored, if it is
// equal but for the order of fields, since MongoDB compares that order too. The
// write's filter still holds the whole pre-image.
func asStored(ctx context.Context, in *mongo.Collection, all []condition) (exact []condition, still bool, err error) {
	fields := bson.D{}
	for _, c := range all {
		if ordered(c.value) {
			fields = append(fields, bson.E{Key: c.name, Value: 1})
		}
	}
	if len(fields) == 0 {
		return all, true, nil
	}
	raw, err := in.FindOne(ctx, filter(all[:1]), options.FindOne().SetProjection(fields)).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	exact = slices.Clone(all)
	for i, c := range exact {
		if !ordered(c.value) {
			continue
		}
		if exact[i].value, still = sameValue(raw, c); !still {
			return nil, false, nil
		}
	}
	return exact, true, nil
}

func sameValue(raw bson.Raw, c condition) (stored bson.RawValue, same bool) {
	stored, ok := lookup(raw, c.path)
	if !ok {
		return stored, false
	}
	want, err1 := canonical(c.value)
	got, err2 := canonical(stored)
	return stored, err1 == nil && err2 == nil && want == got
}

// named refuses what would address another collection or none.
func named(db *mongo.Database, collection string) (*mongo.Collection, error) {
	if collection == "" {
		return nil, plainf("no collection is named")
	}
	return db.Collection(collection), nil
}
