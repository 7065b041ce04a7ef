//go:build linux

package wiretest

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// MongoSet is a replica set "rs0" of two members with one memory: both stand
// before this process's MongoDB, which they hide. Each answers hello itself, and
// one is the primary; the other refuses everything but hello, as a secondary
// refuses who wants the primary.
type MongoSet struct {
	URI string

	backend string
	members []*member

	mu      sync.Mutex
	primary int
	next    []election
	asked   []string
	took    []string
	open    int
}

type member struct {
	set  *MongoSet
	addr string
}

// election is what is to happen at a command.
type election struct {
	command string
	done    bool
	answer  bson.D
}

// NewMongoSet starts one; it ends with the test.
func NewMongoSet(t testing.TB) *MongoSet {
	t.Helper()
	backend, _, _ := strings.Cut(strings.TrimPrefix(Mongo(t), "mongodb://"), "/")
	s := &MongoSet{backend: backend}
	var hosts []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		m := &member{s, l.Addr().String()}
		s.members, hosts = append(s.members, m), append(hosts, m.addr)
		t.Cleanup(func() { _ = l.Close() })
		go m.accept(l)
	}
	s.URI = "mongodb://" + strings.Join(hosts, ",") + "/?replicaSet=" + replicaSet
	return s
}

// FailOver makes the other member the primary at the next command of the name,
// after those asked for before. The command takes effect first, if done says so.
// Its answer is the one given, or none: the connection ends.
func (s *MongoSet) FailOver(command string, done bool, answer bson.D) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, election{command, done, answer})
}

// Took are the writes that took effect so far: "update hardware_tier".
func (s *MongoSet) Took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.took)
}

// Asked are the commands that were passed on so far: "find hardware_tier".
func (s *MongoSet) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Failed says whether every failover that was asked for has come.
func (s *MongoSet) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.next) == 0
}

// Open is how many connections clients have open.
func (s *MongoSet) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *MongoSet) opened(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += more
}

// elect takes the first election that is meant for a command.
func (s *MongoSet) elect(command string) (e election, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.next, func(e election) bool { return e.command == command })
	if i < 0 {
		return e, false
	}
	e = s.next[i]
	s.next, s.primary = slices.Delete(s.next, i, i+1), 1-s.primary
	return e, true
}

func (s *MongoSet) isPrimary(m *member) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members[s.primary] == m
}

func (s *MongoSet) note(command, collection string, reply bson.Raw) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, command+" "+collection)
	n, _ := reply.Lookup("n").AsInt64OK()
	if n > 0 && slices.Contains([]string{"insert", "update", "delete"}, command) {
		s.took = append(s.took, command+" "+collection)
	}
}

func (m *member) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		go m.serve(client)
	}
}

// serve answers one connection, over one of its own to the server behind.
func (m *member) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	m.set.opened(1)
	defer m.set.opened(-1)
	server, err := net.Dial("tcp", m.set.backend)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	for {
		asked, err := readMessage(client)
		if err != nil {
			return
		}
		reply, err := m.answer(server, asked)
		if err != nil || reply == nil {
			return
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}

// answer gives nil where the connection is to end.
func (m *member) answer(server net.Conn, asked []byte) ([]byte, error) {
	command, collection := commandOf(asked)
	switch {
	case strings.EqualFold(command, "hello"), strings.EqualFold(command, "isMaster"):
		return replyTo(asked, m.hello())
	case !m.set.isPrimary(m):
		return replyTo(asked, Refusal(13435, "NotPrimaryNoSecondaryOk"))
	}
	e, failing := m.set.elect(command)
	if !failing || e.done {
		reply, err := m.pass(server, asked, command, collection)
		if err != nil || !failing {
			return reply, err
		}
	}
	if e.answer == nil {
		return nil, nil
	}
	return replyTo(asked, e.answer)
}

func (m *member) pass(server net.Conn, asked []byte, command, collection string) ([]byte, error) {
	if _, err := server.Write(asked); err != nil {
		return nil, err
	}
	reply, err := readMessage(server)
	if err == nil {
		m.set.note(command, collection, bson.Raw(reply[bodyAt:]))
	}
	return reply, err
}

// Refusal is a server's answer of the code to a command it did not do.
// https://www.mongodb.com/docs/manual/reference/error-codes/
func Refusal(code int, name string) bson.D {
	return bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: code}, {Key: "codeName", Value: name}, {Key: "errmsg", Value: "canary of the server's text"}}
}

// https://www.mongodb.com/docs/manual/reference/command/hello/
func (m *member) hello() bson.D {
	m.set.mu.Lock()
	defer m.set.mu.Unlock()
	first := m.set.members[m.set.primary]
	hosts := bson.A{}
	for _, other := range m.set.members {
		hosts = append(hosts, other.addr)
	}
	return bson.D{{Key: "ok", Value: 1}, {Key: "isWritablePrimary", Value: first == m}, {Key: "ismaster", Value: first == m}, {Key: "secondary", Value: first != m},
		{Key: "setName", Value: replicaSet}, {Key: "setVersion", Value: 1}, {Key: "hosts", Value: hosts}, {Key: "me", Value: m.addr}, {Key: "primary", Value: first.addr},
		{Key: "minWireVersion", Value: 0}, {Key: "maxWireVersion", Value: 13}, {Key: "maxBsonObjectSize", Value: 16 << 20},
		{Key: "maxMessageSizeBytes", Value: 48000000}, {Key: "maxWriteBatchSize", Value: 100000}, {Key: "logicalSessionTimeoutMinutes", Value: 30}}
}

// The parts of the wire protocol that a member reads itself.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
const (
	headSize = 16
	opReply  = 1
	opQuery  = 2004
	opMsg    = 2013
	bodyAt   = headSize + 4 + 1 // of an OP_MSG: after its flags and its first section's kind
)

func readMessage(from io.Reader) ([]byte, error) {
	head := make([]byte, headSize)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	message := append(head, make([]byte, binary.LittleEndian.Uint32(head)-headSize)...)
	_, err := io.ReadFull(from, message[headSize:])
	return message, err
}

// commandOf is a message's command and collection; the one OP_QUERY that drivers
// send is a hello.
func commandOf(message []byte) (command, collection string) {
	if binary.LittleEndian.Uint32(message[12:]) == opQuery {
		return "hello", ""
	}
	elements, err := bson.Raw(message[bodyAt:]).Elements()
	if err != nil || len(elements) == 0 {
		return "", ""
	}
	collection, _ = elements[0].Value().StringValueOK()
	return elements[0].Key(), collection
}

func replyTo(asked []byte, doc bson.D) ([]byte, error) {
	body, err := bson.Marshal(doc)
	if err != nil {
		return nil, err
	}
	kind, prefix := uint32(opMsg), make([]byte, 5)
	if binary.LittleEndian.Uint32(asked[12:]) == opQuery {
		kind, prefix = opReply, make([]byte, 20)
		prefix[16] = 1 // one document
	}
	reply := append(append(make([]byte, headSize), prefix...), body...)
	binary.LittleEndian.PutUint32(reply, uint32(len(reply)))
	copy(reply[8:12], asked[4:8])
	binary.LittleEndian.PutUint32(reply[12:], kind)
	return reply, nil
}
