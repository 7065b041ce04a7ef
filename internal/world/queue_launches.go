package world

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// Lacking is an Auto Scaling group that has fewer nodes than it is to have, and why the
// newest of its launches failed. Code is of EC2, "" where AWS does not say one.
type Lacking struct {
	Pool    string    `json:"pool"` // its label
	Group   string    `json:"group"`
	Has     int64     `json:"has"` // nodes
	Wants   int64     `json:"wants"`
	Failed  time.Time `json:"failed"` // when the launch began
	Code    string    `json:"code,omitempty"`
	Message string    `json:"message"`
}

// Text is why the launch failed.
func (l Lacking) Text() string {
	if l.Code == "" || strings.Contains(l.Message, l.Code) {
		return l.Message
	}
	return l.Code + ": " + l.Message
}

// launchesOf is how far back failed launches are looked at: a group tries again within
// minutes.
const launchesOf = time.Hour

// fromScaling is the source of what groups lack.
const fromScaling = "Auto Scaling"

// lookLacking asks groups that have fewer nodes than they are to have for their failed
// launches, and notes why nobody can say; an end of ctx alone is an error.
func (q queueing) lookLacking(ctx context.Context) error {
	short := q.short()
	names := []string{}
	for _, l := range short {
		names = append(names, l.Group)
	}
	since := q.world.Now().Add(-launchesOf)
	found, err := each(names, func(name string) ([]port.FailedActivity, error) {
		return q.world.Outside.FailedActivities(ctx, name, since)
	})
	if err != nil {
		q.Queue.Unread = append(q.Queue.Unread, untold(fromScaling, err))
		return ctx.Err()
	}
	for i, l := range short {
		if len(found[i]) > 0 {
			newest := found[i][0]
			l.Failed, l.Code, l.Message = newest.Started, newest.Code, newest.Message
			q.Queue.Lacking = append(q.Queue.Lacking, l)
		}
	}
	return nil
}

// short are the groups with fewer instances than they are to have, those of managed node
// groups too.
func (q queueing) short() (out []Lacking) {
	add := func(label, name string, raw planner.Raw) {
		has, there := raw["instances"].Float()
		wants, both := raw["desired"].Float()
		if there && both && has < wants {
			out = append(out, Lacking{Pool: label, Group: name, Has: int64(has), Wants: int64(wants)})
		}
	}
	for label, a := range PoolLabels(q.desired) {
		for _, g := range q.desired.Objects[a].Groups() {
			raw := q.raw[q.world.groupRefOf(g)]
			if g.NodeGroup == "" {
				add(label, g.ASG, raw)
			}
			for _, name := range raw["groups"].Strings() {
				add(label, name, q.scales[groupRef(name)])
			}
		}
	}
	slices.SortFunc(out, func(a, b Lacking) int { return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Group, b.Group)) })
	return out
}

// explainLaunches says of a run that its pool starts no node for it.
func (q queueing) explainLaunches(r *Waiting) {
	for _, l := range q.Queue.Lacking {
		if l.Pool == r.Pool {
			r.say("launch", fromScaling, "group %s has %d of %s: %s", l.Group, l.Has, planner.Plural(int(l.Wants), "node"), l.Text())
		}
	}
}
