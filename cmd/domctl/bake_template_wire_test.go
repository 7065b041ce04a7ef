//go:build wire && bake

package main

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/wiretest"
)

// TestBakeRealTemplate: images are made of two instances that people keep, one that
// runs and one that is stopped. Both stand in the end as they did, with what people put
// on them, also when a script fails, and when domctl dies by SIGKILL with a call on its
// way.
func TestBakeRealTemplate(t *testing.T) {
	var idle, busy kept
	var key string
	b, f := beside(t, func(b *wiretest.Bakery) string {
		key = b.KeyPair(t, "people")
		idle, busy = keep(t, b, "acme-idle"), keep(t, b, "acme-busy")
		idle.stop(t, b)
		return fmt.Sprintf(`
_made: {replaces: [%[1]q], bake: {runtime: "docker", connect: ssh: {user: "root", key: secret: env: "BAKE_KEY"}, cache: baseImages: ["base"]}}
amis: idle: _made & {bake: {from: instance: "acme-idle", connect: ssh: hostKeys: [%[2]q], scripts: ["exit 3"]}}
amis: busy: _made & {bake: {from: instance: "*-busy", connect: ssh: hostKeys: [%[3]q], scripts: ["echo baked >>/etc/baked"]}}
`, b.Old, idle.key, busy.key)
	})
	f.env = append(f.env, "BAKE_KEY="+key)
	f.runs(0, "update", f.dir)
	out := f.runs(1, "apply", f.dir, "--auto-approve", "--parallelism", "2", "--exclude", "amis.executor")
	t.Log(out)
	f.says(out, "DC331: amis.idle", "script 1 of 1", "✓ amis.busy: bake.verify")
	idle.stands(t, b, types.InstanceStateNameStopped)
	busy.stands(t, b, types.InstanceStateNameRunning)
	if got := b.Run(t, busy.id, "cat /root/by-hand /etc/baked; docker image ls -q | wc -l"); got != "acme-busy\nbaked\n1\n" {
		t.Errorf("on the instance that ran is %q", got)
	}

	f.editIn("more.cue", `"exit 3"`, `"echo baked >>/etc/baked"`)
	f.Account.Reset()
	f.Account.Fail(wiretest.Fault{Action: "StopInstances", Delay: time.Second, Times: -1})
	p := f.start("apply", f.dir, "--auto-approve", "--supersede", "last", "--exclude", "amis.executor")
	p.until("StopInstances")
	p.signal(syscall.SIGKILL)
	_, said := p.end()
	t.Log(said)
	f.Account.Reset()
	f.says(f.runs(0, "apply", f.dir, "--resume", "last"), "Applied: ")
	f.says(f.runs(0, "plan", f.dir, "--detailed-exitcode", "--target", "amis.idle", "--target", "amis.busy"), "nothing to do")
	idle.stands(t, b, types.InstanceStateNameStopped)
	busy.stands(t, b, types.InstanceStateNameRunning)

	made := byEntry(b, t)
	if len(made) != 2 || made["idle"].verified != "passed" || made["busy"].verified != "passed" {
		t.Fatalf("the images are %v", made)
	}
	node := b.Start(t, made["idle"].id)
	if got := b.Run(t, node, "cat /root/by-hand /etc/baked; wc -l </root/.ssh/authorized_keys"); got != "acme-idle\nbaked\n1\n" {
		t.Errorf("on a node of the image is %q", got)
	}
	b.End(t, node)
	if left := b.Left(t); len(left) != 2 {
		t.Errorf("the instances that are left are %v", left)
	}
}

// kept is an instance that people keep.
type kept struct{ id, key string }

// keep starts one, with something on its disk.
func keep(t *testing.T, b *wiretest.Bakery, name string) kept {
	t.Helper()
	k := kept{id: b.Start(t, b.Old, func(in *ec2.RunInstancesInput) {
		people, tag := "people", "Name"
		in.KeyName, in.TagSpecifications = &people, []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: &tag, Value: &name}}}}
	})}
	b.Run(t, k.id, "echo "+name+" >/root/by-hand")
	console, err := b.EC2.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: &k.id})
	if err != nil {
		t.Fatal(err)
	}
	text, err := base64.StdEncoding.DecodeString(*console.Output)
	if err != nil {
		t.Fatal(err)
	}
	k.key = regexp.MustCompile(`ssh-ed25519 \S+`).FindString(string(text))
	return k
}

func (k kept) stop(t *testing.T, b *wiretest.Bakery) {
	t.Helper()
	ids := []string{k.id}
	if _, err := b.EC2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: ids}); err != nil {
		t.Fatal(err)
	}
	if err := ec2.NewInstanceStoppedWaiter(b.EC2, func(o *ec2.InstanceStoppedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second
	}).Wait(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids}, time.Minute); err != nil {
		t.Fatal(err)
	}
}

// stands holds that it is in a state, and lent to nobody.
func (k kept) stands(t *testing.T, b *wiretest.Bakery, state types.InstanceStateName) {
	t.Helper()
	for _, i := range b.Made(t) {
		if *i.InstanceId != k.id {
			continue
		}
		if i.State.Name != state || len(i.Tags) != 1 {
			t.Errorf("%s is %s, with %d tags", k.id, i.State.Name, len(i.Tags))
		}
	}
}
