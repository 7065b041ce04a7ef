package roll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
)

// later is a call that is on its way.
type later struct {
	at   time.Time
	call func() error
}

// delayed has a call land later, where calls are lost.
func (w *town) delayed(call func() error) bool {
	if w.lost == 0 {
		return false
	}
	w.later = append(w.later, later{w.now.Add(w.lost), call})
	return true
}

func (w *town) fails(call string) error { return w.broken[call] }

func (w *town) DescribeAutoScalingGroups(context.Context, []string) ([]port.AutoScalingGroup, error) {
	g := w.group
	g.Instances = 0
	for _, m := range w.alive() {
		g.Instances += one(w.lists(m))
	}
	return []port.AutoScalingGroup{g}, w.fails("DescribeAutoScalingGroups")
}

func (w *town) UpdateAutoScalingGroup(ctx context.Context, u port.GroupUpdate) error {
	if w.delayed(func() error { return w.UpdateAutoScalingGroup(ctx, u) }) {
		return errDied
	}
	if err := w.fails("UpdateAutoScalingGroup"); err != nil {
		return err
	}
	w.calls = append(w.calls, fmt.Sprintf("desired %d", *u.Desired))
	w.group.Desired = *u.Desired
	return nil
}

func (w *town) DescribeInstances(_ context.Context, q port.Select) (all []port.Instance, err error) {
	for _, m := range w.machines {
		if slices.Contains(q.IDs, m.ID) {
			state := "running"
			if !m.taken.IsZero() {
				state = "shutting-down"
			}
			all = append(all, port.Instance{ID: m.ID, State: state, Image: m.image, Launched: m.launched.Format(time.RFC3339)})
		}
	}
	return all, w.fails("DescribeInstances")
}

func (w *town) DescribeLaunchTemplates(context.Context, []string) ([]port.LaunchTemplate, error) {
	return []port.LaunchTemplate{{ID: "lt-1", Default: 1, Latest: 2}}, nil
}

func (w *town) DescribeLaunchTemplateVersions(_ context.Context, _ string, numbers []int64) ([]port.LaunchTemplateVersion, error) {
	return []port.LaunchTemplateVersion{{Template: "lt-1", Number: numbers[0], Image: w.image[numbers[0]]}}, nil
}

func (w *town) DescribeAlarms(_ context.Context, names []string) (all []port.Alarm, err error) {
	for _, name := range names {
		if state, is := w.alarms[name]; is {
			all = append(all, port.Alarm{Name: name, State: state, Reason: cmp.Or(w.reason, "too many errors")})
		}
	}
	return all, w.fails("DescribeAlarms")
}

func (w *town) DescribeLaunchConfigurations(context.Context, []string) ([]port.LaunchConfiguration, error) {
	return nil, nil
}

func (w *town) DescribeAutoScalingInstances(context.Context, []string) (all []port.GroupInstance, err error) {
	for _, m := range w.machines {
		if w.lists(m) {
			all = append(all, m.GroupInstance)
		}
	}
	return all, w.fails("DescribeAutoScalingInstances")
}

func (w *town) lists(m *machine) bool { return w.now.Sub(m.launched) >= w.listed }

func (w *town) TerminateInstanceInGroup(ctx context.Context, id string, smaller bool) error {
	if w.delayed(func() error { return w.TerminateInstanceInGroup(ctx, id, smaller) }) {
		return errDied
	}
	if err := w.fails("TerminateInstanceInGroup"); err != nil {
		return err
	}
	w.calls = append(w.calls, fmt.Sprintf("terminate %s %v", id, smaller))
	for _, m := range w.machines {
		if m.ID != id || !m.alive() {
			continue
		}
		if smaller && w.group.Desired <= w.group.Min {
			return port.ErrState
		}
		if smaller {
			w.group.Desired--
		}
		w.end(m, "terminated")
		return nil
	}
	return port.ErrNotFound
}

func (w *town) StartInstanceRefresh(_ context.Context, r port.NewInstanceRefresh) (string, error) {
	if len(w.refresh) > 0 && w.refresh[0].Live() {
		return "", port.ErrInUse
	}
	id := fmt.Sprintf("refresh-%d", len(w.refresh)+1)
	w.calls = append(w.calls, fmt.Sprintf("refresh %d %d", r.MinHealthy, r.MaxHealthy))
	w.refresh = slices.Insert(w.refresh, 0, port.InstanceRefresh{ID: id, Group: r.Group, Status: "Pending", Started: w.now})
	return id, nil
}

