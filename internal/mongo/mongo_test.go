package mongo

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"domctl.dev/internal/port"
)

// open gives a client of the fake whose URI holds a password and asks for
// everything that the package overrides.
func open(t *testing.T, f *fake, o Options) *Client {
	t.Helper()
	uri := "mongodb://" + f.addr + "/?directConnection=true&readPreference=secondaryPreferred&readConcernLevel=local&w=0" +
		"&retryWrites=true&timeoutMS=1&serverSelectionTimeoutMS=1&connectTimeoutMS=1"
	c, err := Open(uri, "domino", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) })
	return c
}

func id(n int) bson.D { return bson.D{{Key: "_id", Value: n}} }

func TestFindReadsAllPages(t *testing.T) {
	f := startFake(t, map[string]func(bson.Raw) bson.D{
		"find":    page(7, id(1), id(2)),
		"getMore": batch("nextBatch", 0, []bson.D{id(3)}),
	})
	var mu sync.Mutex
	heard := map[string]string{}
	c := open(t, f, Options{Batch: 2, Observe: func(command, collection string) {
		mu.Lock()
		defer mu.Unlock()
		heard[command] = collection
	}})
	docs, err := c.Find(t.Context(), port.Query{Collection: "c", Fields: []string{"a"}})
	if err != nil || len(docs) != 3 || docs[2]["_id"] != `{"$numberInt":"3"}` {
		t.Fatalf("%v, %v", docs, err)
	}
	find := f.commands("find")[0]
	for path, want := range map[string]string{
		"readConcern.level": "majority", "sort._id": "1", "projection.a": "1", "batchSize": "2",
	} {
		v := find.Lookup(strings.Split(path, ".")...)
		if got := strings.Trim(v.String(), `"{}`); !strings.Contains(got, want) {
			t.Errorf("find has %s %s; want %s", path, got, want)
		}
	}
	if mode, ok := find.Lookup("$readPreference", "mode").StringValueOK(); ok && mode != "primary" && mode != "primaryPreferred" {
		t.Errorf("find asks for %s", mode)
	}
	mu.Lock()
	defer mu.Unlock()
	if !maps.Equal(heard, map[string]string{"find": "c", "getMore": "c"}) {
		t.Errorf("heard %v", heard)
	}
}

func TestWritesAreMajorityAndNeverRepeated(t *testing.T) {
	overloaded := func(bson.Raw) bson.D {
		return bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: 462}, {Key: "codeName", Value: "IngressRequestRateLimitExceeded"},
			{Key: "errorLabels", Value: bson.A{"SystemOverloadedError", "RetryableError", "RetryableWriteError"}}}
	}
	for name, answer := range map[string]func(bson.Raw) bson.D{"hangs up": hangUp, "not primary": failure(10107, "NotWritablePrimary", "x"), "overloaded": overloaded} {
		f := startFake(t, map[string]func(bson.Raw) bson.D{"insert": answer, "update": answer, "delete": answer})
		c := open(t, f, Options{})
		errs := []error{c.InsertOne(t.Context(), "c", port.Document{"_id": `1`})}
		_, err := c.UpdateOne(t.Context(), "c", port.Document{"_id": `1`}, port.Document{"a": `2`}, nil)
		errs = append(errs, err)
		_, err = c.DeleteOne(t.Context(), "c", port.Document{"_id": `1`})
		for _, err := range append(errs, err) {
			if err == nil || !strings.Contains(err.Error(), "domino.c") {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, command := range []string{"insert", "update", "delete"} {
			sent := f.commands(command)
			if len(sent) != 1 {
				t.Errorf("%s: %s is sent %d times", name, command, len(sent))
				continue
			}
			w, _ := sent[0].Lookup("writeConcern", "w").StringValueOK()
			if _, err := sent[0].LookupErr("txnNumber"); w != "majority" || err == nil {
				t.Errorf("%s: %s is %v", name, command, sent[0])
			}
		}
	}
}

func TestAPartOfACursorIsAnError(t *testing.T) {
	for name, answer := range map[string]func(bson.Raw) bson.D{"fails": failure(43, "CursorNotFound", "canary"), "hangs up": hangUp} {
		f := startFake(t, map[string]func(bson.Raw) bson.D{"find": page(7, id(1)), "aggregate": page(7, bson.D{{Key: "n", Value: 1}}), "getMore": answer})
		c := open(t, f, Options{})
		docs, err := c.Find(t.Context(), port.Query{Collection: "hardwareTiers"})
		if docs != nil || err == nil || !strings.Contains(err.Error(), "domino.hardwareTiers") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: find %v, %v", name, docs, err)
		}
		counts, err := c.Count(t.Context(), port.Group{Collection: "runs"})
		if counts != nil || err == nil || !strings.Contains(err.Error(), "domino.runs") {
			t.Errorf("%s: count %v, %v", name, counts, err)
		}
	}
}

