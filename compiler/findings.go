package compiler

import (
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"

	"domctl.dev/schema"
)

// findings makes one finding of each error CUE tells of.
func (t *tree) findings(err error) (found []schema.Finding) {
	for _, e := range errors.Errors(err) {
		f := schema.Finding{Code: "DC001", Severity: schema.Error, Message: e.Error(), Positions: t.positions(errors.Positions(e))}
		f.Address = addressOf(e.Path())
		found = append(found, f)
	}
	return found
}

// positions of the user's own files, in the words of the schema.
func (t *tree) positions(at []token.Pos) (positions []schema.Position) {
	for _, p := range at {
		if p.IsValid() && !t.owned(p.Filename()) {
			positions = append(positions, t.position(p))
		}
	}
	return positions
}

func (t *tree) position(p token.Pos) schema.Position {
	return schema.Position{File: t.relative(p.Filename()), Line: p.Line(), Col: p.Column()}
}

// addressOf finds the object that a CUE path lies in.
func addressOf(path []string) schema.Address {
	if len(path) < 2 {
		return schema.Address{}
	}
	k, ok := schema.KindOf(path[0])
	switch {
	case !ok:
		return schema.Address{}
	case k.Flat:
		return schema.Address{Kind: k.Name, Name: k.Key(unquote(path[1:]))}
	}
	return schema.Address{Kind: k.Name, Name: unquote(path[1:2])[0]}
}
