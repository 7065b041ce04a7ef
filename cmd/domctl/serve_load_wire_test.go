//go:build wire

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/examples"
	"domctl.dev/internal/wiretest"
)

// load is how much a controller has to do, in one repository.
type load struct {
	deployments int
	live        int // of them; they share an account, where each has a group and a database
	pulls       int // open ones, each of which changes a deployment
	latency     time.Duration
}

// busy is a controller under load: domctl serve as a process of its own, on a Gitea and
// on wire servers that all answer late.
type busy struct {
	load
	t     *testing.T
	acme  *wiretest.Acme
	ann   *wiretest.ForgeUser
	repo  *wiretest.ForgeRepo
	forge *wiretest.Calls
	late  []*wiretest.FaultProxy
	hooks string // host:port on which the controller takes deliveries
	ready string // and is asked whether it is ready
	dir   string // work tree of ann's
	root  string // of the controller's files
	numbs []int  // of the pull requests
	last  int    // value that a change set
}

const hookSecret = "sesame"

func newBusy(t *testing.T, l load) *busy {
	t.Helper()
	b := &busy{load: l, t: t, acme: wiretest.NewAcme(t), root: t.TempDir(), hooks: freeAddress(t), ready: freeAddress(t), last: 1000}
	gitea := wiretest.Forge(t)
	b.ann = gitea.User(t, "ann")
	bot := gitea.User(t, "domctl-bot")
	b.repo = b.ann.Repo(t, "domino", b.files())
	b.repo.Allow(t, bot, "write")
	b.forge = wiretest.NewCalls(t, gitea.Addr)
	forge := b.behind(b.forge.Addr)
	at, err := url.Parse(b.repo.SSH())
	if err != nil {
		t.Fatal(err)
	}
	ssh := b.behind(at.Host)
	_, port, _ := strings.Cut(ssh, ":")
	b.write(filepath.Join(b.root, "known_hosts"), "[127.0.0.1]:"+port+gitea.KnownHosts()[strings.Index(gitea.KnownHosts(), " "):])
	key, err := os.ReadFile(bot.Key(t))
	if err != nil {
		t.Fatal(err)
	}
	b.write(filepath.Join(b.root, "key"), string(key))
	b.acme.Account.Via(b.behind(strings.TrimPrefix(b.acme.Account.Endpoint, "http://"))).Setenv()
	mongo, rest, _ := strings.Cut(strings.TrimPrefix(b.acme.URI, "mongodb://"), "/")
	t.Setenv("DOMCTL_MONGO_URI", "mongodb://"+b.behind(mongo)+"/"+rest)
	t.Setenv("ACME_TOKEN", canary)
	t.Setenv("HOOK_SECRET", hookSecret)
	t.Setenv("FORGE_TOKEN", bot.Token)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(b.root, "cache"))
	b.write(filepath.Join(b.root, "serve.yaml"), b.config("http://"+forge, "ssh://git@"+ssh+at.Path))
	b.clone()
	for i := range l.live {
		b.settle(i)
	}
	b.numbs = b.open(0, l.pulls)
	b.repo.Hook(t, "http://"+b.hooks+"/hooks/domino", hookSecret)
	return b
}

// behind is where a server is reached whose answers are late, once that is asked for.
func (b *busy) behind(addr string) string {
	p := wiretest.Proxy(b.t, addr)
	b.late = append(b.late, p)
	return p.Addr
}

