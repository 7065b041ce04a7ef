package sandbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// groupUpdate is an update of a node group's launch template version.
type groupUpdate struct {
	Created string `json:"created"` // RFC 3339
	Ends    string `json:"ends,omitempty"`
	Error   string `json:"error,omitempty"`
	ID      string `json:"id"`
	Status  string `json:"status"`
	Version int64  `json:"version"`
}

// UpdateNodegroupVersion replaces the nodes of the group below one by one: a new one is
// ready before an old one is drained (EKS User Guide, "Understand each phase of node
// updates"). A fault "fails" keeps a pod from being evicted.
func (w *World) UpdateNodegroupVersion(ctx context.Context, cluster, name, tok string, version int64, force bool) (string, error) {
	request := []any{cluster, name, version, force}
	return making(ctx, w, "UpdateNodegroupVersion", func(s *state, fails string) (*state, string, error) {
		if id, used, err := s.used("UpdateNodegroupVersion", tok, request); err != nil || used {
			return nil, id, err
		}
		g, err := w.nodeGroup(s, cluster, name)
		if err == nil {
			err = updatable(s, cluster, name, g, version)
		}
		if err != nil {
			return nil, "", err
		}
		s, made := s.made("update")
		u := groupUpdate{Created: w.now(), Ends: w.settles(), ID: uuid(made), Status: "InProgress", Version: version}
		if fails != "" && !force {
			u.Error = "PodEvictionFailure: Reached max retries while trying to evict pods from nodes in node group " + name
		}
		g.Status, g.Active, g.Updates = "UPDATING", "", append(slices.Clone(g.Updates), u)
		s = s.withNodeGroup(cluster, name, g)
		for _, below := range g.Groups {
			if s.aws.AutoScalingGroups[below].Launches {
				s = w.drains(s, below, g, u)
			}
		}
		return s.using("UpdateNodegroupVersion", tok, request, u.ID), u.ID, nil
	})
}

func updatable(s *state, cluster, name string, g nodeGroup, version int64) error {
	switch {
	case g.Status != "ACTIVE":
		return fmt.Errorf("node group %s/%s is %s: %w", cluster, name, g.Status, port.ErrInUse)
	case g.Template == "":
		return fmt.Errorf("node group %s/%s has no launch template: %w", cluster, name, port.ErrState)
	}
	t, err := s.template(g.Template)
	if _, there := t.version(version); err == nil && !there {
		err = fmt.Errorf("version %d of %s does not exist", version, g.Template)
	}
	return err
}

// drains begins what an update does to the Auto Scaling group below: EKS gives it a
// version of a template of its own, of which the file may have the node group's.
func (w *World) drains(s *state, below string, g nodeGroup, u groupUpdate) *state {
	l := w.life(s, below)
	l.Template, l.Version, l.LaunchConfiguration = g.Template, strconv.FormatInt(u.Version, 10), ""
	most := int64(100)
	if l.Desired > 0 {
		most = (l.Desired + 1) * 100 / l.Desired
	}
	l.begins(port.NewInstanceRefresh{MinHealthy: 100, MaxHealthy: most, SkipMatching: true, ScaleInProtected: "Refresh", Standby: "Terminate"}, w.opts.Clock(), u.Error)
	l.refreshing().Update = u.ID
	return l.kept()
}

// updated is the state with the updates that have ended.
func (w *World) updated(s *state) *state {
	for _, cluster := range schema.Sorted(s.aws.NodeGroups) {
		for _, name := range schema.Sorted(s.aws.NodeGroups[cluster]) {
			g := s.aws.NodeGroups[cluster][name]
			n := len(g.Updates) - 1
			if n < 0 || g.Updates[n].Status != "InProgress" {
				continue
			}
			u := w.ended(s, g, g.Updates[n])
			if u.Status == "InProgress" {
				continue
			}
			g.Updates, g.Status = append(slices.Clone(g.Updates[:n]), u), ""
			if u.Status == "Successful" {
				if g.Version = u.Version; g.AMIType == "CUSTOM" {
					v, _ := s.aws.LaunchTemplates[g.Template].version(u.Version)
					g.Release = v.Image
				}
			}
			next := *s
			next.aws.NodeGroups = maps.Clone(s.aws.NodeGroups)
			next.aws.NodeGroups[cluster] = added(s.aws.NodeGroups[cluster], name, g)
			s = &next
		}
	}
	return s
}

// ended is the update with what became of it.
func (w *World) ended(s *state, g nodeGroup, u groupUpdate) groupUpdate {
	status := ""
	for _, below := range g.Groups {
		for _, r := range s.aws.AutoScalingGroups[below].Refreshes {
			switch {
			case r.Update != u.ID:
			case r.port(below).Live():
				return u
			case status == "" || r.Status == "Failed":
				if status = r.Status; r.Status == "Failed" {
					u.Error = r.Reason
				}
			}
		}
	}
	switch {
	case status == "" && w.opts.Clock().Before(moment(u.Ends)):
	case u.Error != "":
		u.Status = "Failed"
	default:
		u.Status = "Successful"
	}
	return u
}

// DescribeUpdate answers ErrNotFound for an unknown one.
func (w *World) DescribeUpdate(ctx context.Context, cluster, name, update string) (port.NodegroupUpdate, error) {
	return read(ctx, w, "DescribeUpdate", func(s *state) (port.NodegroupUpdate, int, error) {
		g, err := w.nodeGroup(s, cluster, name)
		if err != nil {
			return port.NodegroupUpdate{}, 0, err
		}
		for _, u := range g.Updates {
			if u.ID != update {
				continue
			}
			p := port.NodegroupUpdate{ID: u.ID, Status: u.Status, Created: moment(u.Created)}
			if u.Status == "Failed" {
				p.Errors = []string{u.Error}
			}
			return p, 0, nil
		}
		return port.NodegroupUpdate{}, 0, fmt.Errorf("update %s of node group %s/%s: %w", update, cluster, name, port.ErrNotFound)
	})
}
