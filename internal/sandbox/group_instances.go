package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// member is an instance of a group that launches.
type member struct {
	Interrupted         string `json:"interrupted,omitempty"` // RFC 3339, when EC2 takes the spot instance back
	LaunchConfiguration string `json:"launchConfiguration,omitempty"`
	Launched            string `json:"launched,omitempty"`  // RFC 3339
	Lifecycle           string `json:"lifecycle,omitempty"` // empty means InService
	Protected           bool   `json:"protected,omitempty"` // from scale-in
	Settles             string `json:"settles,omitempty"`   // RFC 3339, when it leaves Pending or Terminating
	Template            string `json:"template,omitempty"`
	Unhealthy           bool   `json:"unhealthy,omitempty"`
	Version             string `json:"version,omitempty"`
}

// source is what an instance was, or is to be, launched from.
type source struct{ configuration, template, version string }

func (m member) source() source { return source{m.LaunchConfiguration, m.Template, m.Version} }

// is tells the lifecycle state.
func (m member) is(state string) bool {
	return m.Lifecycle == state || m.Lifecycle == "" && state == inService
}

// Lifecycle states that mean something here; a file may have any other.
const (
	inService   = "InService"
	pending     = "Pending"
	standby     = "Standby"
	terminating = "Terminating"
)

// checkGroups refuses times that nobody could tell.
func (c cloud) checkGroups() error {
	for _, name := range schema.Sorted(c.AutoScalingGroups) {
		g := c.AutoScalingGroups[name]
		if _, err := time.ParseDuration(g.Takes); g.Takes != "" && err != nil {
			return fmt.Errorf("aws.autoScalingGroups.%s.takes: %q is not a time like \"90s\"", name, g.Takes)
		}
		times := map[string]string{"at": g.At}
		for i, f := range g.Failures {
			times[fmt.Sprint("failures.", i)] = f.At
		}
		for _, id := range schema.Sorted(g.Members) {
			m := g.Members[id]
			id = "members." + id
			times[id+".settles"], times[id+".interrupted"], times[id+".launched"] = m.Settles, m.Interrupted, m.Launched
		}
		for _, at := range schema.Sorted(times) {
			if _, err := time.Parse(time.RFC3339, times[at]); times[at] != "" && err != nil {
				return fmt.Errorf("aws.autoScalingGroups.%s.%s: %q is not a time like 2026-03-31T12:00:00Z", name, at, times[at])
			}
		}
	}
	return nil
}

// DescribeAutoScalingInstances leaves unknown groups out.
func (w *World) DescribeAutoScalingInstances(ctx context.Context, groups []string) ([]port.GroupInstance, error) {
	return read(ctx, w, "DescribeAutoScalingInstances", func(s *state) (out []port.GroupInstance, n int, _ error) {
		names := chosen(groups, s.aws.AutoScalingGroups)
		for _, name := range names {
			s = w.launching(s, name)
			g := s.aws.AutoScalingGroups[name]
			for _, id := range schema.Sorted(g.Members) {
				m, i := g.Members[id], s.aws.Instances[id]
				p := port.GroupInstance{ID: id, Group: name, Zone: i.Zone, Type: i.Type, Lifecycle: m.Lifecycle, Healthy: !m.Unhealthy, Protected: m.Protected,
					Template: m.Template, Version: m.Version, LaunchConfiguration: m.LaunchConfiguration}
				if p.Lifecycle == "" {
					p.Lifecycle = inService
				}
				out = append(out, p)
			}
		}
		return out, max(len(names), len(groups)), nil
	})
}

// launching is the state with a group that launches, which one of a mere number of
// instances becomes.
func (w *World) launching(s *state, name string) *state {
	g := s.aws.AutoScalingGroups[name]
	if g.Launches {
		return s
	}
	g.Launches = true
	return w.lives(s.withGroup(name, g), name)
}

func (s *state) withGroup(name string, g group) *state {
	n := *s
	n.aws.AutoScalingGroups = maps.Clone(s.aws.AutoScalingGroups)
	n.aws.AutoScalingGroups[name] = g
	return &n
}

// holding is the group of an instance.
func (w *World) holding(s *state, id string) (*state, string, error) {
	for _, name := range schema.Sorted(s.aws.AutoScalingGroups) {
		there := w.launching(s, name)
		if m, ok := there.aws.AutoScalingGroups[name].Members[id]; ok && !m.is(terminating) {
			return there, name, nil
		}
	}
	return nil, "", fmt.Errorf("instance %s is of no Auto Scaling group: %w", id, port.ErrNotFound)
}