func (w *town) DescribeInstanceRefreshes(context.Context, string) ([]port.InstanceRefresh, error) {
	return slices.Clone(w.refresh), w.fails("DescribeInstanceRefreshes")
}

func (w *town) FailedActivities(context.Context, string, time.Time) ([]port.FailedActivity, error) {
	return w.activities, w.fails("FailedActivities")
}

func (w *town) CancelInstanceRefresh(context.Context, string) error {
	if len(w.refresh) == 0 || !w.refresh[0].Live() {
		return port.ErrNotFound
	}
	w.refresh[0].Status = "Cancelling"
	return nil
}

func (w *town) ListNodes(context.Context) (all []port.Node, err error) {
	for _, m := range w.machines {
		if !m.alive() || w.now.Sub(m.launched) < w.boot/2 || strings.HasPrefix(m.Lifecycle, "Warmed") {
			continue
		}
		n := port.Node{Name: "ip-" + m.ID, UID: "uid-" + m.ID, Version: fmt.Sprint(m.version), Instance: m.ID, Cordoned: m.cordoned, CordonedBy: m.by, Ready: w.ready(m)}
		if !m.unready.IsZero() {
			n.Conditions = []port.Condition{{Type: "Ready", Status: "Unknown", Since: m.unready}}
		}
		if w.nameless {
			n.Instance = ""
		}
		if !m.since.IsZero() {
			n.Conditions = []port.Condition{{Type: "Ready", Status: "False", Since: m.since}}
		}
		all = append(all, n)
	}
	return all, w.fails("ListNodes")
}

func (w *town) ListPods(_ context.Context, node string) (all []port.Pod, err error) {
	for _, m := range w.machines {
		if node == "" || node == "ip-"+m.ID {
			all = append(all, m.pods...)
		}
		for _, r := range w.runs {
			if r.on == m.ID && !r.shows.After(w.now) && r.ends.After(w.now) && (node == "" || node == "ip-"+m.ID) {
				all = append(all, port.Pod{Namespace: "compute", Name: r.id, UID: r.id, Node: "ip-" + m.ID, Phase: "Running", Labels: map[string]string{port.ExecutionLabel: r.id}})
			}
		}
	}
	return all, w.fails("ListPods")
}

func (w *town) SetCordoned(ctx context.Context, n port.Node, is bool, by string) error {
	if w.delayed(func() error { return w.SetCordoned(ctx, n, is, by) }) {
		return errDied
	}
	if err := w.fails("SetCordoned"); err != nil {
		return err
	}
	for _, m := range w.machines {
		if m.ID != n.Instance || !m.alive() {
			continue
		}
		if fmt.Sprint(m.version) != n.Version {
			return port.ErrState
		}
		w.calls = append(w.calls, fmt.Sprintf("cordon %s %v", m.ID, is))
		m.cordoned, m.by, m.version = is, by, m.version+1
		if is && w.scaler {
			w.watch(w.group.Desired)
		}
		return nil
	}
	return port.ErrNotFound
}

func (w *town) EvictPod(_ context.Context, p port.Pod) error {
	for _, m := range w.machines {
		for i := range m.pods {
			if m.pods[i].UID != p.UID {
				continue
			}
			if w.budget[p.Name] {
				return port.ErrBudget
			}
			w.calls = append(w.calls, "evict "+p.Name)
			m.pods[i].Ending = true
			return nil
		}
	}
	return port.ErrNotFound
}

func (w *town) ListExecutions(context.Context) ([]port.Execution, error) {
	return nil, w.fails("ListExecutions")
}

// single has the one operation that switches the group, and the one that switches a class.
func (w *town) single(op string) (applier.Executor, bool) {
	if w.karp != nil {
		return (&world.World{Karpenter: w}).Executor(op)
	}
	return switching{w}, op == "autoscaling.UpdateAutoScalingGroup"
}

type switching struct{ *town }

func (switching) Observe(context.Context, applier.Attempt) (applier.Status, error) {
	return applier.Status{}, errors.New("nobody asks")
}

func (w switching) Start(ctx context.Context, a applier.Attempt) error {
	if w.delayed(func() error { return w.Start(ctx, a) }) {
		return errDied
	}
	w.calls = append(w.calls, "switch to "+a.Step.Writes["version"].Str())
	w.group.Version = a.Step.Writes["version"].Str()
	return w.fails("switch")
}
