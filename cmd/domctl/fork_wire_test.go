//go:build wire

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestForgeServeFork: a stranger's fork is planned from the branch's recording while the
// world cannot even be read; nobody approves that plan, and what is merged is planned
// against the world and applied.
func TestForgeServeFork(t *testing.T) {
	s := serveOnForge(t, "recording: {file: prod/world.json}")
	s.until("main is applied", func() bool { return strings.Contains(s.log.String(), "msg=done") })
	s.repo.Publish(t)
	eve := s.forge.User(t, "eve")
	box := filepath.Join(s.folder, "acme/prod/.domctl/sandbox.json")
	fork := s.repo.Fork(t, eve)
	compute := s.files()["prod/compute.cue"]
	set := func(n int) map[string]string {
		return map[string]string{"prod/compute.cue": strings.Replace(compute, "maximumExecutionsPerUser: 30", fmt.Sprint("maximumExecutionsPerUser: ", n), 1)}
	}
	first := fork.Push(t, eve, "work", "main", set(40))
	number := s.repo.Pull(t, eve, eve.Name+":work", "main", "More executions")
	shows := func(n int, all ...string) func() bool {
		return func() bool {
			said := s.repo.Comments(t, number)
			for _, text := range all {
				if len(said) != n || !strings.Contains(said[0], text) {
					return false
				}
			}
			return true
		}
	}
	s.until("it says that there is no recording", shows(1, "DC532: recording prod/world.json of branch main is not there"))
	s.until("its status", func() bool { return s.repo.Statuses(t, first)["domctl/acme-prod"] == "error" })

	recording := domctl(t, 0, "world", "record", filepath.Join(s.folder, "acme/prod"))
	recorded := s.repo.Push(t, s.ann, "main", "main", map[string]string{"prod/world.json": recording})
	s.until("it is planned", shows(1, "comes from a fork", "30 → 40", "as a recording of 20"))
	s.until("its status", func() bool { return s.repo.Statuses(t, first)["domctl/acme-prod"] == "success" })
	s.until("the branch is looked at", func() bool { return s.repo.Statuses(t, recorded)["domctl/acme-prod"] != "" })
	world, err := os.ReadFile(box)
	if err == nil {
		err = os.WriteFile(box, []byte("gone"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	second := fork.Push(t, eve, "work", "work", set(50))
	s.until("the next head is planned", shows(1, "30 → 50"))
	s.until("its status", func() bool { return s.repo.Statuses(t, second)["domctl/acme-prod"] == "success" })
	s.repo.Comment(t, s.bob, number, "domctl plan")
	s.repo.Comment(t, s.bob, number, "domctl apply 0123456789ab")
	s.until("nothing is approved", func() bool {
		said := s.repo.Comments(t, number)
		return len(said) == 4 && strings.Contains(said[3], "is approved by nobody") && strings.Contains(said[0], "30 → 50") && strings.Contains(said[0], "as a recording of 20")
	})
	if strings.Contains(s.log.String(), "a pull request is not planned") {
		t.Error("something could not be planned")
	}

	if err := os.WriteFile(box, world, 0o600); err != nil {
		t.Fatal(err)
	}
	s.repo.Merge(t, s.ann, number)
	s.until("the merge is applied", func() bool {
		text, err := os.ReadFile(box)
		return err == nil && strings.Contains(string(text), `"50"`)
	})
}
