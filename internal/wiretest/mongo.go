//go:build linux

package wiretest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// replicaSet is the name of the one-node set that a real mongod is made.
const replicaSet = "rs0"

// notYetInitialized is the server's code for a set without a configuration.
// https://www.mongodb.com/docs/manual/reference/error-codes/
const notYetInitialized = 94

// Mongo gives the URI of this test process's MongoDB: a mongod if one is on
// PATH or in Docker, else mongo-java-server, which has no transactions, change streams,
// pipeline updates or replica set. Use Database for a name of the test's own.
func Mongo(t testing.TB) string {
	t.Helper()
	s := sharedMongo.get(t, func() (program, error) { return mongoProgram(sharedDir) })
	return MongoURI(s.Addr)
}

// NewMongo starts a MongoDB that the test may stop, kill and restart. Only a
// real mongod keeps its data over a restart.
func NewMongo(t testing.TB) *Server {
	t.Helper()
	p, err := mongoProgram(func() (string, error) { return t.TempDir(), nil })
	check(t, err)
	return launch(t, p)
}

// MongoURI is the URI of the MongoDB, or of a Proxy before it, at addr.
func MongoURI(addr string) string {
	return "mongodb://" + addr + "/?directConnection=true"
}

// Database gives a database name that no other test has.
func Database(t testing.TB) string {
	t.Helper()
	var id [8]byte
	_, err := rand.Read(id[:])
	check(t, err)
	return "wire_" + hex.EncodeToString(id[:])
}

// mongoProgram asks for a data folder only if the server keeps data. A real
// mongod comes first: the one on PATH, or the one that was in Docker.
func mongoProgram(dir func() (string, error)) (program, error) {
	if mongod, err := exec.LookPath("mongod"); err == nil {
		return mongodProgram(mongod, dir)
	}
	if home, err := part("mongod"); err == nil {
		return mongodProgram(filepath.Join(home, "mongod"), dir)
	}
	home, err := part("mongo")
	if err != nil {
		return program{}, err
	}
	classes := filepath.Join(home, "classes") + string(os.PathListSeparator) + filepath.Join(home, "lib/*")
	return program{
		name: "mongo-java-server",
		argv: func(port string) []string {
			// The quickest start and the least memory, at the cost of peak speed.
			return []string{"java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classes, "Mongo", port}
		},
		ready: mongoReady(ping),
	}, nil
}

func mongodProgram(mongod string, dir func() (string, error)) (program, error) {
	data, err := dir()
	if err != nil {
		return program{}, err
	}
	return program{
		name: "mongod",
		argv: func(port string) []string {
			return []string{
				mongod, "--replSet", replicaSet, "--bind_ip", "127.0.0.1", "--port", port,
				"--dbpath", data, "--nounixsocket",
			}
		},
		ready: mongoReady(primary),
	}, nil
}

type probe func(ctx context.Context, admin *mongo.Database, addr string) error

func mongoReady(ask probe) func(context.Context, string) error {
	return func(ctx context.Context, addr string) error {
		// Short, so that the end of the process is seen between two looks.
		client, err := mongo.Connect(options.Client().ApplyURI(MongoURI(addr)).SetServerSelectionTimeout(time.Second))
		if err != nil {
			return final{err}
		}
		defer func() { _ = client.Disconnect(ctx) }()
		return ask(ctx, client.Database("admin"), addr)
	}
}

func ping(ctx context.Context, admin *mongo.Database, _ string) error {
	return admin.RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Err()
}

// primary makes the server a set of one node, and waits for its election.
func primary(ctx context.Context, admin *mongo.Database, addr string) error {
	err := admin.RunCommand(ctx, bson.D{{Key: "replSetGetStatus", Value: 1}}).Err()
	var failed mongo.CommandError
	if errors.As(err, &failed) && failed.Code == notYetInitialized {
		return initiate(ctx, admin, addr)
	}
	var hello struct {
		Primary bool `bson:"isWritablePrimary"`
	}
	err = admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello)
	if err == nil && !hello.Primary {
		err = errors.New("mongod is not primary")
	}
	return err
}

// initiate gives an error also when it worked: the election is still to come.
func initiate(ctx context.Context, admin *mongo.Database, addr string) error {
	members := bson.A{bson.D{{Key: "_id", Value: 0}, {Key: "host", Value: addr}}}
	config := bson.D{{Key: "_id", Value: replicaSet}, {Key: "members", Value: members}}
	err := admin.RunCommand(ctx, bson.D{{Key: "replSetInitiate", Value: config}}).Err()
	return errors.Join(errors.New("replica set begun"), err)
}
