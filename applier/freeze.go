package applier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// freezeKey is the record that keeps applies from beginning and from going on.
const freezeKey = "freeze"

// freezesKey is below which each freeze stands that was ever written, for who asks
// later; freezeKey alone counts.
const freezesKey = "freezes/"

// Freezes are all that were written, oldest first.
func Freezes(ctx context.Context, s Store) (all []Freeze, err error) {
	keys, err := s.List(ctx, freezesKey)
	if err != nil {
		return nil, fmt.Errorf("freezes: %w", err)
	}
	for _, key := range keys {
		var f Freeze
		body, _, err := s.Get(ctx, key)
		if err == nil {
			err = json.Unmarshal(body, &f)
		}
		if err != nil {
			return all, fmt.Errorf("record %s: %w", key, err)
		}
		all = append(all, f)
	}
	return all, nil
}

// Freeze says that nothing of a deployment may be applied until a time. Rollbacks
// may: they are what is needed when something is wrong.
type Freeze struct {
	Until time.Time `json:"until"`
	Why   string    `json:"why"`
	Who   string    `json:"who"`
	At    time.Time `json:"at,omitzero"` // when it was written
	Nonce string    `json:"nonce"`       // lets no two bodies be alike
}

func (f Freeze) String() string {
	return planner.Printable(fmt.Sprintf("frozen until %s by %s: %s", stamp(f.Until), f.Who, f.Why))
}

// ErrFrozen is answered for a plan of a deployment that is frozen.
var ErrFrozen = errors.New("DC323: the deployment is frozen")

// Holds says whether the freeze is not over yet.
func (f Freeze) Holds(now time.Time) bool { return now.Before(f.Until) }

// ReadFreeze reads the latest freeze of a store, which may be over; where there was
// none it answers the zero one.
func ReadFreeze(ctx context.Context, s Store) (f Freeze, etag string, err error) {
	body, etag, err := s.Get(ctx, freezeKey)
	if errors.Is(err, ErrNoKey) {
		return f, "", nil
	}
	if err == nil {
		err = json.Unmarshal(body, &f)
	}
	if err != nil {
		return f, "", fmt.Errorf("whether the deployment is frozen: %w", err)
	}
	return f, etag, nil
}

// Freeze replaces the freeze that stands, whichever it is. One that is over at once
// lifts it.
func (a *Applier) Freeze(ctx context.Context, f Freeze) error {
	_, etag, err := ReadFreeze(ctx, a.store())
	if err != nil {
		return err
	}
	f.Nonce, f.At = a.Nonce(), a.Clock.Now().UTC()
	body := []byte(schema.JSON(f).Text)
	if _, err = a.store().PutIfNone(ctx, freezesKey+f.At.Format("20060102-150405.000")+"-"+f.Nonce, body); err != nil {
		return fmt.Errorf("freeze: %w; nothing was changed", err)
	}
	if etag == "" {
		_, err = a.store().PutIfNone(ctx, freezeKey, body)
	} else {
		_, err = a.store().PutIfMatch(ctx, freezeKey, body, etag)
	}
	if err != nil {
		return fmt.Errorf("freeze: %w; look again", err)
	}
	return nil
}

// thawed refuses a new plan of a frozen deployment, and says of an apply under way
// why it waits.
func (r *run) thawed(ctx context.Context, p *planner.Plan) (why string, err error) {
	if r.mode != forward || r.back(p) {
		return "", nil
	}
	f, _, err := ReadFreeze(ctx, r.store())
	switch {
	case err != nil || !f.Holds(r.Clock.Now()):
		return "", err
	case p != nil:
		return "", fmt.Errorf("%w: %s; nothing was written, and the plan can still be applied then", ErrFrozen, f)
	}
	return f.String(), nil
}

// back says that a plan, the recorded one where none is new, takes something back.
func (r *run) back(p *planner.Plan) bool {
	if p == nil && r.j != nil {
		p = r.j.plan
	}
	return p != nil && p.Restores != ""
}

// waits is how an apply stands that may not go on; its records stay as they are.
func (r *run) waits(why string) Result {
	res := r.result(PausedOutcome)
	if why != "" {
		res.Why = []string{why}
	}
	return res
}
