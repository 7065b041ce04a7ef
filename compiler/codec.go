package compiler

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"domctl.dev/schema"
)

// entry is a result and the questions it rests on: what the cache keeps and a
// child answers.
type entry struct {
	asked   []question
	answers []answer
	result  Result
}

// The format, all numbers unsigned varints:
//
//	magic, CRC-32C of the rest
//	strings: count, lengths, then their bytes; all else names them by index
//	questions: count, each kind, name, 16 bytes
//	JSON of deployment, resolved and findings, as one string
//	files: count, names
//	objects: chunks of at most chunkSize, each with its length in bytes, so that
//	they are read side by side
//
// A chunk holds its counts of objects, fields and positions, then each object:
// kind, name, fields (path, what, text), places (path, file, line, column …).
const (
	magic     = "domctl compiled 1\n"
	chunkSize = 512
)

// errFormat says that bytes are no entry of this format.
var errFormat = errors.New("not a compiled deployment")

func kinds() []schema.Is {
	return []schema.Is{schema.Absent, schema.Known, schema.Unset, schema.Unknown, schema.Ref, schema.Out, schema.Secret, schema.Digest}
}

// encoder writes everything but the strings, which it collects.
type encoder struct {
	body    []byte
	index   map[string]uint64
	strings []string
}

func (e *encoder) number(n int) { e.body = binary.AppendUvarint(e.body, uint64(n)) }

func (e *encoder) text(s string) {
	i, ok := e.index[s]
	if !ok {
		i = uint64(len(e.strings))
		e.index[s], e.strings = i, append(e.strings, s)
	}
	e.body = binary.AppendUvarint(e.body, i)
}

// encode writes an entry; the same entry gives the same bytes.
func encode(en entry) ([]byte, error) {
	e := &encoder{index: map[string]uint64{}}
	e.number(len(en.asked))
	for i, q := range en.asked {
		e.number(int(q.what))
		e.text(q.name)
		e.body = append(e.body, en.answers[i][:]...)
	}
	rest, err := json.Marshal(rest{en.result.Desired.Deployment, en.result.Resolved, en.result.Findings})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	e.text(string(rest))
	e.number(len(en.result.Files))
	for _, f := range en.result.Files {
		e.text(f)
	}
	e.objects(en.result.Desired.Objects)
	return e.bytes(), nil
}

// rest is what is small enough to be JSON.
type rest struct {
	Deployment schema.Deployment
	Resolved   schema.Resolved
	Findings   []schema.Finding
}

func (e *encoder) objects(objects map[schema.Address]schema.Object) {
	addresses := schema.Addresses(objects)
	e.number((len(addresses) + chunkSize - 1) / chunkSize)
	for chunk := range slices.Chunk(addresses, chunkSize) {
		outer := e.body
		e.body = nil
		e.chunk(chunk, objects)
		body := e.body
		e.body = binary.AppendUvarint(outer, uint64(len(body)))
		e.body = append(e.body, body...)
	}
}

func (e *encoder) chunk(chunk []schema.Address, objects map[schema.Address]schema.Object) {
	positions := 0
	for _, a := range chunk {
		for _, at := range objects[a].At {
			positions += len(at)
		}
	}
	e.number(len(chunk))
	e.number(positions)
	for _, a := range chunk {
		o := objects[a]
		e.text(a.Kind)
		e.text(a.Name)
		e.number(len(o.Fields))
		for _, p := range schema.Sorted(o.Fields) {
			e.text(p)
			e.number(slices.Index(kinds(), o.Fields[p].Is))
			e.text(o.Fields[p].Text)
		}
		e.number(len(o.At))
		for _, p := range schema.Sorted(o.At) {
			e.text(p)
			e.number(len(o.At[p]))
			for _, at := range o.At[p] {
				e.text(at.File)
				e.number(at.Line)
				e.number(at.Col)
			}
		}
	}
}

// bytes puts head, strings and body together.
func (e *encoder) bytes() []byte {
	size := 0
	for _, s := range e.strings {
		size += len(s) + 3
	}
	b := make([]byte, 0, len(magic)+4+size+len(e.body)+8)
	b = append(b, make([]byte, len(magic)+4)...)
	b = binary.AppendUvarint(b, uint64(len(e.strings)))
	for _, s := range e.strings {
		b = binary.AppendUvarint(b, uint64(len(s)))
	}
	for _, s := range e.strings {
		b = append(b, s...)
	}
	return sealed(append(b, e.body...))
}

// sealed puts magic and checksum in their places.
func sealed(b []byte) []byte {
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[len(magic):], checksum(string(b[len(magic)+4:])))
	return b
}

func checksum(text string) (sum uint32) {
	var part [4096]byte
	for table := crc32.MakeTable(crc32.Castagnoli); text != ""; {
		n := copy(part[:], text)
		sum, text = crc32.Update(sum, table, part[:n]), text[n:]
	}
	return sum
}
