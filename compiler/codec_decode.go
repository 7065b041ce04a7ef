package compiler

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"sync"

	"domctl.dev/schema"
)

// decodeHead reads what is needed to ask whether an entry still holds; objects
// makes the rest.
func decodeHead(text string) (en entry, d *decoder, err error) {
	head := []byte(text[:min(len(text), len(magic)+4)])
	if len(head) < len(magic)+4 || string(head[:len(magic)]) != magic || binary.LittleEndian.Uint32(head[len(magic):]) != checksum(text[len(head):]) {
		return en, nil, errFormat
	}
	d = &decoder{body: text[len(head):]}
	d.table()
	for n := d.count(); n > 0 && d.err == nil; n-- {
		q := question{byte(d.number()), d.text()}
		var a answer
		copy(a[:], d.take(len(a)))
		en.asked, en.answers = append(en.asked, q), append(en.answers, a)
	}
	return en, d, d.err
}

func decode(text string) (en entry, err error) {
	en, d, err := decodeHead(text)
	if err != nil {
		return en, err
	}
	en.result, err = d.result()
	return en, err
}

// decoder reads a body, of which the strings it gives are parts. After the first
// error all it reads is zero.
type decoder struct {
	body    string
	strings []string
	err     error
}

func (d *decoder) number() int {
	n, size := uvarint(d.body)
	if size <= 0 || n > 1<<31 {
		d.fail()
		return 0
	}
	d.body = d.body[size:]
	return int(n)
}

// uvarint is binary.Uvarint of a string.
func uvarint(s string) (n uint64, size int) {
	var b [binary.MaxVarintLen64]byte
	return binary.Uvarint(b[:copy(b[:], s)])
}

// count is a number of things that take at least a byte each.
func (d *decoder) count() int {
	n := d.number()
	if n > len(d.body) {
		d.fail()
		return 0
	}
	return n
}

func (d *decoder) text() string {
	i := d.number()
	if i >= len(d.strings) {
		d.fail()
		return ""
	}
	return d.strings[i]
}

func (d *decoder) take(n int) string {
	if n > len(d.body) {
		d.fail()
		return ""
	}
	taken := d.body[:n]
	d.body = d.body[n:]
	return taken
}

func (d *decoder) fail() { d.err, d.body = errFormat, "" }

// table reads the strings.
func (d *decoder) table() {
	lengths := make([]int, d.count())
	size := 0
	for i := range lengths {
		lengths[i] = d.count()
		size += lengths[i]
	}
	all := d.take(size)
	if d.err != nil {
		return
	}
	d.strings = make([]string, len(lengths))
	for i, n := range lengths {
		d.strings[i], all = all[:n], all[n:]
	}
}

func (d *decoder) result() (r Result, err error) {
	var small rest
	if err := json.Unmarshal([]byte(d.text()), &small); err != nil {
		return r, errFormat
	}
	r.Desired.Deployment, r.Resolved, r.Findings = small.Deployment, small.Resolved, small.Findings
	for n := d.count(); n > 0 && d.err == nil; n-- {
		r.Files = append(r.Files, d.text())
	}
	r.Desired.Objects, err = d.objects()
	return r, err
}

func (d *decoder) objects() (map[schema.Address]schema.Object, error) {
	chunks := make([]*decoder, d.count())
	for i := range chunks {
		chunks[i] = &decoder{body: d.take(d.number()), strings: d.strings}
	}
	if d.err != nil || len(d.body) > 0 {
		return nil, errFormat
	}
	members := make([][]placed, len(chunks))
	var wait sync.WaitGroup
	for i, c := range chunks {
		wait.Go(func() { members[i] = c.chunk() })
	}
	wait.Wait()
	objects := make(map[schema.Address]schema.Object, len(chunks)*chunkSize)
	for i, c := range chunks {
		if c.err != nil {
			return nil, c.err
		}
		for _, m := range members[i] {
			objects[m.address] = m.object
		}
	}
	return objects, nil
}

// placed is an object under its address.
type placed struct {
	address schema.Address
	object  schema.Object
}

func (d *decoder) chunk() []placed {
	is := kinds()
	members := make([]placed, d.count())
	positions := make([]schema.Position, 0, d.count())
	for i := range members {
		members[i].address = schema.Address{Kind: d.text(), Name: d.text()}
		n := d.count()
		fields := make(map[string]schema.Value, n)
		for range n {
			p, k := d.text(), d.number()
			if k >= len(is) {
				d.fail()
				return nil
			}
			fields[p] = schema.Value{Is: is[k], Text: d.text()}
		}
		n = d.count()
		at := make(map[string][]schema.Position, n)
		for range n {
			p, start := d.text(), len(positions)
			for range d.count() {
				positions = append(positions, schema.Position{File: d.text(), Line: d.number(), Col: d.number()})
			}
			at[p] = slices.Clip(positions[start:])
			if len(at[p]) == 0 {
				at[p] = nil
			}
		}
		members[i].object = schema.Object{Fields: fields, At: at}
	}
	if d.err == nil && len(d.body) > 0 {
		d.fail()
	}
	return members
}
