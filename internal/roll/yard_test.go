package roll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// car is an executor of the yard.
type car struct {
	port.Executor
	up   time.Time // it takes runs from then on
	idle time.Time // since when nothing was on it
}

// yard is a classic deployment: executors start when runs ask for them, stop when they are
// idle, and come back on the image that they were made from.
type yard struct {
	*town
	cars   []*car
	image  string // of the executor group
	gone   bool   // the executor group
	stops  time.Duration
	most   int
	silent bool // Domino names no machine
	// sharing are the other executor groups by the image that they start.
	sharing map[string][]string
}

func newYard(n int) *yard {
	y := &yard{town: newTown(0), image: "ami-1", stops: 20 * time.Minute, most: n + 3}
	y.town.each = y.tick
	for range n {
		y.start()
	}
	y.pass(5 * time.Minute)
	y.image = "ami-2"
	return y
}

func (y *yard) start() *car {
	y.next++
	c := &car{Executor: port.Executor{Instance: port.Instance{ID: fmt.Sprintf("i-%03d", y.next), State: "running", Image: y.image, Launched: stamp(y.now)}, Tier: "small"}, up: y.now.Add(time.Minute), idle: y.now}
	c.Document, c.Flag = fmt.Sprintf("%q", c.ID), []string{"", "false", "null"}[y.next%3]
	y.cars = append(y.cars, c)
	return c
}

func (y *yard) tick() {
	y.runs = slices.DeleteFunc(y.runs, func(r *run) bool { return r.on != "" && !r.ends.After(y.now) })
	for _, r := range y.runs {
		if r.on != "" {
			continue
		}
		i := slices.IndexFunc(y.cars, func(c *car) bool {
			return c.State == "running" && !c.up.After(y.now) && c.Flag != "true" && y.on(c.ID) < y.room
		})
		if i >= 0 {
			r.on, r.shows = y.cars[i].ID, y.now.Add(time.Duration(y.chance(30))*time.Second)
			r.ends = r.shows.Add(r.lasts)
			continue
		}
		if y.chance(20) == 0 {
			y.wanted()
		}
		break
	}
	for _, c := range y.cars {
		switch {
		case c.State == "shutting-down":
			c.State = "terminated"
		case y.on(c.ID) > 0:
			c.idle = y.now
		case c.State == "running" && y.now.Sub(c.idle) > y.stops && c.Flag != "true":
			c.State = "stopped"
		}
	}
}

// wanted starts an executor that is stopped, or another.
func (y *yard) wanted() {
	n := 0
	for _, c := range y.cars {
		if c.State == "stopped" && c.Flag != "true" {
			c.State, c.up, c.idle, c.Launched = "running", y.now.Add(time.Minute), y.now, stamp(y.now)
			return
		}
		if c.State == "running" && c.Flag != "true" {
			n++
		}
	}
	if n < y.most {
		y.start()
	}
}

func (y *yard) LookExecutors(context.Context, schema.Executors) (all []port.Executor, err error) {
	for _, c := range y.cars {
		if c.State != "terminated" {
			all = append(all, c.Executor)
		}
	}
	return all, y.fails("LookExecutors")
}

func (y *yard) GroupImage(context.Context, planner.Ref, string) (string, bool, error) {
	return y.image, !y.gone, y.fails("GroupImage")
}

func (y *yard) Sharing(_ context.Context, _ planner.Ref, _, image string) ([]string, error) {
	return y.sharing[image], y.fails("Sharing")
}

func (y *yard) ListExecutions(context.Context) (all []port.Execution, err error) {
	for _, r := range y.runs {
		e := port.Execution{ID: r.id, Status: "Queued"}
		if r.on != "" && !r.shows.After(y.now) {
			e.Status = "Running"
			if !y.silent {
				e.Units = []port.ExecutionUnit{{Role: "run", Node: r.on}}
			}
		}
		all = append(all, e)
	}
	return all, y.fails("ListExecutions")
}

// single has the one operation that switches the executor group.
func (y *yard) single(op string) (applier.Executor, bool) {
	return yardSwitch{y}, op == operation.UpdateDocument
}

type yardSwitch struct{ *yard }

func (yardSwitch) Observe(context.Context, applier.Attempt) (applier.Status, error) {
	return applier.Status{}, errors.New("nobody asks")
}

