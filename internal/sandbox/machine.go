package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// disk is what lies on the disk of an instance, and of the images made of it.
type disk struct {
	// Commands are answers to command lines that match ("nvidia-smi*"), before
	// anything else is tried: what a driver says, a pull that is refused.
	Commands map[string]answer `json:"commands,omitempty"`
	// Files by path; a path that ends in "/" is an empty folder.
	Files map[string]string `json:"files,omitempty"`
	// Stores are the images that each runtime holds, by the name they were pulled
	// by: "docker", "containerd".
	Stores map[string]map[string]held `json:"stores,omitempty"`
}

// answer is what a command writes, and its status. It is given Times times, 0
// being always.
type answer struct {
	Exit   int    `json:"exit,omitempty"`
	Stderr string `json:"stderr,omitempty"`
	Stdout string `json:"stdout,omitempty"`
	Times  int    `json:"times,omitempty"`
}

// held is an image in a store.
type held struct {
	Digest string `json:"digest"`
	Pinned bool   `json:"pinned,omitempty"`
}

// clone is one to change. The one it is of may be none.
func (d *disk) clone() *disk {
	n := &disk{Commands: map[string]answer{}, Files: map[string]string{}, Stores: map[string]map[string]held{}}
	if d != nil {
		maps.Copy(n.Commands, d.Commands)
		maps.Copy(n.Files, d.Files)
		for runtime, store := range d.Stores {
			n.Stores[runtime] = maps.Clone(store)
		}
	}
	return n
}

// stopped is the disk once the machine is switched off: what lay in memory is gone.
func (d *disk) stopped() *disk {
	if d == nil {
		return nil
	}
	n := d.clone()
	maps.DeleteFunc(n.Files, func(path, _ string) bool {
		return strings.HasPrefix(path, "/run/") || strings.HasPrefix(path, "/dev/shm/") || strings.HasPrefix(path, "/tmp/")
	})
	return n
}

// What SSM keeps of an output (Systems Manager API Reference,
// GetCommandInvocation).
const (
	maxStdout = 24_000
	maxStderr = 8_000
)

// Reachable says whether the instance runs; of one that is missing nothing
// answers.
func (w *World) Reachable(ctx context.Context, m port.Machine) (bool, error) {
	there, err := read(ctx, w, "Reachable", func(s *state) (bool, int, error) {
		i, err := w.instance(s, m.ID)
		if errors.Is(err, port.ErrNotFound) || err == nil && i.State != "running" {
			return false, 0, nil
		}
		if err == nil {
			err = known(m)
		}
		return err == nil, 0, err
	})
	if errors.Is(err, errUnreachable) {
		return false, nil
	}
	return there, err
}

// known compares the host keys that the caller knows with the machine's.
func known(m port.Machine) error {
	if len(m.HostKeys) > 0 && !slices.Contains(m.HostKeys, hostKey(m.ID)) {
		return fmt.Errorf("instance %s: %w", m.ID, port.ErrHostKey)
	}
	return nil
}

// RunScript runs the script on a model of the machine: see session.
func (w *World) RunScript(ctx context.Context, m port.Machine, script port.Script) (port.Output, error) {
	return write(ctx, w, "RunScript", func(s *state) (next *state, out port.Output, err error) {
		i, err := w.instance(s, m.ID)
		switch {
		case err != nil:
			return nil, out, err
		case i.State != "running":
			return nil, out, fmt.Errorf("instance %s is %s: %w", m.ID, i.State, port.ErrState)
		case script.Timeout <= 0:
			return nil, out, fmt.Errorf("a script needs a timeout")
		}
		if err := known(m); err != nil {
			return nil, out, err
		}
		on := &session{disk: i.Disk.clone(), state: s, platform: platformOf(i.Architecture), id: m.ID, now: w.opts.Clock(), image: w.here(s).Images[i.Image].Disk}
		if out, err = on.run(ctx, script); err != nil {
			return nil, out, fmt.Errorf("instance %s: %w", m.ID, err)
		}
		if on.restarts {
			on.disk = on.disk.stopped().booted()
		}
		if reflect.DeepEqual(on.disk, i.Disk.clone()) {
			return nil, out, nil
		}
		i.Disk = on.disk
		return s.withInstance(m.ID, i), out, nil
	})
}

// platformOf is how registries call an architecture of EC2.
func platformOf(architecture string) string {
	if architecture == "arm64" {
		return "linux/arm64"
	}
	return "linux/amd64"
}

// pull takes an image from the sandbox's registry into a store, and says whether
// it was there.
func (d *disk) pull(s *state, runtime, ref, platform string) (digest string, there bool, err error) {
	_, platforms := s.image(ref)
	if digest = platforms[platform]; digest == "" {
		return "", false, fmt.Errorf("manifest for %s not found: manifest unknown", ref)
	}
	was, there := d.Stores[runtime][ref]
	if there && was.Digest == digest {
		return digest, true, nil
	}
	if d.Stores[runtime] == nil {
		d.Stores[runtime] = map[string]held{}
	}
	d.Stores[runtime][ref] = held{Digest: digest}
	return digest, false, nil
}

// find is the image of a store that a command names: by the name it was pulled
// by, or its digest.
func (d *disk) find(runtime, ref string) (name string, h held, ok bool) {
	for _, name := range schema.Sorted(d.Stores[runtime]) {
		h := d.Stores[runtime][name]
		if name == ref || h.Digest == ref || repository(name)+"@"+h.Digest == ref {
			return name, h, true
		}
	}
	return ref, held{}, false
}

// repository is a name without its tag or digest.
func repository(ref string) string {
	name, _, _ := strings.Cut(ref, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		name = name[:colon]
	}
	return name
}
