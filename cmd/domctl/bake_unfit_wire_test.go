//go:build wire && bake

package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/wiretest"
)

// The password of a private repository, and what an agent adds to those who may log in.
const (
	password = "canary-of-the-registry"
	intruder = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNhbmFyeSBvZiBzb21lYm9keSBlbHNlJ3Mga2V5 agent"
)

// keeper hands the credentials of the private repository to whoever asks: bakery is
// its user.
type keeper struct{ url, config, auth string }

func newKeeper(t *testing.T, b *wiretest.Bakery) keeper {
	t.Helper()
	b.Meter.Login("domino/standard", "bakery", password)
	k := keeper{auth: base64.StdEncoding.EncodeToString([]byte("bakery:" + password))}
	k.config = fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, b.Meter.Addr, k.auth)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, k.config) }))
	t.Cleanup(server.Close)
	k.url = server.URL
	return k
}

// to is a script that puts the credentials into a file.
func (k keeper) to(file string) string {
	return "mkdir -p " + filepath.Dir(file) + "; curl -sSf " + k.url + " >" + file
}

// unfit are four images that are baked side by side, each in its own way; executor is
// the one of the deployment itself.
func unfit(b *wiretest.Bakery, k keeper) string {
	login := k.to("/root/.docker/config.json")
	agent := "setsid sh -c 'until [ -e /var/lib/domctl/baked ]; do sleep 0.1; done; sleep 1; mkdir -p /root/.ssh; echo " + intruder + " >>/root/.ssh/authorized_keys' </dev/null >/dev/null 2>&1 &"
	gone := "docker rmi -f $(docker image ls -q --no-trunc " + strings.TrimSuffix(b.Image("standard"), ":1") + ")"
	return fmt.Sprintf(`
_made: {replaces: [%[1]q], bake: {from: ami: "old", runtime: *"docker" | "containerd", connect: ssm: true}}
amis: old: pin: {id: %[1]q, reason: "made by hand"}
amis: executor: bake: {scripts: [%[2]q], scriptsAfter: [%[3]q]}
amis: dead: _made & {bake: {runtime: "containerd", cache: baseImages: ["broken"]}}
amis: leaky: _made & {bake: {scripts: [%[2]q, %[4]q, %[5]q], cache: baseImages: ["base"]}}
amis: fit: _made & {bake: {scripts: [%[2]q], cache: environments: standard: ["active"]}}
baseImages: broken: image: %[6]q
nodePools: pinned: {groups: [{asg: "acme-pinned"}], ami: "dead"}
nodePools: copied: {groups: [{asg: "acme-lc-a"}], ami: "leaky"}
`, b.Old, login, gone, k.to("/var/lib/kubelet/config.json"), agent, b.Image("broken"))
}

// TestBakeRealUnfit: images that are not what they should be do not pass, and nodes
// go on with what they start from. The credentials that a script fetched for a pull
// are not in what passes.
func TestBakeRealUnfit(t *testing.T) {
	var k keeper
	b, f := beside(t, func(b *wiretest.Bakery) string { k = newKeeper(t, b); return unfit(b, k) })
	f.edit(`		scripts: ["echo tuned >/etc/tuned"]`+"\n", "")
	f.env = append(f.env, "DOCKER_CONFIG="+laid(t, map[string]string{"config.json": k.config}))
	f.runs(0, "update", f.dir)
	out := f.runs(1, "apply", f.dir, "--auto-approve", "--parallelism", "4")
	t.Log(out)

	made := byEntry(b, t)
	for entry, why := range map[string]string{
		"executor": "image 2 of 2: " + b.Meter.Addr + "/domino/standard:1",
		"dead":     "container 1 of 1: " + b.Meter.Addr + "/domino/broken:1",
		"leaky":    "what the bake left: in the image: /var/lib/kubelet/config.json /root/.ssh/authorized_keys",
		"fit":      "passed",
	} {
		if got := made[entry].verified; !strings.HasPrefix(got, why) {
			t.Errorf("%s is tagged %q, want %q…", entry, got, why)
		}
		if entry != "fit" {
			f.says(out, "DC335: amis."+entry, "image "+made[entry].id+" is not what it should be: "+why)
		}
	}
	if left := b.Left(t); len(left) != 0 {
		t.Errorf("instances are left: %v", left)
	}
	startsFromOld(t, b)
	for _, secret := range []string{password, k.auth, strings.Fields(intruder)[1]} {
		if at := onDisk(t, b, made["fit"].id, secret); at != "" {
			t.Errorf("the image that passed holds %q in %s", secret, at)
		}
		if secret != password && onDisk(t, b, made["leaky"].id, secret) == "" { // where it is, it is found
			t.Errorf("the image that did not pass does not hold %q", secret)
		}
	}
	for _, secret := range []string{password, k.auth} {
		if found := grep(t, f.dir, secret); found != "" || strings.Contains(out, secret) {
			t.Errorf("%q is said, or kept in %q:\n%s", secret, found, out)
		}
	}
	f.runs(0, "rollback", f.dir, "--auto-approve")
	if baked := b.Baked(t); len(baked) != 0 {
		t.Errorf("after the rollback there are %d images", len(baked))
	}
}

// verdict is what an image is tagged with.
type verdict struct{ id, verified string }

// byEntry are the images that were made, by their entry.
func byEntry(b *wiretest.Bakery, t *testing.T) map[string]verdict {
	t.Helper()
	made := map[string]verdict{}
	for _, i := range b.Baked(t) {
		tag := func(name string) string {
			if n := slices.IndexFunc(i.Tags, func(t types.Tag) bool { return *t.Key == name }); n >= 0 {
				return *i.Tags[n].Value
			}
			return ""
		}
		made[tag("domctl:ami")] = verdict{*i.ImageId, tag("domctl:verified")}
	}
	return made
}

// startsFromOld holds that every group starts nodes from what it did before.
func startsFromOld(t *testing.T, b *wiretest.Bakery) {
	t.Helper()
	for _, id := range []string{b.Template, b.Pinned} {
		out, err := b.EC2.DescribeLaunchTemplateVersions(t.Context(), &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id})
		if err != nil || len(out.LaunchTemplateVersions) != 1 {
			t.Errorf("%s has %d versions: %v", id, len(out.LaunchTemplateVersions), err)
		}
	}
	out, err := b.AutoScaling.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{"acme-lc-a"}})
	if err != nil || *out.AutoScalingGroups[0].LaunchConfigurationName != "acme-lc" {
		t.Errorf("acme-lc-a moved to another launch configuration: %v", err)
	}
}

// onDisk is a file on the disk of an image that holds a text; "" when none does.
func onDisk(t *testing.T, b *wiretest.Bakery, image, text string) string {
	t.Helper()
	return grep(t, filepath.Join(b.Real.Folder, "images", image), text)
}

func grep(t *testing.T, folder, text string) string {
	t.Helper()
	if _, err := os.Stat(folder); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("grep", "-rlFa", "--devices=skip", text, folder).Output()
	if err != nil && err.(*exec.ExitError).ExitCode() != 1 {
		t.Fatalf("grep in %s: %v", folder, err)
	}
	return strings.TrimSpace(string(out))
}