func TestAnswersThatDecideSomething(t *testing.T) {
	duplicate := func(bson.Raw) bson.D {
		return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 0}, {Key: "writeErrors", Value: bson.A{
			bson.D{{Key: "index", Value: 0}, {Key: "code", Value: 11000}, {Key: "errmsg", Value: "E11000 canary"}}}}}
	}
	notViable := func(bson.Raw) bson.D {
		return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 0}, {Key: "writeErrors", Value: bson.A{
			bson.D{{Key: "index", Value: 0}, {Key: "code", Value: 28}, {Key: "errmsg", Value: "canary"}}}}}
	}
	unconfirmed := func(bson.Raw) bson.D {
		return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 1}, {Key: "writeConcernError", Value: bson.D{
			{Key: "code", Value: 64}, {Key: "codeName", Value: "WriteConcernTimeout"}, {Key: "errmsg", Value: "canary"}}}}
	}
	f := startFake(t, map[string]func(bson.Raw) bson.D{
		"delete": unconfirmed,
		"insert": duplicate, "update": notViable, "find": failure(13, "Unauthorized", "not authorized to execute {find: canary}"),
	})
	c := open(t, f, Options{Timeout: time.Second})
	_, updateErr := c.UpdateOne(t.Context(), "c", port.Document{"_id": `1`}, port.Document{"a": `2`}, nil)
	_, findErr := c.Find(t.Context(), port.Query{Collection: "c"})
	deleted, deleteErr := c.DeleteOne(t.Context(), "c", port.Document{"_id": `1`})
	if deleted {
		t.Error("an unconfirmed delete is answered as done")
	}
	// The driver repeats a read that such an answer cut off until its time is up,
	// so the answer itself is explained here.
	countErr := c.explain(t.Context(), "count", "c", mongo.CommandError{Code: 11602, Name: "InterruptedDueToReplStateChange", Message: "canary"})
	for _, e := range []struct {
		err, is error
		text    string
	}{
		{deleteErr, nil, "the majority did not confirm it"},
		{countErr, nil, "when a primary is elected"},
		{c.InsertOne(t.Context(), "c", port.Document{"_id": `1`}), port.ErrDuplicate, "already exists"},
		{updateErr, nil, "PathNotViable 28"},
		{findErr, port.ErrDenied, "Unauthorized 13"},
	} {
		if e.err == nil || e.is != nil && !errors.Is(e.err, e.is) || !strings.Contains(e.err.Error(), e.text) || strings.Contains(e.err.Error(), "canary") {
			t.Errorf("%v; want %s", e.err, e.text)
		}
	}
}

func TestMatchedIsOneDocument(t *testing.T) {
	n := 1
	f := startFake(t, map[string]func(bson.Raw) bson.D{
		"update": func(bson.Raw) bson.D {
			return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: n}, {Key: "nModified", Value: 0}}
		},
	})
	c := open(t, f, Options{})
	for _, want := range []bool{true, false} {
		got, err := c.UpdateOne(t.Context(), "c", port.Document{"_id": `1`, "a": `3`}, port.Document{"a": `2`}, []string{"b"})
		if got != want || err != nil {
			t.Errorf("matched %v, %v; want %v", got, err, want)
		}
		n = 0
	}
	want := `[{"q":{"_id":{"$eq":1},"a":{"$eq":3,"$not":{"$type":"array"}}},"u":{"$set":{"a":2},"$unset":{"b":""}}}]`
	got := must(bson.MarshalExtJSON(bson.D{{Key: "l", Value: f.commands("update")[0].Lookup("updates")}}, false, false))
	if string(got) != `{"l":`+want+`}` {
		t.Errorf("sent %s", got)
	}
}

