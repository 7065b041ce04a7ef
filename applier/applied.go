package applier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/schema"
)

const appliedKey = "applied"

type appliedBody struct {
	schema.Applied
	Deployment string `json:"deployment"`
	// Place is that of the latest apply in the order of all.
	Place int `json:"place"`
	// Last is the latest apply in that order that settled something, so that
	// its stream is known to have been. A place alone tells nothing: it is taken
	// before record 0, which may never be written.
	Last  lastApply `json:"last,omitzero"`
	Nonce string    `json:"nonce"`
}

type lastApply struct {
	ID    string `json:"id"`
	Place int    `json:"place"`
}

// ReadApplied answers what the store's deployment has applied, and etag "" when
// nothing was applied yet. A store that holds applies and no *applied* has lost
// it, and one that another deployment writes to is refused: either would be
// taken for "nothing applied".
func ReadApplied(ctx context.Context, s Store, deployment string) (schema.Applied, string, error) {
	b, etag, err := appliedOf(ctx, s, deployment)
	return b.Applied, etag, err
}

func appliedOf(ctx context.Context, s Store, deployment string) (appliedBody, string, error) {
	b, etag, err := readApplied(ctx, s)
	if err == nil && etag == "" {
		b, etag, err = nothingApplied(ctx, s, b)
	}
	if err == nil && etag != "" && b.Deployment != deployment {
		err = fmt.Errorf("DC512: the state store holds the records of deployment %q, this is %q; give each a folder or prefix of its own", b.Deployment, deployment)
	}
	return b, etag, err
}

func readApplied(ctx context.Context, s Store) (b appliedBody, etag string, err error) {
	body, etag, err := s.Get(ctx, appliedKey)
	switch {
	case errors.Is(err, ErrNoKey):
		err = nil
	case errors.Is(err, ErrDamaged):
		err = tornApplied(err)
	case err != nil:
		err = fmt.Errorf("applied: %w", err)
	default:
		if err = json.Unmarshal(body, &b); err != nil || b.Nonce == "" {
			err = tornApplied(err)
		}
	}
	if b.Entries == nil {
		b.Entries = map[schema.Address]schema.Entry{}
	}
	if b.Latches == nil {
		b.Latches = map[schema.Address]string{}
	}
	return b, etag, err
}

func tornApplied(why error) error {
	return fmt.Errorf("%w: the record of what was applied (%v); restore it from the store's versions", ErrTorn, why)
}

// nothingApplied tells a new store, which holds no stream, from one that has
// lost *applied*. It looks again where somebody's first apply came in between.
func nothingApplied(ctx context.Context, s Store, none appliedBody) (appliedBody, string, error) {
	keys, err := s.List(ctx, "applies/")
	if err != nil {
		return none, "", fmt.Errorf("records: %w", err)
	}
	if len(keys) == 0 {
		return none, "", nil
	}
	b, etag, err := readApplied(ctx, s)
	if err == nil && etag == "" {
		err = fmt.Errorf("DC315: the record of what was applied is gone while the store holds %d applies; restore it from the store's versions", len(ids(keys)))
	}
	return b, etag, err
}

// ids are the applies that keys below "applies/" belong to, in order.
func ids(keys []string) (out []string) {
	for _, key := range keys {
		out = append(out, strings.Split(key, "/")[1])
	}
	return slices.Compact(out)
}

// place takes a new apply's place in the order of all: the clocks of several
// machines do not tell it. It comes before the stream's first record, so that a
// store with streams always has *applied*. An answer that is lost leaves a gap.
func (a *Applier) place(ctx context.Context) (int, error) {
	var lost error
	for range 3 {
		cur, etag, err := appliedOf(ctx, a.store(), a.Deployment)
		if err != nil {
			return 0, err
		}
		cur.Place++
		if lost = a.putApplied(ctx, cur, etag); lost == nil {
			return cur.Place, nil
		}
	}
	return 0, fmt.Errorf("applied: %w", lost)
}

// putApplied writes *applied* if it still has the etag, or if there is none for
// "".
func (a *Applier) putApplied(ctx context.Context, b appliedBody, etag string) (err error) {
	b.Deployment, b.Nonce = a.Deployment, a.Nonce()
	body := []byte(schema.JSON(b).Text)
	if etag == "" {
		_, err = a.store().PutIfNone(ctx, appliedKey, body)
	} else {
		_, err = a.store().PutIfMatch(ctx, appliedKey, body, etag)
	}
	return err
}

