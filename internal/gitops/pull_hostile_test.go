package gitops_test

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/gitops"
)

// object writes one as git alone would not, and answers its id.
func (r rig) object(kind, text string) string {
	return r.feed(strings.NewReader(text), "hash-object", "-w", "-t", kind, "--literally", "--stdin")
}

func entry(mode, name, id string) string {
	raw, _ := hex.DecodeString(id)
	return mode + " " + name + "\x00" + string(raw)
}

// stands commits a tree to a branch.
func (r rig) stands(branch, tree string) string {
	c := r.git("commit-tree", "-p", "main", "-m", "x", tree)
	r.git("update-ref", "refs/heads/"+branch, c)
	return c
}

// lastSum is what a head shows of all deployments.
func (b *board) lastSum(commit string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.statuses[commit+" "+gitops.SumName]
	if len(all) == 0 {
		return ""
	}
	return string(all[len(all)-1].State) + ": " + all[len(all)-1].Text
}

// TestForkBomb: a fork of 13 objects that name 10^12 files says that nobody reads them,
// and holds the mirror up for nobody.
func TestForkBomb(t *testing.T) {
	h := newHall(t)
	id, mode := h.object("blob", "x"), "100644"
	for range 12 {
		var b strings.Builder
		for c := 'a'; c < 'k'; c++ {
			b.WriteString(entry(mode, string(c), id))
		}
		id, mode = h.object("tree", b.String()), "40000"
	}
	head := h.stands("bomb", h.object("tree", entry("40000", "bomb", id)))
	h.look()
	h.propose(2, "bomb")
	h.pulls[2].Repo = "mallory/domino"
	if _, err := h.at.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	within, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := h.at.Source.Head(within, "main"); err != nil {
		t.Errorf("the branch cannot be read beside it: %v", err)
	}
	h.at.Wait()
	if got := h.lastSum(head); !strings.HasPrefix(got, "error: cannot be read: ") || !strings.Contains(got, "more differs than is compared") {
		t.Errorf("%q", got)
	}
	h.count()
	if err := h.machine.Clock.Sleep(t.Context(), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	h.look()
	if got := h.count(); got["SetStatus"] > 0 {
		t.Errorf("it is said again: %v", got)
	}
}
