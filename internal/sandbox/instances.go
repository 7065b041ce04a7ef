package sandbox

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// instance is an EC2 instance. One in a state of transition leaves it at
// Settles; without that it stays there, as one that never comes up.
type instance struct {
	Architecture string            `json:"architecture,omitempty"`
	Fails        string            `json:"fails,omitempty"`  // why it is terminated rather than running
	Groups       []string          `json:"groups,omitempty"` // security groups
	Image        string            `json:"image"`
	Key          string            `json:"key,omitempty"` // name of a key pair
	Launched     string            `json:"launched,omitempty"`
	Disk         *disk             `json:"disk,omitempty"` // its disk
	PrivateIP    string            `json:"privateIP,omitempty"`
	Profile      string            `json:"profile,omitempty"`
	Reason       string            `json:"reason,omitempty"`
	RootDevice   string            `json:"rootDevice,omitempty"` // empty means /dev/xvda
	Settles      string            `json:"settles,omitempty"`    // RFC 3339
	State        string            `json:"state,omitempty"`      // empty means running
	Subnet       string            `json:"subnet,omitempty"`
	Tags         map[string]string `json:"tags,omitempty"`
	Token        string            `json:"token,omitempty"`
	Type         string            `json:"type"`
	Zone         string            `json:"zone,omitempty"`
}

// volume is an EBS volume; one that is of no instance is available.
type volume struct {
	Created  string            `json:"created,omitempty"`
	Deleted  bool              `json:"deleted,omitempty"` // when its instance is terminated
	Device   string            `json:"device,omitempty"`
	GiB      int64             `json:"gib"`
	Instance string            `json:"instance,omitempty"`
	Snapshot string            `json:"snapshot,omitempty"` // it was made from
	Tags     map[string]string `json:"tags,omitempty"`
	Type     string            `json:"type,omitempty"` // empty means gp3
}

// shown is how long a terminated instance is answered (EC2 User Guide,
// "Terminate Amazon EC2 instances").
const shown = time.Hour

// now is the sandbox's time, as the file has it.
func (w *World) now() string { return w.opts.Clock().UTC().Format(time.RFC3339) }

// settles is when something that begins to change is done.
func (w *World) settles() string {
	return w.opts.Clock().Add(w.opts.Settle).UTC().Format(time.RFC3339)
}

// instance as it stands at this time; one that is shown no more is not there.
func (w *World) instance(s *state, id string) (i instance, err error) {
	i, ok := s.aws.Instances[id]
	i.State, i.RootDevice = cmp.Or(i.State, "running"), cmp.Or(i.RootDevice, "/dev/xvda")
	for _, change := range [][2]string{{"pending", "running"}, {"stopping", "stopped"}, {"shutting-down", "terminated"}} {
		if i.State == change[0] && err == nil {
			i.State, err = w.settled(i.State, i.Settles, change[0], change[1])
			if i.State == "running" && i.Fails != "" {
				i.State, i.Reason = "terminated", i.Fails
			}
		}
	}
	switch {
	case err != nil:
		return i, fmt.Errorf("aws.instances.%s.settles: %w", id, err)
	case !ok || i.forgotten(w.opts.Clock()):
		return i, fmt.Errorf("instance %s: %w", id, port.ErrNotFound)
	}
	return i, nil
}

func (i instance) forgotten(now time.Time) bool {
	t, err := time.Parse(time.RFC3339, i.Settles)
	return i.State == "terminated" && err == nil && now.After(t.Add(shown))
}

// RunInstance makes a pending instance and the volumes of its image.
func (w *World) RunInstance(ctx context.Context, n port.NewInstance) (string, error) {
	return making(ctx, w, "RunInstance", func(s *state, fails string) (*state, string, error) {
		request := n
		request.Token = ""
		id, used, err := s.used("RunInstance", n.Token, request)
		if used && err == nil {
			err = w.alive(s, id)
		}
		if used || err != nil {
			return nil, id, err
		}
		from, err := w.bootable(s, n.Image)
		if err == nil {
			err = s.launches(n, from)
		}
		if err != nil {
			return nil, "", err
		}
		next, id := s.made("i")
		i := w.launched(n, from, len(s.aws.Instances))
		i.Fails, i.Disk = fails, from.Disk.firstBoot(id, n.Key)
		next = next.withInstance(id, i)
		next = next.withVolumes(w.now(), id, n, from)
		return next.using("RunInstance", n.Token, request, id), id, nil
	})
}

