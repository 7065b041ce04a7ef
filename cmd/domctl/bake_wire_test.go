//go:build wire && bake

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/wiretest"
)

// onRealInstances lays the deployment's files down and points domctl's
// environment at it.
func onRealInstances(t *testing.T) (b *wiretest.Bakery, dir string) {
	t.Helper()
	b = wiretest.NewBakery(t)
	b.Account.Setenv()
	t.Setenv("DOMCTL_MONGO_URI", b.URI)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir = filepath.Join(laid(t, b.Files()), "acme")
	domctl(t, 0, "update", dir)
	return b, dir
}

// runtimes is how a node's engine pulls an image, and runs one that it may hold.
func runtimes(b *wiretest.Bakery) map[string]struct{ pull, run string } {
	const held = "crictl inspecti %[1]s >/dev/null 2>&1 || crictl pull %[1]s 2>/dev/null\n"
	return map[string]struct{ pull, run string }{
		"docker":     {"docker pull %s", "docker run --rm --network none %s"},
		"containerd": {"crictl pull %s", held + "ctr -n k8s.io run --rm --cgroup /" + filepath.Base(b.Real.Folder) + "/first %[1]s first"},
	}
}

// TestBakeReal bakes an image on a real engine, and looks at what nodes of it do.
func TestBakeReal(t *testing.T) {
	for _, runtime := range []string{"docker", "containerd"} {
		t.Run(runtime, func(t *testing.T) { bakeReal(t, runtime) })
	}
}

func bakeReal(t *testing.T, runtime string) {
	b, dir := onRealInstances(t)
	(&faulty{Acme: b.Acme, t: t, dir: dir}).edit(`runtime: "docker"`, "runtime: "+strconv.Quote(runtime))
	engine := runtimes(b)[runtime]
	domctl(t, 2, "plan", dir, "--detailed-exitcode")
	t.Log(domctl(t, 0, "apply", dir, "--auto-approve"))
	if out := domctl(t, 0, "plan", dir, "--detailed-exitcode"); !strings.Contains(out, "nothing to do") {
		t.Errorf("the second plan is not empty:\n%s", out)
	}
	image := theImage(t, b)
	node := b.Start(t, image)
	if got := b.Run(t, node, "cat /etc/tuned"); got != "tuned\n" {
		t.Errorf("the script left %q", got)
	}
	said, fetched := forecast(t, b, dir, node, engine.pull)
	cached, not := firstContainer(t, b, image, engine.run), firstContainer(t, b, b.Old, engine.run)
	figure(t, fmt.Sprintf("| %s | %d | %d | %.2f %% | %.2f | %.2f |\n", runtime, said, fetched, 100*float64(fetched-said)/float64(said), cached.Seconds(), not.Seconds()))
	for _, i := range b.Left(t) {
		b.End(t, i)
	}
	domctl(t, 0, "rollback", dir, "--auto-approve")
	if baked := b.Baked(t); len(baked) != 0 {
		t.Errorf("after the rollback there are %d images", len(baked))
	}
	if got := b.Serving(t); got != b.Old {
		t.Errorf("after the rollback nodes start from %s, not from %s", got, b.Old)
	}
}

// figure logs a row of what was measured, and adds it to the file that
// DOMCTL_FIGURES names.
func figure(t *testing.T, row string) {
	t.Helper()
	t.Log(row)
	name := os.Getenv("DOMCTL_FIGURES")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(row); err != nil {
		t.Fatal(err)
	}
}

// theImage is the one that was baked; all is tagged, nodes start from it, and no
// instance is left.
func theImage(t *testing.T, b *wiretest.Bakery) string {
	t.Helper()
	baked := b.Baked(t)
	if len(baked) != 1 {
		t.Fatalf("%d images were baked", len(baked))
	}
	tags := map[string]string{}
	for _, tag := range baked[0].Tags {
		tags[*tag.Key] = *tag.Value
	}
	if tags["domctl:key"] == "" || tags["domctl:base"] != b.Old || tags["domctl:verified"] != "passed" {
		t.Errorf("the image's tags: %v", tags)
	}
	for _, took := range []string{"domctl:ready", "domctl:container"} {
		if d, err := time.ParseDuration(tags[took]); err != nil || d > time.Minute {
			t.Errorf("the image's tag %s is %q", took, tags[took])
		}
	}
	b.Tagged(t)
	if got := b.Serving(t); got != *baked[0].ImageId {
		t.Errorf("nodes start from %s, not from %s", got, *baked[0].ImageId)
	}
	if left := b.Left(t); len(left) != 0 {
		t.Errorf("instances are left: %v", left)
	}
	return *baked[0].ImageId
}

