//go:build wire

package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"domctl.dev/internal/forge/forgetest"
	"domctl.dev/internal/wiretest"
)

// served is a deployment on the wire servers that controllers keep at what a branch
// of a repository says.
type served struct {
	*faulty
	set    *wiretest.MongoSet
	forge  *forgetest.Tea
	config string
}

func newServed(t *testing.T) *served {
	t.Helper()
	f, set := newSet(t)
	w := &served{f, set, forgetest.NewTea("acme/domino"), filepath.Join(t.TempDir(), "serve.yaml")}
	server := httptest.NewServer(w.forge)
	t.Cleanup(server.Close)
	t.Setenv("HOOK_SECRET", "sesame")
	t.Setenv("FORGE_TOKEN", "bot-token")
	text := fmt.Sprintf(`work: %s
poll: 1d
listen: {webhooks: "127.0.0.1:0", health: "127.0.0.1:0"}
forges:
  acme: {kind: gitea, url: %q, token: "env:FORGE_TOKEN"}
repositories:
  domino: {forge: acme, name: acme/domino, url: "file://%s", webhook: "env:HOOK_SECRET"}
deployments:
  acme:
    repository: domino
    branch: main
    dir: acme
    world: live
    aws: {account: %q, region: %s, cluster: acme}
    mongo: {database: %s, uri: "env:DOMCTL_MONGO_URI"}
    state: {s3: {bucket: %s, prefix: acme, kmsKey: %q}}
    secrets: ["env:ACME_TOKEN"]
    registries: [registry.example]
`, filepath.Join(t.TempDir(), "work"), server.URL, w.repo(), w.Account.ID, w.Account.Region, w.Database, w.Bucket, w.Key)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.git("init", "-q", "-b", "main")
	w.commit()
	return w
}

func (w *served) repo() string { return filepath.Dir(w.dir) }

