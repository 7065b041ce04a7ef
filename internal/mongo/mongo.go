// Package mongo is Domino's MongoDB behind port.Documents, and the only
// importer of the MongoDB driver (2.8.2: servers from 4.2 on).
//
// Whatever the URI says, reads go to the primary with majority read concern,
// writes wait for the majority, and every call has a deadline. The driver never
// repeats a write: the applier records each write's beginning, observes the
// outside and decides itself, and a repeat it does not know of could land after
// that observation.
//
// The package refuses a write without _id in its filter, a field name that a
// MongoDB path cannot address, and what Extended JSON cannot hold. Its errors
// name the operation, the collection and the server's code, never the server's
// text: that repeats the command, and with it documents. They never hold the
// URI's credentials.
package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"domctl.dev/internal/port"
)

// Options of a Client; zero fields take the defaults in brackets.
type Options struct {
	Timeout time.Duration // of one call with all its pages [60 s]
	Select  time.Duration // until a usable server must be found [10 s]
	Batch   int32         // documents a page [1000]
	// Dial opens connections, to hosts as the URI and the members of the replica set have
	// them. nil is the network's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Observe hears of every command of a call as it is sent ("find",
	// "getMore"), with its collection. It may be called concurrently.
	Observe func(command, collection string)
}

// Client is one database. Its methods may be called concurrently.
type Client struct {
	uri, database string
	opts          Options
	secrets       []string

	mu     sync.Mutex
	client *mongo.Client
	seen   map[string]server // by address
}

// server is what the driver's monitor last said of one server.
type server struct{ kind, failure string }

var _ port.Documents = (*Client)(nil)

// Open checks that uri looks like one; the first call connects. Close the
// Client when it is no longer needed.
func Open(uri, database string, o Options) (*Client, error) {
	if !strings.HasPrefix(uri, "mongodb://") && !strings.HasPrefix(uri, "mongodb+srv://") {
		return nil, errors.New("the MongoDB URI does not begin with mongodb:// or mongodb+srv://: see deployment.mongo.uri")
	}
	if o.Dial != nil && strings.HasPrefix(uri, "mongodb+srv://") {
		return nil, errors.New("a MongoDB URI of mongodb+srv:// asks DNS for the hosts, which deployment.mongo.via cannot: write mongodb:// and the hosts")
	}
	if database == "" || strings.ContainsAny(database, "/\\. \"$\x00") {
		return nil, fmt.Errorf("%q is not the name of a MongoDB database: see deployment.mongo.database", database)
	}
	o.Timeout = cmp.Or(o.Timeout, time.Minute)
	o.Select = cmp.Or(o.Select, 10*time.Second)
	o.Batch = cmp.Or(o.Batch, 1000)
	return &Client{uri: uri, database: database, opts: o, secrets: secretsOf(uri), seen: map[string]server{}}, nil
}

// Close ends all connections; calls under way fail.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	client := c.client
	c.client = nil
	c.mu.Unlock()
	if client == nil {
		return nil
	}
	return client.Disconnect(ctx)
}

// db connects on first use. Only mongodb+srv asks the network here, for DNS.
func (c *Client) db() (*mongo.Database, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil {
		client, err := mongo.Connect(c.settings())
		if err != nil {
			return nil, fmt.Errorf("the MongoDB URI cannot be used: %s: see deployment.mongo.uri", c.scrub(err.Error()))
		}
		c.client = client
	}
	return c.client.Database(c.database), nil
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// settings applies the URI first, so that what follows overrides it.
func (c *Client) settings() *options.ClientOptions {
	o := options.Client().ApplyURI(c.uri)
	if c.opts.Dial != nil {
		o.SetDialer(dialer(c.opts.Dial))
	}
	return o.
		SetAppName("domctl").
		SetReadPreference(readpref.Primary()).
		SetReadConcern(readconcern.Majority()).
		SetWriteConcern(writeconcern.Majority()).
		SetRetryWrites(false).
		SetMaxAdaptiveRetries(0).
		SetServerSelectionTimeout(c.opts.Select).
		SetConnectTimeout(c.opts.Select).
		SetTimeout(c.opts.Timeout).
		SetMonitor(&event.CommandMonitor{Started: c.started,
			Succeeded: func(ctx context.Context, e *event.CommandSucceededEvent) {
				heard(ctx, e.CommandName, e.Duration, false)
			},
			Failed: func(ctx context.Context, e *event.CommandFailedEvent) { heard(ctx, e.CommandName, e.Duration, true) }}).
		SetServerMonitor(&event.ServerMonitor{
			ServerDescriptionChanged: func(e *event.ServerDescriptionChangedEvent) { c.saw(e.Address.String(), e.NewDescription.Kind, nil) },
			ServerHeartbeatFailed:    func(e *event.ServerHeartbeatFailedEvent) { c.saw(address(e.ConnectionID), "Unknown", e.Failure) },
		})
}

func heard(ctx context.Context, command string, took time.Duration, failed bool) {
	port.Heard(ctx, port.Call{System: "mongo", Operation: command, Took: took, Failed: failed})
}

func (c *Client) started(_ context.Context, e *event.CommandStartedEvent) {
	if c.opts.Observe == nil {
		return
	}
	collection, _ := e.Command.Lookup(e.CommandName).StringValueOK()
	if e.CommandName == "getMore" {
		collection, _ = e.Command.Lookup("collection").StringValueOK()
	}
	c.opts.Observe(e.CommandName, collection)
}

// saw remembers a server's kind and, while it is unknown, why.
func (c *Client) saw(address, kind string, failure error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := server{kind: kind}
	if failure != nil {
		s.failure = failure.Error()
	} else if kind == "Unknown" {
		s.failure = c.seen[address].failure
	}
	c.seen[address] = s
}

// address cuts the driver's number off a connection's name ("host:27017[-4]").
func address(connection string) string {
	before, _, _ := strings.Cut(connection, "[")
	return before
}

// secondary says whether the only server is not the one to ask. With
// directConnection the driver asks whoever stands there, also a secondary.
func (c *Client) secondary() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.seen {
		switch s.kind {
		case "RSPrimary", "Standalone", "Mongos", "LoadBalancer", "Unknown":
			return false
		}
	}
	return len(c.seen) > 0
}

// call runs one call of the port with its deadline, and tells its error.
func (c *Client) call(ctx context.Context, op, collection string, do func(context.Context, *mongo.Database) error) error {
	db, err := c.db()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	err = do(ctx, db)
	if err == nil && c.secondary() {
		err = errSecondary
	}
	return c.explain(ctx, op, collection, err)
}

// raws reads a cursor to its end or fails: a part never comes back.
func raws(ctx context.Context, cursor *mongo.Cursor, each func(bson.Raw) error) error {
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }()
	for cursor.Next(ctx) {
		if err := each(cursor.Current); err != nil {
			return err
		}
	}
	return cursor.Err()
}
