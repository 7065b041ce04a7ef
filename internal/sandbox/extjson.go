package sandbox

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// parseValue reads Extended JSON, canonical or relaxed, as a port's argument
// holds it.
func parseValue(text string) (value, error) { return new(parser).whole(text) }

// whole reads a text that is one value; a parser reads one after the other.
func (p *parser) whole(text string) (value, error) {
	p.src, p.i = text, 0
	v, err := p.value(0)
	if err == nil {
		err = p.end()
	}
	var at *FileError
	if errors.As(err, &at) {
		return value{}, fmt.Errorf("%.80q is not Extended JSON: %s", text, at.Problem)
	}
	return v, err
}

// value reads one Extended JSON v2 value ("MongoDB Extended JSON (v2)").
func (p *parser) value(depth int) (value, error) {
	c := p.next()
	switch {
	case depth > maxDepth:
		return value{}, p.fail(p.i, "nested deeper than %d levels", maxDepth)
	case c == '{':
		return p.document(depth)
	case c == '[':
		return p.elements(depth)
	case c == '"':
		s, err := p.str()
		return value{kind: literal, text: s}, err
	case c == 't' || c == 'f' || c == 'n':
		s, err := p.word()
		return value{kind: literal, text: s}, err
	}
	return p.plainNumber()
}

func (p *parser) plainNumber() (value, error) {
	start := p.i
	token, err := p.number()
	if err != nil {
		return value{}, err
	}
	v, err := numberValue(token)
	if err != nil {
		return v, p.fail(start, "%v", err)
	}
	return v, nil
}

// numberValue types a number that has no wrapper: whole numbers are int32 or
// int64 by their size, those with a point or an exponent doubles.
func numberValue(token string) (value, error) {
	if strings.ContainsAny(token, ".eE") {
		return doubleValue(token)
	}
	n, err := strconv.ParseInt(token, 10, 64)
	if err != nil {
		return value{}, fmt.Errorf(`%s does not fit 64 bits; write {"$numberDouble": "%s"} or {"$numberDecimal": "%s"}`, token, token, token)
	}
	k := int64s
	if n >= math.MinInt32 && n <= math.MaxInt32 {
		k = int32s
	}
	if token == "-0" {
		token = "0"
	}
	return value{kind: k, text: token}, nil
}

func (p *parser) elements(depth int) (value, error) {
	base := len(p.stack)
	p.i++
	for {
		more, err := p.more(']', len(p.stack) == base)
		if err != nil || !more {
			return value{kind: array, kids: p.pop(base)}, err
		}
		e, err := p.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		p.stack = append(p.stack, field{value: e})
	}
}

func (p *parser) document(depth int) (value, error) {
	start, base := p.i, len(p.stack)
	p.i++
	names := distinct{}
	for {
		more, err := p.more('}', len(p.stack) == base)
		if err != nil {
			return value{}, err
		}
		if !more {
			return p.finished(start, value{kids: p.pop(base)})
		}
		at := p.i
		key, err := p.name()
		if err != nil {
			return value{}, err
		}
		if names.taken(key, p.stack[base:]) {
			return value{}, p.fail(at, "the field %q stands twice in this document", key)
		}
		e, err := p.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		p.stack = append(p.stack, field{key, e})
	}
}

// finished is the document read, or the value that it wraps.
func (p *parser) finished(start int, v value) (value, error) {
	if len(v.kids) == 0 || !strings.HasPrefix(v.kids[0].name, "$") {
		return v, nil
	}
	v, err := unwrap(v)
	if err != nil {
		return v, p.fail(start, "%v", err)
	}
	return v, nil
}

// distinct tells names that stand twice: documents of few fields are searched,
// those of many keep a set.
type distinct struct{ seen map[string]bool }

func (d *distinct) taken(name string, before []field) bool {
	const few = 32
	if len(before) < few {
		return slices.ContainsFunc(before, func(f field) bool { return f.name == name })
	}
	if d.seen == nil {
		d.seen = map[string]bool{}
		for _, f := range before {
			d.seen[f.name] = true
		}
	}
	was := d.seen[name]
	d.seen[name] = true
	return was
}