// forecast compares what a node of the baked image fetches with what was said, and
// answers both for the image that is not cached.
func forecast(t *testing.T, b *wiretest.Bakery, dir, node, pull string) (want, got int64) {
	t.Helper()
	var f engine.Forecast
	if err := json.Unmarshal([]byte(domctl(t, 0, "images", dir, "--format", "json")), &f); err != nil {
		t.Fatal(err)
	}
	said := map[string]int64{}
	for _, i := range f.Images {
		if len(i.Pools) == 1 && i.Pools[0].Declared != nil {
			said[i.Name] = *i.Pools[0].Declared
		}
	}
	for _, name := range []string{"standard", "spark"} {
		b.Meter.Take()
		b.Run(t, node, fmt.Sprintf(pull, b.Image(name)))
		got = b.Meter.Take()
		if math.Abs(float64(got-said[name])) > 0.01*float64(said[name]) {
			t.Errorf("%s: %d bytes were fetched, %d were said", name, got, said[name])
		}
	}
	if _, ok := said["standard"]; !ok || said["spark"] == 0 {
		t.Errorf("not all is said: %+v", f.Images)
	}
	return said["spark"], got
}

// firstContainer measures how long a fresh node of an image takes to a first
// container of what the baked one caches.
func firstContainer(t *testing.T, b *wiretest.Bakery, image, run string) time.Duration {
	t.Helper()
	took := b.Run(t, b.Start(t, image), "began=$(date +%s%3N)\n{ "+fmt.Sprintf(run, b.Image("standard"))+"; } >&2\necho $(($(date +%s%3N) - began))")
	ms, err := strconv.Atoi(strings.TrimSpace(took))
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(ms) * time.Millisecond
}

// TestBakeRealKilled bakes over SSH. domctl dies by SIGKILL while an instance is at
// work, which goes on by itself; another goes on with the apply.
func TestBakeRealKilled(t *testing.T) {
	b, dir := onRealInstances(t)
	f := &faulty{Acme: b.Acme, t: t, dir: dir}
	f.edit("connect: ssm: true", `connect: ssh: {user: "root", key: secret: env: "BAKE_KEY"}`+"\n\t\t"+`instance: keyPair: "bakers"`)
	t.Setenv("BAKE_KEY", b.KeyPair(t, "bakers"))
	f.edit("echo tuned >/etc/tuned", "sleep 12")
	p := f.start("apply", dir, "--auto-approve")
	at := ""
	for at == "" && p.lines.Scan() {
		at = atWork(t, b)
	}
	p.signal(syscall.SIGKILL)
	_, said := p.end()
	t.Logf("killed at %q:\n%s", at, said)
	if strings.Contains(said, " stop i-") {
		t.Fatal("it was past the work")
	}
	f.says(domctl(t, 1, "apply", dir, "--auto-approve"), "DC311", " --resume ")
	f.says(domctl(t, 0, "apply", dir, "--resume", "last"), "Applied: ")
	f.nothing()
	image := theImage(t, b)
	if made := b.Made(t); len(made) != 2 {
		t.Errorf("a bake and a verification made %d instances", len(made))
	}
	if got := b.Run(t, b.Start(t, image), "cat /root/.ssh/authorized_keys"); got != "" {
		t.Errorf("the image lets in %q", got)
	}
}

// atWork is what the only instance says it is at; "" when it is at nothing yet.
func atWork(t *testing.T, b *wiretest.Bakery) string {
	t.Helper()
	if on := b.In(t, types.InstanceStateNameRunning); len(on) == 1 {
		return strings.TrimSpace(b.Run(t, on[0], "cat /run/domctl/*/at 2>/dev/null || true"))
	}
	return ""
}
