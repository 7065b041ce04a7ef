package sandbox

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/interp"

	"domctl.dev/schema"
)

// docker is the client of Docker, or one that speaks as it does, over a store.
func docker(runtime string) command {
	return func(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error {
		rest := operands(args, "-H", "--host", "-n", "--namespace")
		if len(rest) == 0 {
			return nil
		}
		if len(rest) > 1 && rest[0] == "image" {
			rest = rest[1:]
		} else if rest[0] == "rm" { // a container: all have ended
			return nil
		}
		switch rest[0] {
		case "pull":
			return on.pulled(hc, runtime, rest[1:])
		case "images", "ls":
			return on.images(hc, runtime, args)
		case "inspect":
			return on.inspected(hc, runtime, rest[1:])
		case "rmi", "rm":
			return on.removed(hc, runtime, rest[1:])
		case "tag":
			return on.named(hc, runtime, rest[1:])
		case "run", "create":
			return on.ran(ctx, hc, runtime, rest[1:])
		case "info":
			fmt.Fprintln(hc.Stdout, on.oci(runtime))
		case "login":
			_, _ = io.Copy(io.Discard, hc.Stdin)
			on.write(configOf(hc), `{"auths":{"`+rest[len(rest)-1]+`":{"auth":"…"}}}`)
		case "logout":
			on.mu.Lock()
			defer on.mu.Unlock()
			delete(on.disk.Files, configOf(hc))
		}
		return nil
	}
}

// configOf is where docker login keeps credentials.
func configOf(hc interp.HandlerContext) string {
	if folder := hc.Env.Get("DOCKER_CONFIG").String(); folder != "" {
		return path.Join(folder, "config.json")
	}
	return "/root/.docker/config.json"
}

func (on *session) pulled(hc interp.HandlerContext, runtime string, refs []string) error {
	for _, ref := range refs {
		on.mu.Lock()
		digest, there, err := on.disk.pull(on.state, runtime, ref, on.platform)
		on.mu.Unlock()
		switch {
		case err != nil:
			return fail(hc, 1, "Error response from daemon: %v", err)
		case there:
			fmt.Fprintf(hc.Stdout, "Digest: %s\nStatus: Image is up to date for %s\n", digest, ref)
		default:
			fmt.Fprintf(hc.Stdout, "Digest: %s\nStatus: Downloaded newer image for %s\n", digest, ref)
		}
	}
	return nil
}

// images lists a store: -q ids, --format a template of the fields below, else
// name and digest.
func (on *session) images(hc interp.HandlerContext, runtime string, args []string) error {
	format := ""
	for i, a := range args {
		if text, ok := strings.CutPrefix(a, "--format="); ok {
			format = text
		} else if a == "--format" && i+1 < len(args) {
			format = args[i+1]
		}
	}
	on.mu.Lock()
	defer on.mu.Unlock()
	for _, name := range schema.Sorted(on.disk.Stores[runtime]) {
		digest, tag := on.disk.Stores[runtime][name].Digest, "<none>"
		if !strings.Contains(name, "@") {
			tag = strings.TrimPrefix(name, repository(name)+":")
		}
		line := repository(name) + "\t" + tag + "\t" + digest
		switch {
		case flagged(args, "-q"):
			line = digest
		case format != "":
			line = strings.NewReplacer("{{.Repository}}", repository(name), "{{.Tag}}", tag, "{{.Digest}}", digest, "{{.ID}}", digest).Replace(format)
		}
		fmt.Fprintln(hc.Stdout, line)
	}
	return nil
}

func (on *session) inspected(hc interp.HandlerContext, runtime string, refs []string) error {
	on.mu.Lock()
	defer on.mu.Unlock()
	for _, ref := range refs {
		name, h, ok := on.disk.find(runtime, ref)
		if !ok {
			return fail(hc, 1, "Error: No such image: %s", ref)
		}
		fmt.Fprintln(hc.Stdout, schema.JSON([]any{map[string]any{"Id": h.Digest, "RepoDigests": []string{repository(name) + "@" + h.Digest}}}).Text)
	}
	return nil
}

func (on *session) removed(hc interp.HandlerContext, runtime string, refs []string) error {
	on.mu.Lock()
	defer on.mu.Unlock()
	for _, ref := range refs {
		name, _, ok := on.disk.find(runtime, ref)
		if !ok {
			return fail(hc, 1, "Error: No such image: %s", ref)
		}
		delete(on.disk.Stores[runtime], name)
		fmt.Fprintln(hc.Stdout, "Deleted: "+ref)
	}
	return nil
}

// ran starts a container of the first argument that is an image, pulling it if
// need be; it ends at once.
func (on *session) ran(ctx context.Context, hc interp.HandlerContext, runtime string, args []string) error {
	on.mu.Lock()
	there := slices.ContainsFunc(args, func(a string) bool { _, _, ok := on.disk.find(runtime, a); return ok })
	on.mu.Unlock()
	if there && slices.Contains(args, "nvidia-smi") {
		return on.contained(ctx, hc, runtime, args)
	}
	if there {
		return nil
	}
	if i := slices.IndexFunc(args, func(a string) bool { _, found := on.state.image(a); return found != nil }); i >= 0 {
		return on.pulled(hc, runtime, args[i:i+1])
	}
	return fail(hc, 125, "docker: Error response from daemon: pull access denied for %s", strings.Join(args, " "))
}

// crictl is the client of containerd's CRI.
func crictl(_ context.Context, on *session, hc interp.HandlerContext, args []string) error {
	const runtime = "containerd"
	rest := operands(args, "-r", "--runtime-endpoint", "-i", "--image-endpoint", "--creds", "--auth", "-o", "--output")
	if len(rest) == 0 {
		return nil
	}
	switch rest[0] {
	case "pull":
		return on.pulled(hc, runtime, rest[1:])
	case "images", "img":
		if !flagged(args, "json") && !flagged(args, "--output=json") {
			return on.images(hc, runtime, args)
		}
		on.mu.Lock()
		defer on.mu.Unlock()
		list := []any{}
		for _, name := range schema.Sorted(on.disk.Stores[runtime]) {
			h := on.disk.Stores[runtime][name]
			list = append(list, map[string]any{"id": h.Digest, "repoDigests": []string{repository(name) + "@" + h.Digest}, "pinned": h.Pinned})
		}
		fmt.Fprintln(hc.Stdout, schema.JSON(map[string]any{"images": list}).Text)
	case "info":
		fmt.Fprintf(hc.Stdout, "\"defaultRuntimeName\": %q,\n", on.oci(runtime))
	case "imagefsinfo":
		fmt.Fprintln(hc.Stdout, `"mountpoint": "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs"`)
	case "inspecti":
		return on.inspected(hc, runtime, rest[1:])
	case "rmi":
		return on.removed(hc, runtime, rest[1:])
	}
	return nil
}

// ctr is containerd's own client: of its images it labels, lists and runs.
func ctr(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error {
	const runtime = "containerd"
	rest := operands(args, "-n", "--namespace", "-a", "--address", "--snapshotter")
	if len(rest) < 2 {
		return nil
	}
	switch {
	case rest[0] == "run":
		return on.ran(ctx, hc, runtime, args)
	case rest[0] != "images" && rest[0] != "image" && rest[0] != "i":
		return nil
	}
	switch rest[1] {
	case "check":
		for _, filter := range rest[2:] {
			if name, _, ok := on.disk.find(runtime, strings.TrimPrefix(filter, "name==")); ok {
				fmt.Fprintln(hc.Stdout, name+"\tcomplete\ttrue\t")
			}
		}
	case "ls", "list":
		if filter, filters := strings.CutPrefix(rest[len(rest)-1], "name=="); filters {
			return on.ref(hc, runtime, filter)
		}
		return on.images(hc, runtime, args)
	case "rm", "remove":
		return on.removed(hc, runtime, rest[2:])
	case "tag":
		return on.named(hc, runtime, rest[2:])
	case "label":
		return on.labelled(hc, runtime, rest[2:])
	}
	return nil
}

// ref prints a name that a store holds: ctr images ls -q name==REF.
func (on *session) ref(hc interp.HandlerContext, runtime, name string) error {
	on.mu.Lock()
	defer on.mu.Unlock()
	if _, ok := on.disk.Stores[runtime][name]; ok {
		fmt.Fprintln(hc.Stdout, name)
	}
	return nil
}

// named gives an image another name.
func (on *session) named(hc interp.HandlerContext, runtime string, names []string) error {
	on.mu.Lock()
	defer on.mu.Unlock()
	if len(names) != 2 {
		return fail(hc, 1, "an image and its new name are needed")
	}
	_, h, ok := on.disk.find(runtime, names[0])
	if !ok {
		return fail(hc, 1, "Error: No such image: %s", names[0])
	}
	on.disk.Stores[runtime][names[1]] = h
	return nil
}

// labelled knows the label that keeps an image from the kubelet's collection.
func (on *session) labelled(hc interp.HandlerContext, runtime string, args []string) error {
	on.mu.Lock()
	defer on.mu.Unlock()
	if len(args) == 0 {
		return fail(hc, 1, "ctr: please specify an image")
	}
	name, h, ok := on.disk.find(runtime, args[0])
	if !ok {
		return fail(hc, 1, "ctr: image %q: not found", args[0])
	}
	for _, label := range args[1:] {
		if key, value, _ := strings.Cut(label, "="); key == "io.cri-containerd.pinned" {
			h.Pinned = value == "pinned"
		}
	}
	on.disk.Stores[runtime][name] = h
	return nil
}