func (w *served) git(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir = w.repo()
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit brings the files as they are into the branch.
func (w *served) commit() string {
	w.t.Helper()
	w.git("add", "-A")
	w.git("commit", "-q", "--allow-empty", "-m", "x")
	return w.git("rev-parse", "HEAD")
}

// controller is domctl serve, at work.
type controller struct {
	logged
	w *served
}

// logged is a program that a test started, and what it logs.
type logged struct {
	*exec.Cmd
	t   *testing.T
	log string
}

// starts starts a program. Whoever calls sees to its end.
func starts(t *testing.T, cmd *exec.Cmd) logged {
	t.Helper()
	l := logged{cmd, t, filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(l.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	l.Stdout, l.Stderr = log, log
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l logged) said() string {
	text, err := os.ReadFile(l.log)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(text)
}

// serve starts a controller with a configuration.
func (w *served) serve(config string) *controller {
	w.t.Helper()
	return w.serveAs("domctl", config)
}

func (w *served) serveAs(program, config string) *controller {
	w.t.Helper()
	c := &controller{starts(w.t, exec.CommandContext(w.t.Context(), program, "serve", config)), w}
	w.t.Cleanup(func() { _ = c.Process.Kill(); w.noSecret(c.said()) })
	return c
}

// await waits until the controller's log says something so many times.
func (c *controller) await(text string, times int) {
	c.w.t.Helper()
	c.w.waits(func() bool { return strings.Count(c.said(), text) >= times }, func() string { return "nothing says " + text + ":\n" + c.said() })
}

// waits polls for what is to come.
func (w *served) waits(come func() bool, why func() string) {
	w.t.Helper()
	wiretest.Until(w.t, 2*time.Minute, come, why)
}

// end ends it by a signal, and waits until it has.
func (c *controller) end(s syscall.Signal) {
	c.w.t.Helper()
	if err := c.Process.Signal(s); err != nil {
		c.w.t.Fatal(err)
	}
	if err := c.Wait(); err != nil && s != syscall.SIGKILL {
		c.w.t.Errorf("it ended with %v:\n%s", err, c.said())
	}
}

// shows waits until the forge shows how a commit stands.
func (c *controller) shows(commit, state, text string) {
	c.w.t.Helper()
	c.w.waits(func() bool {
		return slices.ContainsFunc(c.w.forge.Statuses(), func(s forgetest.TeaStatus) bool {
			return s.Commit == commit && s.State == state && strings.Contains(s.Description, text)
		})
	}, func() string {
		return fmt.Sprintf("%s never shows %s, %q: %+v\n%s", commit, state, text, c.w.forge.Statuses(), c.said())
	})
}

// push commits and delivers the webhook.
func (c *controller) push() string {
	c.w.t.Helper()
	commit := c.w.commit()
	c.await("for=webhooks", 1)
	if status, _, err := asked(c.said(), "/hooks/domino", "sesame"); err != nil || status != 202 {
		c.w.t.Fatalf("the webhook is answered %d: %v", status, err)
	}
	return commit
}

// TestLiveServe: commits are applied to AWS and MongoDB by a process whose records are
// in a bucket, and which keeps no connection open for what it has done.
func TestLiveServe(t *testing.T) {
	w := newServed(t)
	first := w.git("rev-parse", "HEAD")
	c := w.serve(w.config)
	c.shows(first, "success", "applied")
	w.edit("maximumExecutionsPerUser: 30", "maximumExecutionsPerUser: 40")
	c.shows(c.push(), "success", "applied")
	if !strings.Contains(database(t, w.Acme), `"value":"40"`) {
		t.Error("the second commit is not in the database")
	}
	asked := len(w.set.Asked())
	for i := range 10 {
		w.edit("package domino", fmt.Sprintf("package domino // %d", i))
		c.shows(c.push(), "success", "nothing to do")
	}
	if len(w.set.Asked()) < asked+10 {
		t.Errorf("ten turns asked the database %d times", len(w.set.Asked())-asked)
	}
	w.waits(func() bool { return w.set.Open() == 0 }, func() string { return fmt.Sprintf("%d connections are open", w.set.Open()) })
	c.end(syscall.SIGTERM)
	w.versions(2)
	w.nothing()
}

// TestLiveServeKilled: a controller dies by SIGKILL with a call in flight, or is told to
// end. The next one, in another folder, goes on with the apply, and nothing is made twice.
func TestLiveServeKilled(t *testing.T) {
	for _, c := range []struct {
		call string
		by   syscall.Signal
	}{{"CreateLaunchTemplateVersion", syscall.SIGKILL}, {"UpdateAutoScalingGroup", syscall.SIGKILL}, {"UpdateNodegroupConfig", syscall.SIGKILL}, {"ModifyLaunchTemplate", syscall.SIGTERM}} {
		t.Run(c.call, func(t *testing.T) {
			w := newServed(t)
			commit := w.git("rev-parse", "HEAD")
			w.Account.Fail(wiretest.Fault{Action: c.call, Delay: time.Second})
			first := w.serve(w.config)
			w.awaitCall(c.call, first)
			first.end(c.by)
			if c.by == syscall.SIGKILL {
				w.says(domctl(t, 0, "lock", "show", w.dir), "The lock is held by ")
			} else {
				w.says(domctl(t, 0, "lock", "show", w.dir), "The lock is free.")
			}
			next := w.serve(w.another())
			next.shows(commit, "success", "applied")
			next.end(syscall.SIGTERM)
			w.once()
		})
	}
}

// once holds that the deployment was applied by one apply, which wrote everything once.
func (w *served) once() {
	w.t.Helper()
	w.nothing()
	w.versions(2)
	if applies := strings.Count(domctl(w.t, 0, "history", w.dir, "--format", "json"), `"by":`); applies != 1 {
		w.t.Errorf("%d applies:\n%s", applies, domctl(w.t, 0, "history", w.dir))
	}
	for _, what := range []string{"insert hardware_tier", "update environments_v2"} {
		if n := count(w.set.Took(), what); n != 1 {
			w.t.Errorf("%d times %s", n, what)
		}
	}
}

// TestLiveServeCredentials: a connection string that a file holds counts anew at each
// turn, and what is wrong with it is told without it.
func TestLiveServeCredentials(t *testing.T) {
	w := newServed(t)
	uri := filepath.Join(t.TempDir(), "mongo-uri")
	keep := func(text string) {
		t.Helper()
		if err := os.WriteFile(uri, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keep("mongodb://me:" + canary + "@127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=100")
	w.reconfigure(`uri: "env:DOMCTL_MONGO_URI"`, `uri: "file:`+uri+`"`)
	w.edit(`, uri: secret: env: "DOMCTL_MONGO_URI"`, "")
	commit := w.commit()
	c := w.serve(w.config)
	c.await(`msg="cannot go on"`, 1)
	keep(w.set.URI)
	c.shows(commit, "success", "applied")
	c.end(syscall.SIGTERM)
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

// awaitCall waits for a call to reach AWS.
func (w *served) awaitCall(action string, c *controller) {
	w.t.Helper()
	w.waits(func() bool {
		return slices.ContainsFunc(w.Account.Calls(), func(call wiretest.Call) bool { return call.Action == action })
	}, func() string { return action + " never came:\n" + c.said() })
}

// TestLiveServeElsewhere: a commit that names what the controller does not bind it to is
// refused, and neither AWS nor MongoDB is asked for it: the controller's own records are.
func TestLiveServeElsewhere(t *testing.T) {
	w := newServed(t)
	c := w.serve(w.config)
	c.shows(w.git("rev-parse", "HEAD"), "success", "applied")
	asked := len(w.set.Asked())
	for _, wrong := range []struct{ old, new, code string }{
		{`account: "` + w.Account.ID, `account: "999999999999`, "DC521"},
		{`region: "us-west-2"`, `region: "us-east-1"`, "DC521"},
		{`cluster: "acme"`, `cluster: "other"`, "DC521"},
		{`database: "` + w.Database, `database: "other_`, "DC521"},
		{`uri: secret: env: "DOMCTL_MONGO_URI"`, `uri: secret: env: "HOME"`, "DC521"},
		{`bucket: "` + w.Bucket, `bucket: "records-of-others`, "DC521"},
		{`cluster: "acme"}`, `cluster: "acme", role: "arn:aws:iam::999999999999:role/admin"}`, "DC521"},
		{`secret: env: "ACME_TOKEN"`, `secret: env: "FORGE_TOKEN"`, "DC522"},
		{`secret: env: "ACME_TOKEN"`, `secret: ssm: "/acme/token"`, "DC522"},
	} {
		w.Account.Reset()
		w.edit(wrong.old, wrong.new)
		c.shows(c.push(), "failure", wrong.code)
		w.edit(wrong.new, wrong.old)
		for _, call := range w.Account.Calls() {
			if call.Service != "s3" && call.Service != "kms" || call.Parameters["Bucket"] != nil && call.Parameters["Bucket"] != w.Bucket {
				t.Errorf("%s: AWS is asked for %s %s %v", wrong.new, call.Service, call.Action, call.Parameters)
			}
		}
		if all := w.set.Asked(); len(all) > asked {
			t.Errorf("%s: MongoDB is asked for %v", wrong.new, all[asked:])
		}
	}
	c.shows(c.push(), "success", "nothing to do")
	c.end(syscall.SIGTERM)
}