// TestAPreImageOfDocumentsIsComparedAsStored: MongoDB compares the order of a
// document's fields, which the port's text does not keep.
func TestAPreImageOfDocumentsIsComparedAsStored(t *testing.T) {
	stored := bson.A{bson.D{{Key: "z", Value: 1}, {Key: "a", Value: 2}}}
	f := startFake(t, map[string]func(bson.Raw) bson.D{
		"find":   page(0, bson.D{{Key: "_id", Value: 1}, {Key: "tags", Value: stored}}),
		"update": func(bson.Raw) bson.D { return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 1}} },
	})
	c := open(t, f, Options{})
	ok, err := c.UpdateOne(t.Context(), "c", port.Document{"_id": `1`, "tags": `[{"a":2,"z":1}]`}, port.Document{"tags": `[]`}, nil)
	if !ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	q := f.commands("update")[0].Lookup("updates").Array()
	if got := q.String(); !strings.Contains(got, `{"z": {"$numberInt":"1"},"a": {"$numberInt":"2"}}`) {
		t.Errorf("the filter is %s", got)
	}
	ok, err = c.UpdateOne(t.Context(), "c", port.Document{"_id": `1`, "tags": `[{"a":2,"z":9}]`}, port.Document{"tags": `[]`}, nil)
	if ok || err != nil || len(f.commands("update")) != 1 {
		t.Fatalf("a moved pre-image: %v, %v after %d updates", ok, err, len(f.commands("update")))
	}
}