// settleApplied merges the entries of addresses whose steps are all done, with
// compare and swap. After an unclear answer a read tells whether there is
// anything left to merge. An apply that was cut off before it recorded the
// former entries settles nothing: they could not be put back.
func (r *run) settleApplied(ctx context.Context) error {
	if !r.j.has(KindPre, "") {
		return nil
	}
	var lost error
	for range 3 {
		cur, etag, err := appliedOf(ctx, r.store(), r.Deployment)
		if err != nil {
			return err
		}
		before := schema.JSON(cur).Text
		r.merge(cur.Applied)
		if place := r.j.records[0].Place; place > cur.Last.Place {
			cur.Last = lastApply{r.j.id, place}
		}
		if schema.JSON(cur).Text == before {
			return nil
		}
		if err := r.lease.hold(ctx); err != nil { // after the read: whoever takes the lease later moves the etag first
			return err
		}
		if lost = r.putApplied(ctx, cur, etag); lost == nil {
			return nil
		}
	}
	return fmt.Errorf("applied: %w", lost)
}

// Kept says that the streams of the latest apply, and of those that have not
// ended, are there: without one, an earlier apply would be taken for the latest.
func (a *Applier) Kept(ctx context.Context) error {
	b, etag, err := appliedOf(ctx, a.store(), a.Deployment)
	if err != nil || etag == "" {
		return err
	}
	open, err := a.OpenApplies(ctx)
	if err != nil {
		return err
	}
	for _, id := range append(open, b.Last.ID) {
		keys, err := a.store().List(ctx, "applies/"+id+"/")
		if id == "" || err != nil || len(keys) > 0 {
			continue // what cannot be listed is History's to tell
		}
		if slices.Contains(open, id) {
			return Gone(id)
		}
		return fmt.Errorf("DC315: the records of apply %s, the latest that is known, are gone; restore applies/%[1]s/ from the store's versions, or name what to take back: domctl rollback --to APPLY", id)
	}
	return nil
}

// Gone is the news of an apply that reserves, and has no stream.
func Gone(id string) error {
	return fmt.Errorf("DC315: the records of apply %s, which has not ended, are gone; restore applies/%[1]s/ from the store's versions, or remove open/%[1]s to give it up", id)
}

// merge settles entries and latches. A rollback of what was cut off before
// anything was done has latches alone, and none lets go of one; another apply has
// those that move to another name.
func (r *run) merge(cur schema.Applied) {
	left := r.left()
	for a, e := range r.j.plan.Settle {
		if left[a] {
			continue
		}
		if r.j.plan.Restores == "" {
			delete(cur.Latches, a)
		}
		if e == nil {
			delete(cur.Entries, a)
			continue
		}
		cur.Entries[a] = schema.Entry{ID: r.j.output(e.ID), Fields: r.outputs(e.Fields)}
	}
	for a, latch := range r.j.plan.Latch {
		if !left[a] {
			cur.Latch(a, latch)
		}
	}
}

// outdated compares what *applied* holds of the plan's addresses with what it
// held when the plan was made: another apply may have settled them since, and a
// rollback may have latched them.
func (r *run) outdated(applied schema.Applied) (why []string) {
	for _, a := range r.j.plan.Addresses() {
		if r.j.plan.Former[a] != applied.Digest(a) {
			why = append(why, fmt.Sprintf("DC304: %s: another apply or rollback has set it since the plan was made; plan again", a))
		}
	}
	return why
}

// left are the addresses of which a step is not done.
func (r *run) left() map[schema.Address]bool {
	left := map[schema.Address]bool{}
	for _, s := range r.j.plan.Steps {
		if !r.j.done(s.ID) {
			left[s.Address] = true
		}
	}
	return left
}

func (r *run) outputs(fields map[string]schema.Value) map[string]schema.Value {
	out := maps.Clone(fields)
	for p, v := range out {
		out[p] = r.j.output(v)
	}
	return out
}

// Latest is the latest apply of a store that settled something; "" where there was
// none. It reads as ReadApplied does.
func Latest(ctx context.Context, s Store, deployment string) (id, etag string, err error) {
	b, etag, err := appliedOf(ctx, s, deployment)
	return b.Last.ID, etag, err
}
