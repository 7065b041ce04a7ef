package sandbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"mvdan.cc/sh/v3/interp"
)

// firstBoot is the disk once an instance has first started from it, as cloud-init
// leaves it: what makes the machine this one is there, but for what the image
// brought. key is the name of its key pair, "" for none.
func (d *disk) firstBoot(id, key string) *disk {
	n := d.clone()
	for name, text := range map[string]string{
		"/etc/machine-id":                   hashed("machine", id)[len("sha256:"):][:32] + "\n",
		"/etc/ssh/ssh_host_ed25519_key":     "the private key of " + id + "\n",
		"/etc/ssh/ssh_host_ed25519_key.pub": hostKey(id) + "\n",
		"/var/lib/cloud/data/instance-id":   id + "\n",
	} {
		if n.Files[name] == "" {
			n.Files[name] = text
		}
	}
	n.Files["/var/lib/cloud/instances/"+id+"/"] = ""
	if key != "" {
		n.Files["/root/.ssh/authorized_keys"] += "ssh-ed25519 AAAA" + hashed("key pair", key)[len("sha256:"):] + " " + key + "\n"
	}
	return n.booted()
}

// driver is the file of NVIDIA's driver, and holds its version; loaded is where it
// is once the machine has started with it.
const (
	driver  = "/usr/bin/nvidia-smi"
	loaded  = "/run/nvidia/version"
	toolkit = "/usr/bin/nvidia-ctk"
)

// booted is the disk after a start: a driver that is installed is loaded.
func (d *disk) booted() *disk {
	if d == nil || d.Files[driver] == "" {
		return d
	}
	n := d.clone()
	n.Files[loaded] = n.Files[driver]
	return n
}

// when a file was written, as far as it shows: what the image brought is older.
func (on *session) when(name string) time.Time {
	if on.image == nil {
		return time.Unix(2, 0)
	}
	for p, text := range on.disk.Files {
		if p != name && !strings.HasPrefix(p, name+"/") {
			continue
		}
		if was, ok := on.image.Files[p]; !ok || was != text {
			return time.Unix(2, 0)
		}
	}
	return time.Unix(1, 0)
}

// clock is date +%s, or a time to read.
func clock(_ context.Context, on *session, hc interp.HandlerContext, args []string) error {
	if flagged(args, "+%s") {
		fmt.Fprintln(hc.Stdout, on.now.Unix())
	} else {
		fmt.Fprintln(hc.Stdout, on.now.Format(time.RFC3339))
	}
	return nil
}

// systemctl knows what a restart of the machine is.
func systemctl(_ context.Context, on *session, _ interp.HandlerContext, args []string) error {
	on.mu.Lock()
	defer on.mu.Unlock()
	on.restarts = on.restarts || flagged(args, "reboot")
	return nil
}
