//go:build wire

package mongo

import (
	"strings"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"domctl.dev/internal/port"
	"domctl.dev/internal/wiretest"
	"domctl.dev/internal/worldtest"
)

func TestWireContract(t *testing.T) {
	uri := wiretest.Mongo(t)
	worldtest.Run(t, func(t *testing.T) worldtest.World { return wireWorld(t, uri) })
}

// wireWorld is a database of its own behind a proxy that can be cut.
func wireWorld(t *testing.T, uri string) worldtest.World {
	host, _, _ := strings.Cut(strings.TrimPrefix(uri, "mongodb://"), "/")
	proxy := wiretest.Proxy(t, host)
	var cut atomic.Bool
	database := wiretest.Database(t)
	connect := func(o Options) *Client {
		o.Batch = 2
		c := must(Open(wiretest.MongoURI(proxy.Addr), database, o))
		t.Cleanup(func() { _ = c.Close(t.Context()) })
		return c
	}
	first := connect(Options{Observe: func(command, _ string) {
		if command == "getMore" && cut.Load() {
			proxy.Cut()
		}
	}})
	raw := must(mongo.Connect(options.Client().ApplyURI(uri)))
	t.Cleanup(func() { _ = raw.Disconnect(t.Context()) })
	db := raw.Database(database)
	return worldtest.World{
		Documents: first, Second: connect(Options{}),
		Want:     worldtest.Identity{Database: database, ReplicaSet: setName(t, db)},
		Many:     5,
		Break:    func(*testing.T, string, worldtest.Failure) { cut.Store(true) },
		Put:      worldtest.Put{Documents: putDocuments(db), Stored: storedText(db)},
		Unproven: unproven(setName(t, db) == ""),
	}
}

// unproven lists what a server without users and limits cannot be made to show;
// the package's own wire server shows failures with Go alone. A standalone
// server is the stand-in: the tests' own mongod is a replica set.
func unproven(standIn bool) map[string]string {
	all := map[string]string{}
	if standIn {
		const how = "; put a mongod on PATH to show it"
		all["Types/regex"] = "mongo-java-server takes the regex of an $eq for a pattern" + how
		all["Refused/ThroughScalar"] = "mongo-java-server makes a document of a null on $set's way" + how
		all["Fails/Count/partialPage"] = "mongo-java-server answers an aggregate in one batch whatever its size" + how
	}
	for _, call := range []string{"Find", "Count"} {
		all["Fails/"+call+"/denied"] = "the server has no users; TestAnswersThatDecideSomething shows it"
		all["Fails/"+call+"/throttled"] = "MongoDB does not throttle"
		all["Fails/"+call+"/repeatedToken"] = "a MongoDB cursor has no page tokens"
	}
	return all
}

func setName(t *testing.T, db *mongo.Database) string {
	t.Helper()
	var h hello
	if err := db.RunCommand(t.Context(), bson.D{{Key: "isMaster", Value: 1}}).Decode(&h); err != nil {
		t.Fatal(err)
	}
	return h.SetName
}

func putDocuments(db *mongo.Database) func(*testing.T, string, ...string) {
	return func(t *testing.T, collection string, docs ...string) {
		t.Helper()
		for _, text := range docs {
			if _, err := db.Collection(collection).InsertOne(t.Context(), must(parse(text)).Document()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// storedText is canonical but for the order of fields, which is the driver's.
func storedText(db *mongo.Database) func(*testing.T, string, string) string {
	return func(t *testing.T, collection, id string) string {
		t.Helper()
		raw, err := db.Collection(collection).FindOne(t.Context(), bson.D{{Key: "_id", Value: must(parse(id))}}).Raw()
		if err != nil {
			t.Fatal(err)
		}
		return string(must(bson.MarshalExtJSON(raw, true, false)))
	}
}

func TestWireUnreachable(t *testing.T) {
	s := wiretest.NewMongo(t)
	c := must(Open(wiretest.MongoURI(s.Addr), wiretest.Database(t), Options{Select: 2e9, Timeout: 3e9}))
	t.Cleanup(func() { _ = c.Close(t.Context()) })
	if _, err := c.Find(t.Context(), port.Query{Collection: "c"}); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if _, err := c.Find(t.Context(), port.Query{Collection: "c"}); err == nil || !strings.Contains(err.Error(), "no answer within 3s") {
		t.Errorf("a stopped server: %v", err)
	}
	s.Cont()
	s.Kill()
	if _, err := c.Find(t.Context(), port.Query{Collection: "c"}); err == nil || strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("a dead server: %v", err)
	}
	s.Restart()
	if _, err := c.Find(t.Context(), port.Query{Collection: "c"}); err != nil {
		t.Errorf("after its restart: %v", err)
	}
}