func (s yardSwitch) Start(ctx context.Context, a applier.Attempt) error {
	if s.delayed(func() error { return s.Start(ctx, a) }) {
		return errDied
	}
	if err := s.fails("switch"); err != nil {
		return refused(err)
	}
	if len(a.Step.Expects) != 1 || a.Step.Expects[0].Value.Str() != s.image {
		return &applier.Refusal{Err: errors.New("the object is not as the plan saw it")}
	}
	s.calls = append(s.calls, "switch to "+a.Step.Writes["executorImage"].Str())
	s.image = a.Step.Writes["executorImage"].Str()
	return nil
}

func (y *yard) car(id string) *car {
	i := slices.IndexFunc(y.cars, func(c *car) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return y.cars[i]
}

func (y *yard) UpdateOne(ctx context.Context, collection string, where, set port.Document, unset []string) (bool, error) {
	if y.delayed(func() error { _, err := y.UpdateOne(ctx, collection, where, set, unset); return err }) {
		return false, errDied
	}
	if err := y.fails("UpdateOne"); err != nil {
		return false, err
	}
	c := y.car(strings.Trim(where["_id"], `"`))
	if c == nil || c.Flag != where["maintenance"] || where["instance"] != fmt.Sprintf("%q", c.ID) {
		return false, nil
	}
	y.calls = append(y.calls, fmt.Sprintf("maintenance %s %s", c.ID, set["maintenance"]))
	c.Flag = set["maintenance"]
	return true, nil
}

func (y *yard) TerminateInstance(ctx context.Context, id string) error {
	if y.delayed(func() error { return y.TerminateInstance(ctx, id) }) {
		return errDied
	}
	if err := y.fails("TerminateInstance"); err != nil {
		return err
	}
	c := y.car(id)
	if c == nil {
		return port.ErrNotFound
	}
	if c.Going() {
		return nil
	}
	y.calls = append(y.calls, "terminate "+id)
	y.kill(c, "terminated")
	return nil
}

// kill ends an executor, whatever runs there.
func (y *yard) kill(c *car, why string) {
	c.State = "shutting-down"
	for _, r := range y.runs {
		if r.on == c.ID && r.ends.After(y.now) {
			y.killed = append(y.killed, fmt.Sprintf("%s on %s at %s: %s", r.id, c.ID, y.now.Format("15:04:05"), why))
		}
	}
}

func (y *yard) busy(n int, lasts time.Duration) *run {
	r := &run{id: fmt.Sprintf("run%d", len(y.runs)+1), on: y.cars[n].ID, shows: y.now, lasts: lasts, ends: y.now.Add(lasts)}
	y.runs = append(y.runs, r)
	return r
}

// standing is each executor's image, and whether it is in maintenance.
func (y *yard) standing() string {
	var all []string
	for _, c := range y.cars {
		if c.Going() {
			continue
		}
		one := c.Image
		if c.State == "stopped" {
			one += " stopped"
		}
		if c.Flag == "true" {
			one += " maintained"
		}
		all = append(all, one)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// executors is how the yard's are told.
func mappedExecutors() schema.Executors {
	return schema.Executors{Tags: map[string]string{"role": "executor"}, Named: []string{"small"}, Image: "executorImage",
		Known: schema.Collection{Collection: "executors", Fields: map[string]string{"instance": "instance", "maintenance": "maintenance"}}}
}

func newYardDriver(t logger, y *yard, roll schema.Roll, of schema.Executors) *driver {
	roll.Strategy = schema.OnDemand
	d := newDriver(t, y.town, roll)
	d.a.Step = planner.Step{ID: "hardwareTiers.small/roll.executors/group", Op: operation.RollExecutors, Object: "mongo/executor_group_configuration#g", Window: testWindow,
		Args: map[string]schema.Value{"image": schema.JSON("ami-2"), "from": schema.JSON("ami-1"), "roll": schema.JSON(roll), "executors": schema.JSON(of),
			"switch": schema.JSON(planner.Step{Op: operation.UpdateDocument, Object: "mongo/executor_group_configuration#g", Writes: map[string]schema.Value{"executorImage": schema.JSON("ami-1")}})}}
	d.roller = func() *Roller {
		return &Roller{Outside: y.town, Classic: y, Machines: y, Now: func() time.Time { return y.now }, Single: y.single}
	}
	d.restart()
	return d
}

var _ applier.Executor = executing{}
