package mongo

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// hello is what a server says of itself. IsMaster is the older name of
// IsWritablePrimary.
// https://www.mongodb.com/docs/manual/reference/command/hello/
type hello struct {
	SetName           string `bson:"setName"`
	IsWritablePrimary bool   `bson:"isWritablePrimary"`
	IsMaster          bool   `bson:"ismaster"`
}

// Database says who answers. ReplicaSet is empty for a standalone server and
// for mongos. A server older than 4.2 is an error.
func (c *Client) Database(ctx context.Context) (d port.Database, err error) {
	for range 3 { // the driver repeats no plain command; by the next time it has found the new primary
		err = c.call(ctx, "hello", "", func(ctx context.Context, db *mongo.Database) error {
			d, err = database(ctx, db)
			return err
		})
		if !errors.Is(err, port.ErrNotPrimary) {
			break
		}
	}
	if err != nil {
		return port.Database{}, err
	}
	return d, nil
}

func database(ctx context.Context, db *mongo.Database) (d port.Database, err error) {
	admin := db.Client().Database("admin")
	var h hello
	err = admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&h)
	if unknownCommand(err) {
		err = admin.RunCommand(ctx, bson.D{{Key: "isMaster", Value: 1}}).Decode(&h)
	}
	if err != nil {
		return d, err
	}
	var build struct {
		Version string `bson:"version"`
	}
	if err := admin.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build); err != nil {
		return d, err
	}
	if tooOld(build.Version) {
		return d, plainf("MongoDB %s answers; domctl needs 4.2 or later", build.Version)
	}
	names, err := db.ListCollectionNames(ctx, bson.D{}, options.ListCollections().SetNameOnly(true).SetAuthorizedCollections(true))
	if err != nil {
		return d, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "system.") })
	slices.Sort(names)
	return port.Database{Name: db.Name(), ReplicaSet: h.SetName, Version: build.Version,
		Primary: h.IsWritablePrimary || h.IsMaster, Collections: names}, nil
}

// unknownCommand: CommandNotFound, as servers answer hello before 4.2.15, 4.4.2.
func unknownCommand(err error) bool {
	var server mongo.ServerError
	return errors.As(err, &server) && server.HasErrorCode(59)
}

// tooOld is false for a version that cannot be read: the driver has its own
// look at the wire version.
func tooOld(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	return err1 == nil && err2 == nil && (a < 4 || a == 4 && b < 2)
}

// lookup finds a port path in a document; arrays are leaves.
func lookup(raw bson.Raw, path string) (v bson.RawValue, ok bool) {
	v = bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: raw}
	for _, s := range schema.SplitPath(path) {
		doc, ok := v.DocumentOK()
		if !ok {
			return v, false
		}
		var err error
		if v, err = doc.LookupErr(s); err != nil {
			return v, false
		}
	}
	return v, true
}