// TerminateInstanceInGroup follows the Auto Scaling API Reference,
// TerminateInstanceInAutoScalingGroup.
func (w *World) TerminateInstanceInGroup(ctx context.Context, id string, smaller bool) error {
	return effect(ctx, w, "TerminateInstanceInGroup", func(s *state) (*state, error) {
		s, name, err := w.holding(s, id)
		if err != nil {
			return nil, err
		}
		l := w.life(s, name)
		if smaller {
			if l.Desired-1 < l.Min {
				return nil, fmt.Errorf("group %s: desired capacity %d would go below min size %d: %w", name, l.Desired-1, l.Min, port.ErrState)
			}
			l.Desired--
		}
		l.end(id, w.opts.Clock(), "Server.InternalError: ended by TerminateInstanceInAutoScalingGroup")
		return l.kept(), nil
	})
}

// StartInstanceRefresh follows the Auto Scaling API Reference of its name.
func (w *World) StartInstanceRefresh(ctx context.Context, r port.NewInstanceRefresh) (string, error) {
	return making(ctx, w, "StartInstanceRefresh", func(s *state, fails string) (*state, string, error) {
		if _, ok := s.aws.AutoScalingGroups[r.Group]; !ok {
			return nil, "", fmt.Errorf("group %s: %w", r.Group, port.ErrNotFound)
		}
		l := w.life(w.launching(s, r.Group), r.Group)
		if now := l.refreshing(); now != nil {
			return nil, "", fmt.Errorf("group %s: refresh %s is in progress: %w", r.Group, now.ID, port.ErrInUse)
		}
		if err := refreshable(r); err != nil {
			return nil, "", fmt.Errorf("group %s: %w", r.Group, err)
		}
		if r.Template != "" {
			if err := l.launchable(r.Template, r.Version); err != nil {
				return nil, "", fmt.Errorf("group %s: %w", r.Group, err)
			}
		}
		id := l.begins(r, w.opts.Clock(), fails)
		return l.kept(), id, nil
	})
}

func refreshable(r port.NewInstanceRefresh) error {
	switch {
	case r.MinHealthy < 0 || r.MinHealthy > 100:
		return fmt.Errorf("minimum healthy percentage %d is not between 0 and 100", r.MinHealthy)
	case r.MaxHealthy < 100 || r.MaxHealthy > 200:
		return fmt.Errorf("maximum healthy percentage %d is not between 100 and 200", r.MaxHealthy)
	case r.MaxHealthy-r.MinHealthy > 100:
		return errors.New("minimum and maximum healthy percentage are more than 100 apart")
	case !slices.Contains([]string{"", "Wait", "Ignore", "Refresh"}, r.ScaleInProtected):
		return fmt.Errorf("scale-in protected instances cannot be %q", r.ScaleInProtected)
	case !slices.Contains([]string{"", "Wait", "Ignore", "Terminate"}, r.Standby):
		return fmt.Errorf("standby instances cannot be %q", r.Standby)
	case r.Template == "" && (r.Version != "" || r.Mixed):
		return errors.New("a version needs the launch template it belongs to")
	}
	last := int64(0)
	for _, percent := range r.Checkpoints {
		if percent <= last || percent > 100 {
			return fmt.Errorf("checkpoints %d do not ascend to at most 100", r.Checkpoints)
		}
		last = percent
	}
	return nil
}

// DescribeInstanceRefreshes answers the newest first.
func (w *World) DescribeInstanceRefreshes(ctx context.Context, name string) ([]port.InstanceRefresh, error) {
	return read(ctx, w, "DescribeInstanceRefreshes", func(s *state) (out []port.InstanceRefresh, n int, _ error) {
		g, ok := s.aws.AutoScalingGroups[name]
		if !ok {
			return nil, 0, fmt.Errorf("group %s: %w", name, port.ErrNotFound)
		}
		for _, r := range slices.Backward(g.Refreshes) {
			if r.Update == "" {
				out = append(out, r.port(name))
			}
		}
		return out, len(out), nil
	})
}

// CancelInstanceRefresh lets a replacement that was begun finish (Auto Scaling API
// Reference, CancelInstanceRefresh).
func (w *World) CancelInstanceRefresh(ctx context.Context, name string) error {
	return effect(ctx, w, "CancelInstanceRefresh", func(s *state) (*state, error) {
		if _, ok := s.aws.AutoScalingGroups[name]; !ok {
			return nil, fmt.Errorf("group %s: %w", name, port.ErrNotFound)
		}
		l := w.life(s, name)
		r := l.refreshing()
		if r == nil || !slices.Contains([]string{"Pending", "InProgress"}, r.Status) || r.Update != "" {
			return nil, fmt.Errorf("group %s has no refresh in progress: %w", name, port.ErrNotFound)
		}
		r.Status = "Cancelling"
		return l.kept(), nil
	})
}
