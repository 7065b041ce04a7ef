package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Doctor is what a probe needs. It opens no engine, because that may write.
type Doctor struct {
	Compiled compiler.Result
	Outside  port.Outside
	Store    applier.Store
	Domino   port.Domino // nil: it is not stated
	Reach    []Reach
	Secret   func(ctx context.Context, ref string) (schema.Value, error)
	// Writes tells by call whether an apply's writes would be allowed: nil,
	// ErrUntried, or why not. nil where there are no permissions.
	Writes func(context.Context) map[string]error
}

// ErrUntried says that a call has no dry run.
var ErrUntried = errors.New("cannot be tried without effect")

// Probe looks at everything that a deployment needs and writes nothing. Parts are
// looked at side by side, each with a deadline of its own, so that one that does
// not answer is not taken for another.
func (d Doctor) Probe(ctx context.Context) []world.Check {
	w := &world.World{Outside: d.Outside, Domino: d.Domino, Deployment: d.Compiled.Desired.Deployment, Secret: d.Secret}
	parts := []func(context.Context) []world.Check{
		func(ctx context.Context) []world.Check { return w.Checks(ctx, d.Compiled.Desired) }, d.domino, d.reach, d.writes, d.registries, d.secrets, d.state}
	checks := make([][]world.Check, len(parts))
	var wait sync.WaitGroup
	for i, part := range parts {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			checks[i] = part(ctx)
		})
	}
	wait.Wait()
	return slices.Concat(checks...)
}

// patience is for all of a part; a call of an adapter has at most as much.
const patience = time.Minute

// Reach is one thing beside the outside that a deployment needs: Try answers what it saw,
// and Do is said where it failed.
type Reach struct {
	Name, Do string
	Try      func(context.Context) (saw string, err error)
}

func (d Doctor) reach(ctx context.Context) []world.Check {
	checks := make([]world.Check, len(d.Reach))
	var wait sync.WaitGroup
	for i, r := range d.Reach {
		wait.Go(func() {
			saw, err := r.Try(ctx)
			if checks[i] = (world.Check{Name: r.Name, OK: true, Detail: saw}); err != nil {
				checks[i] = world.Unanswered(r.Name, r.Do, err)
			}
		})
	}
	wait.Wait()
	return checks
}

// domino asks whose the key is.
func (d Doctor) domino(ctx context.Context) []world.Check {
	if d.Domino == nil {
		return nil
	}
	user, err := d.Domino.DominoUser(ctx)
	switch do := "check deployment.domino: its url, and the key that it names"; {
	case errors.Is(err, port.ErrDenied):
		return []world.Check{{Name: "Domino API", Detail: err.Error(), Do: do}}
	case err != nil:
		return []world.Check{world.Unanswered("Domino API", do, err)}
	}
	return []world.Check{{Name: "Domino API", OK: true, Detail: "answers; the key is that of " + user}}
}

// writes are dry runs where AWS has them.
func (d Doctor) writes(ctx context.Context) (checks []world.Check) {
	if d.Writes == nil {
		return nil
	}
	verdicts := d.Writes(ctx)
	for _, call := range schema.Sorted(verdicts) {
		c := world.Check{Name: call + " (apply)", OK: true, Detail: "allowed"}
		switch err := verdicts[call]; {
		case errors.Is(err, ErrUntried):
			c.Open, c.Detail = true, "not known: "+err.Error()
		case err != nil:
			c = world.Unanswered(c.Name, "look at the message; run again once it is mended", err)
		}
		checks = append(checks, c)
	}
	return checks
}

// registries asks for every image that floats.
func (d Doctor) registries(ctx context.Context) []world.Check {
	images := map[string]bool{}
	for _, o := range d.Compiled.Desired.Objects {
		if image := o.Fields["image"].Str(); strings.ContainsAny(image, "/:") {
			images[image] = true
		}
	}
	checks := make([]world.Check, 0, len(images))
	for _, image := range schema.Sorted(images) {
		c := world.Check{Name: "registry image " + image, OK: true, Detail: "answers"}
		if _, err := d.Outside.Digests(ctx, image, nil); err != nil {
			c = world.Unanswered(c.Name, "check the name, docker login, and deployment.registries", err)
		}
		checks = append(checks, c)
	}
	return checks
}

// secrets resolves every reference, and shows none.
func (d Doctor) secrets(ctx context.Context) []world.Check {
	refs := map[string]bool{}
	// The connection string of a sandbox is never read.
	if dep := d.Compiled.Desired.Deployment; dep.World == "live" {
		refs[dep.Mongo.URI] = true
		if ref := dep.Mongo.Via.KeyRef(); ref != "" {
			refs[ref] = true
		}
		if ref := dep.Domino.Ref(); ref != "" {
			refs[ref] = true
		}
	}
	for _, o := range d.Compiled.Desired.Objects {
		for _, v := range o.Fields {
			if v.Is == schema.Secret {
				refs[v.Text] = true
			}
		}
	}
	var checks []world.Check
	for _, ref := range schema.Sorted(refs) {
		c := world.Check{Name: "secret " + ref, OK: true, Detail: "can be read"}
		if _, err := d.Secret(ctx, ref); err != nil {
			c = world.Unanswered(c.Name, "set what the reference names, where domctl runs", err)
		}
		checks = append(checks, c)
	}
	return checks
}

func (d Doctor) state(ctx context.Context) []world.Check {
	applied, _, err := applier.ReadApplied(ctx, d.Store, d.Compiled.Desired.Deployment.Name)
	var applies []string
	if err == nil {
		applies, err = d.Store.List(ctx, "open/")
	}
	if err != nil {
		return []world.Check{world.Unanswered("state store", "check deployment.state, its permissions, and what seals it", err)}
	}
	return []world.Check{{Name: "state store", OK: true, Detail: planner.Plural(len(applied.Entries), "object") + " applied, " + fmt.Sprint(len(applies)) + " not ended"}}
}
