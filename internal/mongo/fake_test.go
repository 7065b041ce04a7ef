package mongo

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// fake answers the MongoDB wire protocol with what a test says, to show what
// the client sends and how it takes answers that a real server seldom gives.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
type fake struct {
	addr string
	// answer gives the reply to a command; nil closes the connection. Without an
	// entry a command is answered {ok: 1}.
	answer map[string]func(command bson.Raw) bson.D

	mu   sync.Mutex
	sent []bson.Raw // commands but those of the handshake
}

// Opcodes.
const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

func startFake(t *testing.T, answer map[string]func(bson.Raw) bson.D) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{addr: l.Addr().String(), answer: answer}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			go f.serve(conn)
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return f
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	for {
		head := make([]byte, 16)
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint32(head)-16)
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		opcode := binary.LittleEndian.Uint32(head[12:])
		reply := f.reply(command(opcode, body))
		if reply == nil {
			return
		}
		if _, err := conn.Write(message(opcode, head[4:8], reply)); err != nil {
			return
		}
	}
}

// command takes the document out of a message; a document sequence is put into
// it as the array it stands for.
func command(opcode uint32, body []byte) bson.Raw {
	if opcode == opQuery {
		end := bytes.IndexByte(body[4:], 0) + 5
		return bson.Raw(body[end+8:])
	}
	body = body[5:]
	n := binary.LittleEndian.Uint32(body)
	doc, rest := bson.Raw(body[:n]), body[n:]
	if len(rest) == 0 || rest[0] != 1 {
		return doc
	}
	name := string(rest[5 : 5+bytes.IndexByte(rest[5:], 0)])
	list := bson.A{}
	for docs := rest[5+len(name)+1:]; len(docs) > 4; docs = docs[binary.LittleEndian.Uint32(docs):] {
		list = append(list, bson.Raw(docs[:binary.LittleEndian.Uint32(docs)]))
	}
	var whole bson.D
	_ = bson.Unmarshal(doc, &whole)
	raw, _ := bson.Marshal(append(whole, bson.E{Key: name, Value: list}))
	return raw
}

func message(opcode uint32, requestID []byte, doc bson.D) []byte {
	raw, _ := bson.Marshal(doc)
	head := make([]byte, 16)
	copy(head[8:], requestID)
	kind, prefix := uint32(opMsg), make([]byte, 5)
	if opcode == opQuery {
		kind, prefix = opReply, make([]byte, 20)
		prefix[16] = 1
	}
	binary.LittleEndian.PutUint32(head[12:], kind)
	b := append(append(head, prefix...), raw...)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	return b
}

func nameOf(command bson.Raw) string {
	elements, err := command.Elements()
	if err != nil || len(elements) == 0 {
		return ""
	}
	return elements[0].Key()
}

func (f *fake) reply(command bson.Raw) bson.D {
	name := nameOf(command)
	if name == "hello" || name == "isMaster" || name == "ismaster" {
		if answer := f.answer["hello"]; answer != nil {
			return answer(command)
		}
		return helloOf(bson.D{{Key: "isWritablePrimary", Value: true}})
	}
	f.mu.Lock()
	f.sent = append(f.sent, slices.Clone(command))
	f.mu.Unlock()
	if answer := f.answer[name]; answer != nil {
		return answer(command)
	}
	return bson.D{{Key: "ok", Value: 1}}
}

// commands of one name that came.
func (f *fake) commands(name string) (found []bson.Raw) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.sent {
		if nameOf(c) == name {
			found = append(found, c)
		}
	}
	return found
}

func helloOf(more bson.D) bson.D {
	h := bson.D{{Key: "ok", Value: 1}, {Key: "minWireVersion", Value: 0}, {Key: "maxWireVersion", Value: 13},
		{Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "maxMessageSizeBytes", Value: 48000000}, {Key: "maxWriteBatchSize", Value: 100000},
		{Key: "logicalSessionTimeoutMinutes", Value: 30}}
	for _, e := range more {
		h = slices.DeleteFunc(h, func(had bson.E) bool { return had.Key == e.Key })
		h = append(h, e)
	}
	return h
}

func failure(code int, name, text string) func(bson.Raw) bson.D {
	return func(bson.Raw) bson.D {
		return bson.D{{Key: "ok", Value: 0}, {Key: "errmsg", Value: text}, {Key: "code", Value: code}, {Key: "codeName", Value: name}}
	}
}

// page is the first page of a cursor; id 0 ends it.
func page(id int64, docs ...bson.D) func(bson.Raw) bson.D { return batch("firstBatch", id, docs) }

func batch(name string, id int64, docs []bson.D) func(bson.Raw) bson.D {
	list := bson.A{}
	for _, d := range docs {
		list = append(list, d)
	}
	return func(bson.Raw) bson.D {
		return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{{Key: "id", Value: id}, {Key: "ns", Value: "domino.c"}, {Key: name, Value: list}}}}
	}
}

func hang(t *testing.T) func(bson.Raw) bson.D {
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	return func(bson.Raw) bson.D { <-done; return nil }
}

func hangUp(bson.Raw) bson.D { return nil }
