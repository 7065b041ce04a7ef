package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// call describes one outside call.
type call struct {
	name         string
	mongo, write bool
	page         int // objects a page holds; 0 means that the call has no pages
}

// Page sizes are the most the real APIs give: EC2 API Reference MaxResults,
// Auto Scaling MaxRecords, EKS maxResults, SSM GetParameters (10 names). The
// MongoDB adapter asks for batches of 1,000, that of Kubernetes for 200.
func reading(name string) call {
	pages := map[string]int{
		"Find": 1000, "Count": 1000, "DescribeImages": 1000, "DescribeLaunchTemplates": 200,
		"DescribeLaunchTemplateVersions": 200, "DescribeDefaultVersions": 200, "DescribeInstanceTypes": 100, "DescribeInstanceTypeOfferings": 1000,
		"DescribeAutoScalingGroups": 100, "DescribeAutoScalingInstances": 100, "DescribeInstanceRefreshes": 100, "FailedActivities": 100, "DescribeTemplatesNamed": 200, "DescribeLaunchConfigurations": 100, "ListNodegroups": 100, "GetParameters": 10,
		"ListRevisions": 100, "ListFollowers": 100, "ListTiers": 100, "ListExecutions": 500, "ListNodes": 200, "ListPods": 200, "ListNodePools": 200, "ListNodeClasses": 200, "ListNodeClaims": 200, "DescribeInstances": 1000, "DescribeVolumes": 500, "DescribeSnapshots": 1000, "DescribeSecurityGroups": 1000,
	}
	mongo := slices.Contains([]string{"Find", "Count", "Database"}, name)
	return call{name: name, mongo: mongo, page: pages[name]}
}

// kubernetes reads never lag: the API server answers them from etcd's quorum.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#the-resourceversion-parameter
func (c call) kubernetes() bool {
	return slices.Contains([]string{"ListNodes", "ListPods", "ListNodePools", "ListNodeClasses", "ListNodeClaims"}, c.name)
}

func writing(name string) call {
	return call{name: name, write: true, mongo: slices.Contains([]string{"InsertOne", "UpdateOne", "DeleteOne"}, name)}
}

// begin does what comes before a call's effect: the caller's context, the
// hook, the faults.
func (w *World) begin(ctx context.Context, c call) ([]Fault, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.count(c, 0, 1)
	if w.opts.Hook != nil {
		if err := w.opts.Hook(c.name, Before); err != nil {
			return nil, err
		}
	}
	s, err := w.backing.load()
	if err != nil {
		return nil, err
	}
	struck := w.suffer(c, w.place(s), s.faults)
	for _, f := range struck {
		if err := f.before(ctx, w.opts.Wait); err != nil {
			return nil, err
		}
	}
	return struck, nil
}

// end does what comes after a call's effect.
func (w *World) end(c call, struck []Fault) error {
	for _, f := range struck {
		if err := f.after(); err != nil {
			return err
		}
	}
	if w.opts.Hook != nil {
		return w.opts.Hook(c.name, After)
	}
	return nil
}

// count adds to the counts: objects answered or asked for fill pages, calls is
// how many calls begin.
func (w *World) count(c call, objects, calls int) {
	size := c.page
	if n := w.opts.Pages[c.name]; n > 0 {
		size = n
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts.Calls[c.name] += calls
	if calls > 0 {
		w.counts.Pages[c.name]++
	} else if size > 0 && objects > size {
		w.counts.Pages[c.name] += (objects+size-1)/size - 1
	}
}

// seen is the state that a read sees.
func (w *World) seen(c call, struck []Fault) (*state, error) {
	lag := 0
	for _, f := range struck {
		if f.Fault == "lag" {
			lag = max(lag, f.Lag, 1)
		}
	}
	if w.opts.Lag != nil && !c.mongo && !c.kubernetes() {
		lag = max(lag, w.opts.Lag(c.name))
	}
	s, err := w.backing.load()
	if err != nil || lag == 0 {
		return s, err
	}
	return w.backing.before(lag), nil
}

// read runs one outside read. f answers how many objects were asked for or
// found, which fills pages.
func read[T any](ctx context.Context, w *World, name string, f func(*state) (T, int, error)) (answer T, err error) {
	var none T
	c := reading(name)
	struck, err := w.begin(ctx, c)
	if err != nil {
		return none, fmt.Errorf("sandbox %s: %w", name, err)
	}
	s, err := w.seen(c, struck)
	n := 0
	if err == nil {
		answer, n, err = f(w.from(w.built(s)))
	}
	w.count(c, n, 0)
	if err == nil {
		err = w.end(c, struck)
	}
	if err != nil {
		return none, fmt.Errorf("sandbox %s: %w", name, err)
	}
	return answer, nil
}

// write runs one outside write. f gives the state after it, or nil when
// nothing changed.
func write[T any](ctx context.Context, w *World, name string, f func(*state) (*state, T, error)) (T, error) {
	return making(ctx, w, name, func(s *state, _ string) (*state, T, error) { return f(s) })
}

// making is a write that may begin well: fails says what becomes of it, "" for
// nothing bad.
func making[T any](ctx context.Context, w *World, name string, f func(s *state, fails string) (*state, T, error)) (answer T, err error) {
	var none T
	c := writing(name)
	struck, err := w.begin(ctx, c)
	if err != nil {
		return none, fmt.Errorf("sandbox %s: %w", name, err)
	}
	fails := ""
	if slices.ContainsFunc(struck, func(f Fault) bool { return f.Fault == "fails" }) {
		fails = "Server.InternalError: the sandbox was asked to let it fail"
	}
	err = w.backing.update(ctx, func(s *state) (next *state, err error) {
		next, answer, err = f(w.built(s), fails)
		return next, err
	})
	if err == nil {
		err = w.end(c, struck)
	}
	if err != nil {
		return none, fmt.Errorf("sandbox %s: %w", name, err)
	}
	return answer, nil
}

// DryRun answers as EC2 does to a dry run of a write, named as its API names it
// (DeleteLaunchTemplateVersions): nil, or what would stand in its way.
func (w *World) DryRun(ctx context.Context, operation string) error {
	name := strings.TrimSuffix(operation, "s")
	switch {
	case operation == "ModifyImageAttribute":
		name = "ModifyLaunchPermission"
	case slices.Contains(Calls(), operation):
		name = operation
	}
	if _, err := w.begin(ctx, writing(name)); err != nil {
		return fmt.Errorf("sandbox %s: %w", name, err)
	}
	return nil
}

// effect runs a write that answers nothing.
func effect(ctx context.Context, w *World, name string, f func(*state) (*state, error)) error {
	_, err := write(ctx, w, name, func(s *state) (*state, struct{}, error) {
		next, err := f(s)
		return next, struct{}{}, err
	})
	return err
}