func (b *busy) slow() {
	for _, p := range b.late {
		p.Delay(b.latency)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (b *busy) write(name, text string) {
	b.t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(text), 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// name is a deployment's, and its folder. The first ones are live.
func (b *busy) name(i int) string { return fmt.Sprintf("acme-%03d", i) }

// file is the one that changes of a deployment touch.
func (b *busy) file(i int) string {
	if i < b.live {
		return b.name(i) + "/acme.cue"
	}
	return b.name(i) + "/compute.cue"
}

// files are one CUE module with all deployments; those that are not live are of the
// classic example.
func (b *busy) files() map[string]string {
	classic, err := examples.Get("classic")
	if err != nil {
		b.t.Fatal(err)
	}
	own := b.acme.Files()
	all := map[string]string{"cue.mod/module.cue": own["cue.mod/module.cue"]}
	for i := range b.deployments {
		if i < b.live {
			text, _, _ := strings.Cut(own["acme/acme.cue"], "nodePools: ")
			text += fmt.Sprintf("nodePools: main: {label: \"default\", groups: [{asg: %q}], ami: \"new\", size: max: 5}\n", b.name(i))
			all[b.file(i)] = strings.NewReplacer(`"acme"`, fmt.Sprintf("%q", b.name(i)), `cluster: "acme"`, `cluster: "acme"`, b.acme.Database, b.database(i)).Replace(text)
			continue
		}
		for _, file := range []string{"compute.cue", "deployment.cue", "resolved.cue"} {
			all[b.name(i)+"/"+file] = strings.ReplaceAll(string(classic.Files[file]), `"acme-classic"`, fmt.Sprintf("%q", b.name(i)))
		}
		b.write(b.world(i), string(classic.Files[sandboxFile]))
	}
	return all
}

func (b *busy) database(i int) string { return b.acme.Database + "_" + b.name(i) }

// settle gives a live deployment what is its own: a group on a launch template, and a
// copy of the database.
func (b *busy) settle(i int) {
	b.t.Helper()
	a, ctx, name := b.acme, b.t.Context(), b.name(i)
	made, err := a.EC2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{LaunchTemplateName: &name, LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: &a.Old, InstanceType: "m5.2xlarge"}})
	if err == nil {
		zero, two := int32(0), int32(2)
		_, err = a.AutoScaling.CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{AutoScalingGroupName: &name, AvailabilityZones: []string{a.Account.Region + "a"}, MinSize: &zero, MaxSize: &two, DesiredCapacity: &zero,
			LaunchTemplate: &scaling.LaunchTemplateSpecification{LaunchTemplateId: made.LaunchTemplate.LaunchTemplateId, Version: aws.String("$Default")}})
		err = wiretest.Made(err)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	own := a.DB.Client().Database(b.database(i))
	for _, c := range []string{"hardware_tier", "config", "environments_v2", "environment_revisions"} {
		var docs []bson.D
		cursor, err := a.DB.Collection(c).Find(ctx, bson.D{})
		if err == nil {
			err = cursor.All(ctx, &docs)
		}
		if err == nil {
			_, err = own.Collection(c).InsertMany(ctx, docs)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	b.t.Cleanup(func() { _ = own.Drop(context.Background()) })
}

func (b *busy) world(i int) string { return filepath.Join(b.root, "worlds", b.name(i)+".json") }

func (b *busy) config(forge, clone string) string {
	var text strings.Builder
	fmt.Fprintf(&text, `work: %s
poll: 1m
listen: {webhooks: %q, health: %q}
forges:
  acme: {kind: gitea, url: %q, token: "env:FORGE_TOKEN"}
repositories:
  domino: {forge: acme, name: %q, url: %q, key: "file:%s/key", knownHosts: "%[7]s/known_hosts", webhook: "env:HOOK_SECRET"}
deployments:
`, filepath.Join(b.root, "work"), b.hooks, b.ready, forge, b.repo.Name, clone, b.root)
	for i := range b.deployments {
		fmt.Fprintf(&text, "  %s:\n    repository: domino\n    branch: main\n    dir: %[1]s\n", b.name(i))
		if i >= b.live {
			fmt.Fprintf(&text, "    world: sandbox\n    sandbox: %s\n    state: {file: %s}\n    secrets: [\"env:DOMCTL_MONGO_URI\"]\n", b.world(i), filepath.Join(b.root, "state", b.name(i)))
			continue
		}
		a := b.acme
		fmt.Fprintf(&text, "    world: live\n    aws: {account: %q, region: %s, cluster: acme}\n    mongo: {database: %s, uri: \"env:DOMCTL_MONGO_URI\"}\n    state: {s3: {bucket: %s, prefix: %s, kmsKey: %q}}\n    secrets: [\"env:ACME_TOKEN\"]\n    registries: [registry.example]\n",
			a.Account.ID, a.Account.Region, b.database(i), a.Bucket, b.name(i), a.Key)
	}
	return text.String()
}

func (b *busy) git(args ...string) string {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), "git", args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (b *busy) clone() {
	b.t.Helper()
	from := strings.Replace(b.repo.URL, "http://", "http://"+b.ann.Name+":"+b.ann.Token+"@", 1)
	dir := filepath.Join(b.root, "ann")
	b.git("clone", "-q", from, dir)
	b.dir = dir
}

// change sets a value that no change before set, in a deployment's file as it is in the
// work tree, and commits it. It answers the value.
func (b *busy) change(i int) string {
	b.t.Helper()
	name := filepath.Join(b.dir, b.file(i))
	text, err := os.ReadFile(name)
	if err != nil {
		b.t.Fatal(err)
	}
	const field = "settings: maximumExecutionsPerUser: "
	before, rest, found := strings.Cut(string(text), field)
	_, after, ended := strings.Cut(rest, "\n")
	if !found || !ended {
		b.t.Fatalf("%s has no %s", name, field)
	}
	b.last++
	b.write(name, fmt.Sprintf("%s%s%d\n%s", before, field, b.last, after))
	b.git("commit", "-qam", "Change "+b.name(i))
	return fmt.Sprint(b.last)
}

// of is the deployment that the n-th pull request changes: the first ones change live
// ones.
func (b *busy) of(n int) int { return n % b.deployments }

func branch(n int) string { return fmt.Sprintf("change-%03d", n) }

// open opens pull requests from..to, and answers their numbers.
func (b *busy) open(from, to int) (numbers []int) {
	b.t.Helper()
	var specs []string
	for n := from; n < to; n++ {
		b.git("checkout", "-q", "-B", branch(n), "origin/main")
		b.change(b.of(n))
		specs = append(specs, branch(n))
	}
	if len(specs) > 0 {
		b.git(append([]string{"push", "-q", "origin"}, specs...)...)
	}
	for n := from; n < to; n++ {
		numbers = append(numbers, b.repo.Pull(b.t, b.ann, branch(n), "main", "Change "+b.name(b.of(n))))
	}
	return numbers
}

// push moves the n-th pull request, and answers how long that took and how long, once the
// forge had it, the comment took that speaks of what was pushed.
func (b *busy) push(n int) (pushed, commented time.Duration) {
	b.t.Helper()
	b.git("checkout", "-q", branch(n))
	value := b.change(b.of(n))
	began := time.Now()
	b.git("push", "-q", "origin", branch(n))
	there := time.Now()
	b.commented(n, value, 2*time.Minute)
	return there.Sub(began), time.Since(there)
}

// commented waits until a pull request's comment holds a value.
func (b *busy) commented(n int, value string, within time.Duration) {
	b.t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		said := b.repo.Comments(b.t, b.numbs[n])
		if slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, value) }) {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("after %s no comment of #%d holds %s: %q", within, b.numbs[n], value, said)
		}
	}
}

