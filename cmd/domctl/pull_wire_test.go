//go:build wire

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"domctl.dev/internal/wiretest"
)

// servedOnForge is `domctl serve` for a deployment in a repository on a Gitea.
type servedOnForge struct {
	t      *testing.T
	forge  *wiretest.Gitea
	repo   *wiretest.ForgeRepo
	ann    *wiretest.ForgeUser // who owns it
	bob    *wiretest.ForgeUser // may write there
	folder string
	log    *said
}

// said is what a process says, which is read while it does.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.b.Write(p) }

func (s *said) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

// serveOnForge starts one that is told by webhooks alone, and ends it with the test. More
// fields of the deployment are those of the configuration: "rules: […]".
func serveOnForge(t *testing.T, fields ...string) *servedOnForge {
	t.Helper()
	server := wiretest.Forge(t)
	s := &servedOnForge{t: t, forge: server, ann: server.User(t, "ann"), bob: server.User(t, "bob"), folder: t.TempDir(), log: &said{}}
	bot := server.User(t, "domctl-bot")
	domctl(t, 0, "init", filepath.Join(s.folder, "acme", "prod"))
	s.repo = s.ann.Repo(t, "domino", s.files())
	s.repo.Allow(t, bot, "admin") // who else is not told what others may do
	s.repo.Allow(t, s.bob, "write")
	known := filepath.Join(s.folder, "known_hosts")
	if err := os.WriteFile(known, []byte(server.KnownHosts()), 0o600); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`work: %[1]s/work
poll: 1h
listen: {webhooks: "127.0.0.1:0"}
forges:
  tea: {kind: gitea, url: "%[2]s", token: "env:SERVE_TOKEN"}
repositories:
  domino: {forge: tea, name: "%[3]s", url: "%[4]s", key: "file:%[5]s", knownHosts: "%[6]s", webhook: "env:SERVE_HOOK"}
deployments:
  acme-prod: {repository: domino, branch: main, dir: prod, world: sandbox, sandbox: %[1]s/acme/prod/.domctl/sandbox.json, state: {file: %[1]s/state}, secrets: ["env:*"]%[7]s}
`, s.folder, server.URL(), s.repo.Name, s.repo.SSH(), bot.Key(t), known, strings.Join(append([]string{""}, fields...), ", "))
	file := filepath.Join(s.folder, "serve.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p := exec.CommandContext(t.Context(), "domctl", "serve", file)
	p.Env = append(os.Environ(), "SERVE_TOKEN="+bot.Token, "SERVE_HOOK=sesame", "XDG_CACHE_HOME="+t.TempDir())
	p.Stdout, p.Stderr, p.Cancel = s.log, s.log, func() error { return p.Process.Signal(syscall.SIGTERM) }
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Wait() // its context has ended
		if t.Failed() {
			t.Log(s.log)
		}
		if strings.Contains(s.log.String(), bot.Token) {
			t.Error("the token stands in the log")
		}
	})
	at := regexp.MustCompile(`for=webhooks at=(\S+)`)
	s.until("it listens", func() bool { return at.MatchString(s.log.String()) })
	s.repo.Hook(t, "http://"+at.FindStringSubmatch(s.log.String())[1]+"/hooks/domino", "sesame")
	return s
}

// files are those of the deployment, without what it keeps for itself.
func (s *servedOnForge) files() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	top := filepath.Join(s.folder, "acme")
	err := filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && e.Name() == ".domctl" {
			return fs.SkipDir
		}
		if rel, _ := filepath.Rel(top, name); e.Type().IsRegular() {
			text, err := os.ReadFile(name)
			all[filepath.ToSlash(rel)] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// until waits until something is so, and answers how long that took.
func (s *servedOnForge) until(what string, is func() bool) time.Duration {
	s.t.Helper()
	return wiretest.Until(s.t, time.Minute, is, func() string { return what })
}

// TestForgeServePulls: what a pull request would do stands below it, in one comment that
// follows its head; the merge does it.
func TestForgeServePulls(t *testing.T) {
	s := serveOnForge(t)
	s.until("main is applied", func() bool { return strings.Contains(s.log.String(), "msg=done") })
	compute := s.files()["prod/compute.cue"]
	set := func(n int) map[string]string {
		return map[string]string{"prod/compute.cue": strings.Replace(compute, "maximumExecutionsPerUser: 30", fmt.Sprint("maximumExecutionsPerUser: ", n), 1)}
	}
	first := s.repo.Push(t, s.ann, "work", "main", set(40))
	number := s.repo.Pull(t, s.ann, "work", "main", "More **executions** \u202e<b>")
	shows := func(text string) func() bool {
		return func() bool {
			all := s.repo.Comments(t, number)
			return len(all) == 1 && strings.Contains(all[0], text)
		}
	}
	took := []time.Duration{s.until("the first comment", shows("30 → 40"))}
	s.until("its status", func() bool { return s.repo.Statuses(t, first)["domctl/acme-prod"] == "success" })

	second := s.repo.Push(t, s.ann, "work", "work", set(50))
	took = append(took, s.until("the comment on the second push", shows("30 → 50")))
	s.until("its status", func() bool { return s.repo.Statuses(t, second)["domctl/acme-prod"] == "success" })

	third := s.repo.ForcePush(t, s.ann, "work", "main", map[string]string{"prod/compute.cue": compute + "\nsettings: nonsense: {}\n"})
	took = append(took, s.until("the comment on what is wrong", shows("compute.cue")))
	s.until("its status", func() bool { return s.repo.Statuses(t, third)["domctl/acme-prod"] == "failure" })

	fourth := s.repo.ForcePush(t, s.ann, "work", "main", set(60))
	took = append(took, s.until("the comment on the last push", shows("30 → 60")))
	s.until("its status", func() bool { return s.repo.Statuses(t, fourth)["domctl/acme-prod"] == "success" })
	merged := s.repo.Merge(t, s.ann, number)
	s.until("the merge is applied", func() bool { return s.repo.Statuses(t, merged)["domctl/acme-prod"] != "" })
	if text, err := os.ReadFile(filepath.Join(s.folder, "acme/prod/.domctl/sandbox.json")); err != nil || !strings.Contains(string(text), `"60"`) {
		t.Errorf("the setting is not applied: %v", err)
	}
	slices.Sort(took)
	t.Logf("a push is commented within %s", took)
}