func TestServersThatCannotBeUsed(t *testing.T) {
	hello := func(more bson.D) map[string]func(bson.Raw) bson.D {
		return map[string]func(bson.Raw) bson.D{"hello": func(bson.Raw) bson.D { return helloOf(more) }, "find": page(0)}
	}
	for text, answers := range map[string]map[string]func(bson.Raw) bson.D{
		"older than MongoDB 4.2": hello(bson.D{{Key: "maxWireVersion", Value: 6}, {Key: "isWritablePrimary", Value: true}}),
		"not the primary":        hello(bson.D{{Key: "setName", Value: "rs0"}, {Key: "secondary", Value: true}, {Key: "isWritablePrimary", Value: false}}),
		"no answer within":       {"find": hang(t)},
	} {
		c := open(t, startFake(t, answers), Options{Timeout: 300 * time.Millisecond, Select: 200 * time.Millisecond})
		docs, err := c.Find(t.Context(), port.Query{Collection: "c"})
		if docs != nil || err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("want %s: %v, %v", text, docs, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	block := hang(t)
	f := startFake(t, map[string]func(bson.Raw) bson.D{"find": func(r bson.Raw) bson.D { cancel(); return block(r) }})
	_, err := open(t, f, Options{}).Find(ctx, port.Query{Collection: "c"})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestDatabase(t *testing.T) {
	notFound := failure(59, "CommandNotFound", "no such command: 'hello'")
	old := false
	f := startFake(t, map[string]func(bson.Raw) bson.D{
		"hello": func(command bson.Raw) bson.D {
			if nameOf(command) == "hello" && old {
				return notFound(command)
			}
			return helloOf(bson.D{{Key: "setName", Value: "rs0"}, {Key: "hosts", Value: bson.A{"h"}}, {Key: "ismaster", Value: true}, {Key: "isWritablePrimary", Value: true}})
		},
		"buildInfo":       func(bson.Raw) bson.D { return bson.D{{Key: "ok", Value: 1}, {Key: "version", Value: "6.0.5"}} },
		"listCollections": page(0, bson.D{{Key: "name", Value: "users"}}, bson.D{{Key: "name", Value: "config"}}, bson.D{{Key: "name", Value: "system.views"}}),
	})
	for _, old = range []bool{false, true} {
		d, err := open(t, f, Options{}).Database(t.Context())
		if err != nil || d.ReplicaSet != "rs0" || d.Version != "6.0.5" || !d.Primary || strings.Join(d.Collections, " ") != "config users" || d.Name != "domino" {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	for version, want := range map[string]bool{"3.6.23": true, "4.0.28": true, "4.2.0": false, "5.0": false, "8.0.1-rc1": false, "odd": false} {
		if tooOld(version) != want {
			t.Errorf("%s too old: %v", version, !want)
		}
	}
}

func TestNoErrorHoldsTheCredentials(t *testing.T) {
	f := startFake(t, map[string]func(bson.Raw) bson.D{
		"hello": func(bson.Raw) bson.D {
			return helloOf(bson.D{{Key: "isWritablePrimary", Value: true}, {Key: "saslSupportedMechs", Value: bson.A{"SCRAM-SHA-256"}}})
		},
		"saslStart": failure(18, "AuthenticationFailed", "Authentication failed for canary"),
	})
	for _, uri := range []string{
		"mongodb://user:canary@" + f.addr + "/?directConnection=true",
		"mongodb://user:canary@127.0.0.1:1/?directConnection=true",
		"mongodb://user:can%61ry@127.0.0.1:1/",
		"mongodb://user:canary/x@127.0.0.1:1/",
		"mongodb://user:canary@@127.0.0.1:1/",
		"mongodb://user:canary@127.0.0.1:canary/",
		"mongodb://user:canary:canary@127.0.0.1/",
		"mongodb://canary@127.0.0.1:1/?authMechanism=canary",
		"mongodb://127.0.0.1:1/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:canary",
		"mongodb://127.0.0.1:1/?tlsCertificateKeyFilePassword=canary&tlsCertificateKeyFile=/nowhere/canary&tls=true",
		"mongodb://user:canary@127.0.0.1:1/?w=canary&unknown=canary",
		"canary://user:canary@127.0.0.1",
		"user:canary@127.0.0.1",
		"mongodb://user:canary",
	} {
		c, err := Open(uri, "domino", Options{Select: 100 * time.Millisecond, Timeout: time.Second})
		if err == nil {
			_, err = c.Database(t.Context())
			_ = c.Close(t.Context())
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), "canary") {
				t.Errorf("%s: %v", uri, e)
			}
		}
		if err == nil || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: %v", uri, err)
		}
	}
	c := must(Open("mongodb://user:canary@"+f.addr+"/?directConnection=true", "domino", Options{Select: time.Second}))
	defer c.Close(t.Context())
	if _, err := c.Find(t.Context(), port.Query{Collection: "c"}); !errors.Is(err, port.ErrDenied) {
		t.Errorf("refused credentials: %v", err)
	}
	c = must(Open("mongodb://127.0.0.1:1", "domino", Options{Select: 300 * time.Millisecond}))
	defer c.Close(t.Context())
	if _, err := c.Find(t.Context(), port.Query{Collection: "c"}); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestCountGroups(t *testing.T) {
	f := startFake(t, map[string]func(bson.Raw) bson.D{"aggregate": page(0,
		bson.D{{Key: "_id", Value: bson.D{{Key: "k0", Value: "b"}}}, {Key: "n", Value: 2}},
		bson.D{{Key: "_id", Value: bson.D{{Key: "k0", Value: "a"}}}, {Key: "n", Value: int64(5)}},
		bson.D{{Key: "_id", Value: bson.D{{Key: "k0", Value: nil}}}, {Key: "n", Value: 1}},
	)})
	got, err := open(t, f, Options{}).Count(t.Context(), port.Group{Collection: "runs", By: []string{"status"}, Any: map[string][]string{"x": {`1`}}})
	if err != nil || len(got) != 3 || got[0].Key[0] != `"a"` || got[0].N != 5 || got[2].Key[0] != "null" {
		t.Fatalf("%v, %v", got, err)
	}
}
