package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// CreateImage makes a pending image of an instance, and a snapshot of each of its
// volumes.
func (w *World) CreateImage(ctx context.Context, n port.NewImage) (string, error) {
	return making(ctx, w, "CreateImage", func(s *state, fails string) (*state, string, error) {
		i, err := w.instance(s, n.Instance)
		if err == nil && i.State != "running" && i.State != "stopped" {
			err = fmt.Errorf("instance %s is %s: %w", n.Instance, i.State, port.ErrState)
		}
		if err == nil {
			err = w.nameable(s, n.Name)
		}
		if err != nil {
			return nil, "", err
		}
		made := image{Architecture: i.Architecture, Description: n.Description, Instance: n.Instance, Disk: i.Disk.stopped(), RootDevice: i.RootDevice, Snapshots: map[string]string{}}
		next := s
		for _, a := range s.attached(n.Instance) {
			v := s.aws.Volumes[a.Volume]
			if a.Device == i.RootDevice {
				made.RootGiB = v.GiB
			}
			next, made.Snapshots[a.Device] = w.snapped(next, snapshot{GiB: v.GiB, Tags: copied(n.Tags), Volume: a.Volume})
		}
		next, id := w.imaged(next, made, n.Name, n.Tags, fails)
		return w.describing(next, made, fmt.Sprintf("Created by CreateImage(%s) for %s", n.Instance, id)), id, nil
	})
}

// describing is the state in which EC2 says of snapshots what it made them for.
func (w *World) describing(s *state, of image, says string) *state {
	r := w.here(s)
	for _, id := range of.Snapshots {
		snap := r.Snapshots[id]
		snap.Description = says
		r.Snapshots = added(r.Snapshots, id, snap)
	}
	return w.withHere(s, r)
}

// imaged is the state with a new, pending image of this account.
func (w *World) imaged(s *state, i image, name string, tags map[string]string, fails string) (*state, string) {
	i.Name, i.Tags, i.State, i.Fails, i.Created, i.Available = name, copied(tags), "pending", fails, w.now(), w.settles()
	next, id := s.made("ami")
	return w.withImage(next, id, i), id
}

func (w *World) snapped(s *state, snap snapshot) (*state, string) {
	snap.Created, snap.Settles = w.now(), w.settles()
	next, id := s.made("snap")
	r := w.here(next)
	r.Snapshots = added(r.Snapshots, id, snap)
	return w.withHere(next, r), id
}

// nameable refuses a name that EC2 does not take, or has (EC2 API Reference,
// CreateImage, Name; Error codes, InvalidAMIName.Duplicate).
func (w *World) nameable(s *state, name string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9()\[\] ./\-'@_]{3,128}$`).MatchString(name) {
		return fmt.Errorf("%q is no name for an image", name)
	}
	images := w.here(s).Images
	for _, id := range schema.Sorted(images) {
		if i := images[id]; i.Name == name && (i.Owner == "" || i.Owner == s.aws.Account) {
			return fmt.Errorf("%s is named %s: %w", id, name, port.ErrDuplicate)
		}
	}
	return nil
}

// CopyImage copies an image and its snapshots to this region; the copy's name may
// be taken.
func (w *World) CopyImage(ctx context.Context, c port.ImageCopy) (string, error) {
	return making(ctx, w, "CopyImage", func(s *state, fails string) (*state, string, error) {
		request, call := c, "CopyImage "+w.place(s)
		request.Token = ""
		answer, used, err := s.used(call, c.Token, request)
		if used || err != nil {
			return nil, answer, err
		}
		from, err := w.elsewhere(c.SourceRegion).bootable(s, c.Source)
		if err != nil {
			return nil, "", err
		}
		made := image{Architecture: from.Architecture, Description: c.Description, Disk: from.Disk, RootDevice: from.RootDevice, RootGiB: from.RootGiB,
			Source: c.Source, SourceRegion: c.SourceRegion, Snapshots: map[string]string{}}
		there, next := s.regional(c.SourceRegion).Snapshots, s
		for _, device := range schema.Sorted(from.Snapshots) {
			was := there[from.Snapshots[device]]
			next, made.Snapshots[device] = w.snapped(next, snapshot{GiB: was.GiB, KMSKey: cmp.Or(c.Key, was.KMSKey), Tags: copied(c.Tags)})
		}
		next, id := w.imaged(next, made, c.Name, c.Tags, fails)
		return next.using(call, c.Token, request, id), id, nil
	})
}

func (w *World) elsewhere(region string) *World { return w.In(region).(*World) }

// own is an image of this account; another's may not be changed.
func (w *World) own(s *state, id string) (image, error) {
	i, err := w.image(s, id)
	if err == nil && i.Owner != s.aws.Account {
		err = fmt.Errorf("image %s belongs to account %s: %w", id, i.Owner, port.ErrDenied)
	}
	return i, err
}

