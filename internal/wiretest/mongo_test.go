//go:build wire

package wiretest_test

import (
	"context"
	"testing"
	"time"

	"domctl.dev/internal/wiretest"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func collection(t *testing.T, uri string) *mongo.Collection {
	t.Helper()
	// Without retries every failure shows; the timeout bounds a server that does not answer.
	opts := options.Client().ApplyURI(uri).SetRetryReads(false).SetRetryWrites(false).SetTimeout(5 * time.Second)
	client, err := mongo.Connect(opts)
	must(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database(wiretest.Database(t)).Collection("tiers")
}

func cores(t *testing.T, c *mongo.Collection, id string) int {
	t.Helper()
	var tier struct{ Cores int }
	must(t, c.FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Decode(&tier))
	return tier.Cores
}

// setCores writes only over the value that was seen.
func setCores(t *testing.T, c *mongo.Collection, id string, seen, wanted int) (int64, error) {
	filter := bson.D{{Key: "_id", Value: id}, {Key: "cores", Value: seen}}
	set := bson.D{{Key: "$set", Value: bson.D{{Key: "cores", Value: wanted}}}}
	res, err := c.UpdateOne(t.Context(), filter, set)
	if err != nil {
		return 0, err
	}
	return res.MatchedCount, nil
}

func TestMongoConditionalUpdate(t *testing.T) {
	t.Parallel()
	c := collection(t, wiretest.Mongo(t))
	_, err := c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "t1"}, {Key: "cores", Value: 3}})
	must(t, err)
	matched, err := setCores(t, c, "t1", 3, 4)
	must(t, err)
	equal(t, matched, 1)
	matched, err = setCores(t, c, "t1", 3, 4)
	must(t, err)
	equal(t, matched, 0)
	equal(t, cores(t, c, "t1"), 4)
}

func TestMongoUniqueIndex(t *testing.T) {
	t.Parallel()
	c := collection(t, wiretest.Mongo(t))
	index := mongo.IndexModel{Keys: bson.D{{Key: "name", Value: 1}}, Options: options.Index().SetUnique(true)}
	_, err := c.Indexes().CreateOne(t.Context(), index)
	must(t, err)
	_, err = c.InsertOne(t.Context(), bson.D{{Key: "name", Value: "small"}})
	must(t, err)
	_, err = c.InsertOne(t.Context(), bson.D{{Key: "name", Value: "small"}})
	if !mongo.IsDuplicateKeyError(err) {
		t.Fatalf("got %v, want a duplicate key", err)
	}
}

func TestMongoTestsDoNotMeet(t *testing.T) {
	t.Parallel()
	uri := wiretest.Mongo(t)
	first, second := collection(t, uri), collection(t, uri)
	_, err := first.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "t1"}})
	must(t, err)
	n, err := second.CountDocuments(t.Context(), bson.D{})
	must(t, err)
	equal(t, n, 0)
}

func TestMongoKillAndRestart(t *testing.T) {
	t.Parallel()
	server := wiretest.NewMongo(t)
	c := collection(t, wiretest.MongoURI(server.Addr))
	_, err := c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "t1"}, {Key: "cores", Value: 3}})
	must(t, err)
	server.Kill()
	if _, err := setCores(t, c, "t1", 3, 4); err == nil {
		t.Fatal("a killed server took a write")
	}
	server.Restart()
	_, err = c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "t2"}})
	must(t, err)
}

func TestMongoWriteTakesEffectUnanswered(t *testing.T) {
	t.Parallel()
	direct := collection(t, wiretest.Mongo(t))
	_, err := direct.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "t1"}, {Key: "cores", Value: 3}})
	must(t, err)
	proxy := wiretest.Proxy(t, directAddr(t))
	through := sameCollection(t, direct, wiretest.MongoURI(proxy.Addr))
	equal(t, cores(t, through, "t1"), 3)
	proxy.CutAfterRequest()
	if _, err := setCores(t, through, "t1", 3, 4); err == nil {
		t.Fatal("the answer came through a proxy that drops answers")
	}
	eventually(t, "the write is seen", func() bool { return cores(t, direct, "t1") == 4 })
}

func directAddr(t *testing.T) string {
	t.Helper()
	opts := options.Client().ApplyURI(wiretest.Mongo(t))
	return opts.Hosts[0]
}

func sameCollection(t *testing.T, c *mongo.Collection, uri string) *mongo.Collection {
	t.Helper()
	return collection(t, uri).Database().Client().Database(c.Database().Name()).Collection(c.Name())
}