// replica is the controller's process.
type replica struct {
	logged
	b    *busy
	prof string // host:port of its profiles
}

// start starts one, on two processors.
func (b *busy) start() *replica {
	b.t.Helper()
	prof := freeAddress(b.t)
	cmd := exec.CommandContext(b.t.Context(), "domctl-watched", "serve", filepath.Join(b.root, "serve.yaml"))
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2", "DOMCTL_PPROF="+prof)
	r := &replica{starts(b.t, cmd), b, prof}
	b.t.Cleanup(func() {
		_ = r.Process.Kill()
		if text := r.said(); strings.Contains(text, canary) || b.t.Failed() {
			b.t.Logf("the controller said:\n%s", text[max(0, len(text)-8<<10):])
		}
	})
	return r
}

// until waits until it is ready, and answers how long that took.
func (r *replica) until(within time.Duration) time.Duration {
	r.b.t.Helper()
	began := time.Now()
	for {
		if status, _ := r.get("http://" + r.b.ready + "/readyz"); status == http.StatusOK {
			return time.Since(began)
		}
		if strings.Contains(r.said(), "domctl: error ") {
			r.b.t.Fatal("it ended")
		}
		if time.Since(began) > within {
			r.b.t.Fatalf("it is not ready after %s", within)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (r *replica) get(url string) (status int, body []byte) {
	ctx, cancel := context.WithTimeout(r.b.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		r.b.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	body, _ = io.ReadAll(res.Body)
	return res.StatusCode, body
}

// end ends it, and waits until it has.
func (r *replica) end() {
	r.b.t.Helper()
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		r.b.t.Fatal(err)
	}
	if err := r.Wait(); err != nil {
		r.b.t.Errorf("it ended with %v:\n%s", err, r.said())
	}
}

// delivery is a webhook of Gitea's.
type delivery struct{ event, id, body string }

// sample is what Gitea delivers of one kind, as far as anybody reads it, in the size that
// it has.
func (b *busy) sample(event string, n int) delivery {
	one := map[string]any{"repository": map[string]any{"full_name": b.repo.Name}, "padding": strings.Repeat("x", 6<<10)}
	switch event {
	case "push":
		ref := "refs/heads/main"
		if n%4 > 0 {
			ref = "refs/heads/" + branch(n%b.pulls)
		}
		maps.Copy(one, map[string]any{"ref": ref, "after": fmt.Sprintf("%040x", n+1)})
	case "pull_request":
		maps.Copy(one, map[string]any{"action": "synchronized", "number": b.numbs[n%b.pulls]})
	case "issue_comment":
		maps.Copy(one, map[string]any{"action": "created", "issue": map[string]any{"number": b.numbs[n%b.pulls], "pull_request": map[string]any{"merged": false}}, "comment": map[string]any{"id": n + 1}})
	}
	body, err := json.Marshal(one)
	if err != nil {
		b.t.Fatal(err)
	}
	return delivery{event, fmt.Sprintf("delivery-%d", n), string(body)}
}

// deliver signs and sends one, and answers its status.
func (b *busy) deliver(d delivery) (int, error) {
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, "http://"+b.hooks+"/hooks/domino", bytes.NewReader([]byte(d.body)))
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-Gitea-Event", d.event)
	req.Header.Set("X-Gitea-Delivery", d.id)
	req.Header.Set("X-Gitea-Signature", signature(hookSecret, d.body))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}