// alive refuses a token whose instance is going or gone.
func (w *World) alive(s *state, id string) error {
	i, err := w.instance(s, id)
	if err != nil || i.State == "shutting-down" || i.State == "terminated" {
		return fmt.Errorf("instance %s: %w", id, port.ErrTerminated)
	}
	return nil
}

// bootable is an image that an instance can start from.
func (w *World) bootable(s *state, id string) (image, error) {
	i, err := w.image(s, id)
	if err == nil && i.State != "available" {
		err = fmt.Errorf("image %s is %s, not available: %w", id, i.State, port.ErrNotFound)
	}
	return i, err
}

// launches refuses what EC2 refuses of a launch: a group or key that is not
// there, a type of another architecture (EC2 API Reference, Error codes).
func (s *state) launches(n port.NewInstance, from image) error {
	for _, g := range n.Groups {
		if _, ok := s.aws.SecurityGroups[g]; !ok {
			return fmt.Errorf("security group %s: %w", g, port.ErrNotFound)
		}
	}
	keys := slices.Collect(maps.Values(s.aws.KeyPairs))
	if n.Key != "" && !slices.ContainsFunc(keys, func(k keyPair) bool { return k.Name == n.Key }) {
		return fmt.Errorf("key pair %s: %w", n.Key, port.ErrNotFound)
	}
	if t, known := s.aws.InstanceTypes[n.Type]; known && !slices.Contains(t.Architectures, from.Architecture) {
		return fmt.Errorf("instance type %s is of %s, image %s of %s", n.Type, strings.Join(t.Architectures, ", "), n.Image, from.Architecture)
	}
	if n.Type == "" {
		return errors.New("an instance needs a type")
	}
	return nil
}

func (w *World) launched(n port.NewInstance, from image, number int) instance {
	return instance{
		Architecture: from.Architecture, Groups: slices.Clone(n.Groups), Image: n.Image, Key: n.Key, Launched: w.now(), Profile: n.Profile,
		PrivateIP: fmt.Sprintf("10.0.%d.%d", number/250, number%250+4), RootDevice: from.RootDevice, Settles: w.settles(), State: "pending",
		Subnet: n.Subnet, Tags: copied(n.Tags), Token: n.Token, Type: n.Type,
	}
}

// withVolumes is the state with a volume for each device of the image.
func (s *state) withVolumes(now, id string, n port.NewInstance, from image) *state {
	devices := map[string]volume{cmp.Or(from.RootDevice, "/dev/xvda"): {GiB: max(from.RootGiB, 1)}}
	for device, snapshot := range from.Snapshots {
		devices[device] = volume{GiB: max(s.aws.Snapshots[snapshot].GiB, 1), Snapshot: snapshot}
	}
	if root, ok := devices[n.RootDevice]; ok {
		root.GiB, root.Type = max(root.GiB, n.RootGiB), n.RootType
		devices[n.RootDevice] = root
	}
	for _, device := range schema.Sorted(devices) {
		v := devices[device]
		v.Created, v.Deleted, v.Device, v.Instance, v.Tags = now, true, device, id, copied(n.Tags)
		next, volume := s.made("vol")
		next.aws.Volumes = added(next.aws.Volumes, volume, v)
		s = next
	}
	return s
}

func (s *state) withInstance(id string, i instance) *state {
	n := *s
	n.aws.Instances = added(s.aws.Instances, id, i)
	return &n
}

// attached are the volumes of an instance, by device.
func (s *state) attached(id string) (out []port.Attachment) {
	for _, v := range schema.Sorted(s.aws.Volumes) {
		if has := s.aws.Volumes[v]; has.Instance == id {
			out = append(out, port.Attachment{Device: has.Device, Volume: v, Deleted: has.Deleted})
		}
	}
	slices.SortFunc(out, func(a, b port.Attachment) int { return strings.Compare(a.Device, b.Device) })
	return out
}

// DescribeInstances leaves unknown ids out.
func (w *World) DescribeInstances(ctx context.Context, q port.Select) ([]port.Instance, error) {
	err := checkFilters("DescribeInstances", q.Filters, "client-token", "image-id", "instance-id", "instance-state-name", "instance-type",
		"instance.group-id", "key-name", "subnet-id")
	if err != nil {
		return nil, err
	}
	return read(ctx, w, "DescribeInstances", func(s *state) (out []port.Instance, n int, err error) {
		for _, id := range chosen(q.IDs, s.aws.Instances) {
			i, err := w.instance(s, id)
			if i.forgotten(w.opts.Clock()) {
				continue
			} else if err != nil {
				return nil, 0, err
			}
			if passes(q.Filters, i.Tags, func(name string) []string { return i.attribute(id, name) }) {
				out = append(out, i.port(id, s.attached(id)))
			}
		}
		return out, max(len(out), len(q.IDs)), nil
	})
}

