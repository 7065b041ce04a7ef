package gitops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Drift is how the world stood against the commit that was applied last.
type Drift struct {
	At     time.Time `json:"at"`
	Commit string    `json:"commit"`
	Effect string    `json:"effect,omitempty"` // of the plan that would put it right
	// Key tells one drift from another, values included; "" is none. Since is when it
	// was seen first.
	Key   string    `json:"key,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// Changes are at most mostDrifted, More is how many there are beyond.
	Changes  []Drifted    `json:"changes"`
	More     int          `json:"more,omitempty"`
	Findings []DriftFound `json:"findings"`
	AMIs     []DriftAMI   `json:"amis"`
	// Issue is the one at the forge while it is open, Issued the key that it tells of.
	// Claimed is when a controller went to see to it: no other does soon after.
	Issue   string    `json:"issue,omitempty"`
	Issued  string    `json:"issued,omitempty"`
	Claimed time.Time `json:"claimed,omitzero"`
	Nonce   string    `json:"nonce"` // lets no two bodies be alike
}

// Drifted is one address that is not as it was applied.
type Drifted struct {
	Address schema.Address `json:"address"`
	Action  planner.Action `json:"action"` // what an apply would do about it
	Reason  string         `json:"reason"`
	Fields  []string       `json:"fields,omitempty"` // paths, no values
}

// DriftFound is a finding of the look, in a line.
type DriftFound struct {
	Code    string         `json:"code"`
	Address schema.Address `json:"address,omitzero"`
	Message string         `json:"message"`
}

// DriftAMI is an entry of amis: how many days old its image is, -1 where nobody says,
// whether it is time to review it, and the images that it caches.
type DriftAMI struct {
	AMI   schema.Address `json:"ami"`
	Image string         `json:"image,omitempty"`
	Days  int            `json:"days"`
	Due   bool           `json:"due,omitempty"`
	Holds []string       `json:"holds,omitempty"`
}

const (
	mostDrifted = 200 // changes, and fields of one
	mostFound   = 50  // findings
)

// ReadDrift reads what the last look found; there is false where nobody looked yet.
func ReadDrift(ctx context.Context, s applier.Store) (d Drift, there bool, err error) {
	_, there, err = read(ctx, s, driftKey, &d)
	return d, there, err
}

// String says what drifted, in a line.
func (d Drift) String() string {
	var names []string
	for _, c := range d.Changes {
		names = append(names, c.Address.String())
	}
	if len(names) > 5 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5+d.More)
	}
	return schema.Listed(names, "and")
}

// Watch looks whether the world is as the last commit left it, where that is due, and
// tells of what is not. It answers after how long to call it again. It holds up no
// Turn, and what a Turn does meanwhile makes it look another time.
func (d *Desk) Watch(ctx context.Context) (next time.Duration, err error) {
	store, err := d.Records(ctx)
	if err != nil {
		return soon, err
	}
	var was Drift
	etag, _, err := read(ctx, store, driftKey, &was)
	if err != nil {
		return soon, err
	}
	var h Head
	if _, _, err := read(ctx, store, headKey, &h); err != nil {
		return soon, err
	}
	commit := h.watched(was)
	due := was.At.Add(d.Bound.Drift.Every)
	switch now := d.Now(); {
	case commit == "":
		return soon, nil
	case commit == was.Commit && now.Before(due):
		d.sawDrift(was)
		return min(due.Sub(now), soon), d.tellDrift(ctx)
	}
	within, end := d.observe(ctx, LookWork, "")
	is, err := d.drifted(within, store, commit, was)
	end(is.outcome(err))
	if err != nil {
		return soon, err
	}
	var still Head
	if _, _, err := read(ctx, store, headKey, &still); err != nil || still.Nonce != h.Nonce {
		return soon, err
	}
	is.Nonce = d.Random()
	if _, err := write(ctx, store, driftKey, etag, is); lost(err) {
		return soon, nil // another replica looked
	} else if err != nil {
		return soon, err
	}
	d.sawDrift(is)
	return min(d.Bound.Drift.Every, soon), d.tellDrift(ctx)
}

// outcome is what a look found, in a word.
func (d Drift) outcome(err error) string {
	switch {
	case err != nil:
		return "error"
	case d.Key != "":
		return "drift"
	}
	return "same"
}

func (d *Desk) sawDrift(is Drift) {
	if d.Observer != nil {
		d.Observer.Drifted(d.Name, is)
	}
}

// soon is how often it is seen to whether a look is due: a commit that was applied
// makes it so.
const soon = time.Minute

// lost says that somebody else wrote the record meanwhile.
func lost(err error) bool {
	return errors.Is(err, applier.ErrMoved) || errors.Is(err, applier.ErrExists)
}

// watched is the commit to hold the world against: the one that was applied last. While
// an apply is under way there is none.
func (h Head) watched(was Drift) string {
	switch {
	case h.Stage == Done && h.Left == 0:
		return h.Commit
	case h.Stage == Refused, h.Stage == Asked:
		return was.Commit
	}
	return ""
}

// drifted plans a commit that was applied, one deployment at a time: what the plan
// would do is what somebody else did.
func (d *Desk) drifted(ctx context.Context, s applier.Store, commit string, was Drift) (is Drift, err error) {
	if d.Looks != nil {
		select {
		case d.Looks <- struct{}{}:
			defer func() { <-d.Looks }()
		case <-ctx.Done():
			return is, ctx.Err()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	e, shut, err := (&turn{Desk: d, store: s}).opened(ctx, commit, config.ToPlan)
	defer shut()
	if err != nil {
		return is, err
	}
	p, standing, err := e.Look(ctx, d.options())
	if err != nil {
		return is, err
	}
	is = driftOf(p, standing)
	is.At, is.Commit, is.Since, is.Issue, is.Issued, is.Claimed = d.Now().UTC(), commit, was.Since, was.Issue, was.Issued, was.Claimed
	if is.Key != was.Key {
		is.Since = is.At
	}
	if is.Key == "" {
		is.Since = time.Time{}
	}
	return is, nil
}

// options are those of all plans of a deployment.
func (d *Desk) options() (o engine.PlanOptions) {
	if d.Bound.Archive {
		o.Allow = []string{"archive"}
	}
	return o
}

// driftOf is what a plan of a commit that was applied says of the world. What is
// blocked was so when it was applied, and what adopts or releases is of records alone.
func driftOf(p planner.Plan, standing []engine.AgedAMI) Drift {
	d := Drift{Effect: p.Effect, Changes: []Drifted{}, Findings: []DriftFound{}, AMIs: []DriftAMI{}}
	var told [][]any
	seen := map[schema.Address]bool{}
	for _, c := range slices.Concat(p.Changes, p.Drift) {
		if c.Blocked != "" || c.Action == planner.ActionAdopt || c.Action == planner.ActionRelease {
			continue
		}
		told = append(told, []any{c.Address, c.Action, c.Fields})
		if seen[c.Address] {
			continue
		}
		seen[c.Address] = true
		if len(d.Changes) == mostDrifted {
			d.More++
			continue
		}
		one := Drifted{c.Address, c.Action, c.Reason, nil}
		for _, f := range c.Fields[:min(len(c.Fields), mostDrifted)] {
			one.Fields = append(one.Fields, f.Path)
		}
		d.Changes = append(d.Changes, one)
	}
	if len(told) > 0 {
		d.Key = schema.DigestOf(told)
	}
	for _, f := range p.Findings[:min(len(p.Findings), mostFound)] {
		d.Findings = append(d.Findings, DriftFound{f.Code, f.Address, planner.Printable(f.Message)})
	}
	for _, s := range standing {
		d.AMIs = append(d.AMIs, DriftAMI{s.AMI, s.Image, s.Days, s.Due, s.Holds})
	}
	return d
}

// tellDrift tells of it in the ways that are configured.
func (d *Desk) tellDrift(ctx context.Context) error {
	return errors.Join(d.notifyDrift(ctx), d.track(ctx))
}

func (d *Desk) notifyDrift(ctx context.Context) error {
	if !slices.Contains(d.Bound.Drift.Tell, config.TellNotify) {
		return nil
	}
	return d.announce(ctx, func(ctx context.Context, s applier.Store) ([]news, error) {
		is, _, err := ReadDrift(ctx, s)
		return []news{d.driftNews(is)}, err
	})
}

func (d *Desk) driftNews(is Drift) news {
	n := news{of: "drift", key: is.Key}
	if is.Key != "" {
		n.event = config.DriftEvent
		n.notice = port.Notice{Deployment: d.Name, What: "drift", Facts: []port.Fact{{Name: "commit", Text: fmt.Sprintf("%.12s", is.Commit)}, {Name: "changed", Text: is.String()}, {Name: "effect", Text: is.Effect}}}
	}
	return n
}

// watch looks for drift of one deployment until the context ends.
func (c *Controller) watch(ctx context.Context, d *Desk) {
	log, trouble := c.Log.With("deployment", d.Name), matter{}
	for ctx.Err() == nil {
		next := soon
		err := guarded(func() (err error) { next, err = d.Watch(ctx); return err })
		if err == nil {
			trouble.over()
		} else if trouble.news(err.Error()) && ctx.Err() == nil {
			log.Warn("cannot look for drift", failure(err)...)
		}
		if port.Sleep(ctx, min(next, c.Poll)) != nil {
			return
		}
	}
}
