//go:build wire

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestForgeServeApprovals: what a rule fits waits until somebody who did not write it
// approves it in a comment, before the merge or after it; a rollback takes it back.
func TestForgeServeApprovals(t *testing.T) {
	s := serveOnForge(t, `rules: [{name: all, when: {kinds: [settings]}}]`)
	compute := s.files()["prod/compute.cue"]
	has := func(n string) func() bool {
		return func() bool {
			text, err := os.ReadFile(filepath.Join(s.folder, "acme/prod/.domctl/sandbox.json"))
			return err == nil && strings.Contains(string(text), `"`+n+`"`)
		}
	}
	said := func(number int, text string) (found string) {
		t.Helper()
		s.until(text, func() bool {
			for _, c := range s.repo.Comments(t, number) {
				if strings.Contains(c, text) {
					found = c
					return true
				}
			}
			return false
		})
		return found
	}
	line := regexp.MustCompile(`(?m)^    (domctl apply [0-9a-f]{32})$`)

	cyd := s.forge.User(t, "cyd")
	s.repo.Allow(t, cyd, "write")
	// The first commit was pushed, so that it has no place to be approved in.
	s.until("the push waits", func() bool { return strings.Contains(s.log.String(), "DC536") })
	s.repo.Push(t, s.ann, "work", "main", map[string]string{"prod/compute.cue": strings.Replace(compute, "maximumExecutionsPerUser: 30", "maximumExecutionsPerUser: 40", 1)})
	first := s.repo.Pull(t, s.ann, "work", "main", "Forty")
	yes := line.FindStringSubmatch(said(first, "1 approval, 1 missing"))[1]
	s.repo.Comment(t, s.ann, first, yes)
	said(first, "wrote or pushed")
	s.repo.Comment(t, s.bob, first, yes)
	said(first, "`"+s.bob.Name+"` approved")
	s.repo.Merge(t, s.ann, first)
	said(first, "any one of those who approve may have pushed it")
	s.repo.Comment(t, cyd, first, yes)
	s.until("it is applied", has("40"))

	s.repo.Push(t, s.bob, "more", "main", map[string]string{"prod/compute.cue": strings.Replace(compute, "maximumExecutionsPerUser: 30", "maximumExecutionsPerUser: 50", 1)})
	second := s.repo.Pull(t, s.bob, "more", "main", "Fifty")
	said(second, "40 → 50")
	merged := s.repo.Merge(t, s.bob, second)
	yes = line.FindStringSubmatch(said(second, "waits for approval"))[1]
	if got := s.repo.Statuses(t, merged)["domctl/acme-prod"]; got != "pending" && got != "" {
		t.Errorf("what waits shows %q", got)
	}
	s.repo.Comment(t, s.bob, second, yes)
	said(second, "wrote or pushed")
	time.Sleep(time.Second)
	if has("50")() {
		t.Fatal("its author's word was enough")
	}
	s.repo.Comment(t, s.ann, second, "Yes.\n\n"+yes)
	s.until("it is applied", has("50"))
	said(second, "`applied")

	s.repo.Comment(t, s.ann, second, "domctl rollback")
	said(second, "was taken back by")
	s.until("it is taken back", has("40"))
}