func (i instance) port(id string, attached []port.Attachment) port.Instance {
	p := port.Instance{
		ID: id, State: i.State, Reason: i.Reason, Token: i.Token, Image: i.Image, Type: i.Type, Architecture: i.Architecture, Subnet: i.Subnet,
		Zone: i.Zone, Key: i.Key, Profile: i.Profile, Groups: slices.Clone(i.Groups), PrivateIP: i.PrivateIP, Launched: i.Launched, RootDevice: i.RootDevice,
		Attached: attached, Tags: copied(i.Tags),
	}
	if i.State == "terminated" {
		p.PrivateIP = ""
	}
	return p
}

func (i instance) attribute(id, name string) []string {
	switch name {
	case "client-token":
		return []string{i.Token}
	case "image-id":
		return []string{i.Image}
	case "instance-id":
		return []string{id}
	case "instance-state-name":
		return []string{i.State}
	case "instance-type":
		return []string{i.Type}
	case "instance.group-id":
		return i.Groups
	case "key-name":
		return []string{i.Key}
	}
	return []string{i.Subnet}
}

// StartInstance starts one that is stopped.
func (w *World) StartInstance(ctx context.Context, id string) error {
	return w.turn(ctx, "StartInstance", id, "stopped", "pending", "running")
}

// StopInstance stops one that is running.
func (w *World) StopInstance(ctx context.Context, id string) error {
	return w.turn(ctx, "StopInstance", id, "running", "stopping", "stopped")
}

// turn takes an instance from one state towards another; one that is on its way,
// or there, stays as it is.
func (w *World) turn(ctx context.Context, call, id, from, through, to string) error {
	return effect(ctx, w, call, func(s *state) (*state, error) {
		i, err := w.instance(s, id)
		switch {
		case err != nil:
			return nil, err
		case i.State == through, i.State == to:
			return nil, nil
		case i.State != from:
			return nil, fmt.Errorf("instance %s is %s: %w", id, i.State, port.ErrState)
		}
		i.State, i.Settles, i.Reason, i.Disk = through, w.settles(), "", i.Disk.stopped()
		if through == "pending" {
			i.Launched, i.Disk = w.now(), i.Disk.booted()
		} else {
			i.Reason = "Client.UserInitiatedShutdown: User initiated shutdown"
		}
		return s.withInstance(id, i), nil
	})
}

// TerminateInstance ends one in any state; its volumes go with it, but those
// that are to stay.
func (w *World) TerminateInstance(ctx context.Context, id string) error {
	return effect(ctx, w, "TerminateInstance", func(s *state) (*state, error) {
		i, err := w.instance(s, id)
		if err != nil || i.State == "shutting-down" || i.State == "terminated" {
			return nil, err
		}
		i.State, i.Settles, i.Reason = "shutting-down", w.settles(), "Client.UserInitiatedShutdown: User initiated shutdown"
		next := s.withInstance(id, i)
		for _, a := range s.attached(id) {
			v := s.aws.Volumes[a.Volume]
			v.Instance, v.Device = "", ""
			if next.aws.Volumes = added(next.aws.Volumes, a.Volume, v); a.Deleted {
				next.aws.Volumes = removed(next.aws.Volumes, a.Volume)
			}
		}
		return next, nil
	})
}

// GetConsoleOutput is what cloud-init writes at the end of a boot: the host keys,
// here of the instance's id.
func (w *World) GetConsoleOutput(ctx context.Context, id string) (string, error) {
	return read(ctx, w, "GetConsoleOutput", func(s *state) (string, int, error) {
		i, err := w.instance(s, id)
		if err != nil || i.State == "pending" {
			return "", 0, err
		}
		return "-----BEGIN SSH HOST KEY KEYS-----\r\n" + hostKey(id) + "\r\n-----END SSH HOST KEY KEYS-----\r\n", 0, nil
	})
}

// hostKey is a public key as ssh writes it; nobody has the private one.
func hostKey(id string) string {
	key := "\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + hashed("host key", id)[len("sha256:"):][:32]
	return "ssh-ed25519 " + base64.StdEncoding.EncodeToString([]byte(key)) + " root@" + id
}