// DescribeLaunchPermission of an image of this account.
func (w *World) DescribeLaunchPermission(ctx context.Context, id string) (port.LaunchPermission, error) {
	return read(ctx, w, "DescribeLaunchPermission", func(s *state) (p port.LaunchPermission, n int, err error) {
		i, err := w.own(s, id)
		p.Public = i.public()
		for _, account := range i.Launch {
			if account != "all" {
				p.Accounts = append(p.Accounts, account)
			}
		}
		return p, 0, err
	})
}

func (i image) public() bool { return slices.Contains(i.Launch, "all") }

// ModifyLaunchPermission shares an image with accounts, or no more.
func (w *World) ModifyLaunchPermission(ctx context.Context, id string, add, remove []string) error {
	if err := port.CheckAccounts(add, remove); err != nil {
		return fmt.Errorf("sandbox ModifyLaunchPermission: image %s: %w", id, err)
	}
	return effect(ctx, w, "ModifyLaunchPermission", func(s *state) (*state, error) {
		if _, err := w.own(s, id); err != nil {
			return nil, err
		}
		i := w.here(s).Images[id]
		i.Launch = slices.Concat(i.Launch, add)
		slices.Sort(i.Launch)
		i.Launch = slices.DeleteFunc(slices.Compact(i.Launch), func(a string) bool { return slices.Contains(remove, a) })
		return w.withImage(s, id, i), nil
	})
}

// EnableImageDeprecation rounds to the minute, and refuses the past.
func (w *World) EnableImageDeprecation(ctx context.Context, id string, at time.Time) error {
	at = at.UTC().Round(time.Minute)
	if at.Before(w.opts.Clock().UTC().Truncate(time.Minute)) {
		return fmt.Errorf("sandbox EnableImageDeprecation: image %s: %s is in the past", id, at.Format(time.RFC3339))
	}
	return w.deprecate(ctx, "EnableImageDeprecation", id, at.Format(time.RFC3339))
}

// DisableImageDeprecation takes the time away.
func (w *World) DisableImageDeprecation(ctx context.Context, id string) error {
	return w.deprecate(ctx, "DisableImageDeprecation", id, "")
}

func (w *World) deprecate(ctx context.Context, call, id, at string) error {
	return effect(ctx, w, call, func(s *state) (*state, error) {
		if _, err := w.own(s, id); err != nil {
			return nil, err
		}
		i := w.here(s).Images[id]
		i.Deprecated = at
		return w.withImage(s, id, i), nil
	})
}

// DeregisterImage deletes an image and its snapshots, but those that another
// image has too.
func (w *World) DeregisterImage(ctx context.Context, id string) ([]string, error) {
	return write(ctx, w, "DeregisterImage", func(s *state) (*state, []string, error) {
		i, err := w.own(s, id)
		if err != nil {
			return nil, nil, err
		}
		r := w.here(s)
		r.Images = removed(r.Images, id)
		var left []string
		for _, device := range schema.Sorted(i.Snapshots) {
			snap := i.Snapshots[device]
			if r.user(snap) != "" {
				left = append(left, snap)
			} else {
				r.Snapshots = removed(r.Snapshots, snap)
			}
		}
		return w.withHere(s, r), left, nil
	})
}

// user is an image that has a snapshot.
func (r regional) user(snapshot string) string {
	for _, id := range schema.Sorted(r.Images) {
		for _, s := range r.Images[id].Snapshots {
			if s == snapshot {
				return id
			}
		}
	}
	return ""
}

// DescribeSnapshots leaves unknown ids out.
func (w *World) DescribeSnapshots(ctx context.Context, q port.Select) ([]port.Snapshot, error) {
	return described(ctx, w, "DescribeSnapshots", q, []string{"snapshot-id", "status", "volume-id"},
		func(s *state) map[string]snapshot { return w.here(s).Snapshots },
		func(v snapshot) map[string]string { return v.Tags },
		func(id string, v snapshot, name string) []string {
			return []string{map[string]string{"snapshot-id": id, "status": w.taken(v), "volume-id": v.Volume}[name]}
		},
		func(id string, v snapshot) port.Snapshot {
			return port.Snapshot{ID: id, State: w.taken(v), Volume: v.Volume, Description: v.Description, Key: v.KMSKey, GiB: v.GiB, Started: v.Created, Tags: copied(v.Tags)}
		})
}

// taken is the state of a snapshot at this time.
func (w *World) taken(v snapshot) string {
	if t, err := time.Parse(time.RFC3339, v.Settles); err == nil && w.opts.Clock().Before(t) {
		return "pending"
	}
	return "completed"
}

// DeleteSnapshot refuses one that an image has (EC2 API Reference, Error codes,
// InvalidSnapshot.InUse).
func (w *World) DeleteSnapshot(ctx context.Context, id string) error {
	return effect(ctx, w, "DeleteSnapshot", func(s *state) (*state, error) {
		r := w.here(s)
		if _, ok := r.Snapshots[id]; !ok {
			return nil, fmt.Errorf("snapshot %s: %w", id, port.ErrNotFound)
		}
		if user := r.user(id); user != "" {
			return nil, fmt.Errorf("snapshot %s is of image %s: %w", id, user, port.ErrInUse)
		}
		r.Snapshots = removed(r.Snapshots, id)
		return w.withHere(s, r), nil
	})
}
