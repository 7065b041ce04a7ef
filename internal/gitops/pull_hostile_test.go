package gitops_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
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

// TestAFileThatIsThereTwice: git shows the one that stood there before, and whoever
// writes the tree fails. The pull request says so.
func TestAFileThatIsThereTwice(t *testing.T) {
	h := newHall(t)
	h.look()
	var prod, root strings.Builder
	for _, l := range strings.Split(h.git("ls-tree", "main:prod"), "\n") {
		f := strings.Fields(l)
		if f[3] == "compute.cue" {
			prod.WriteString(entry(f[0], f[3], h.object("blob", "package domino\n")))
		}
		prod.WriteString(entry(strings.TrimPrefix(f[0], "0"), f[3], f[2]))
	}
	for _, l := range strings.Split(h.git("ls-tree", "main"), "\n") {
		f := strings.Fields(l)
		if f[3] == "prod" {
			f[2] = h.object("tree", prod.String())
		}
		root.WriteString(entry(strings.TrimPrefix(f[0], "0"), f[3], f[2]))
	}
	head := h.stands("twice", h.object("tree", root.String()))
	h.propose(2, "twice")
	h.look()
	if got := h.lastSum(head); got != "error: cannot be read: its folder holds prod/compute.cue twice" {
		t.Errorf("%q", got)
	}
	if got := h.lastSum(h.head); !strings.HasPrefix(got, "success") {
		t.Errorf("another pull request shows %q", got)
	}
}

// unreadable is a source of which pull requests cannot be read.
type unreadable struct{ gitops.Proposals }

func (unreadable) Propose(context.Context, port.Pull, string, []string, string) (*gitops.Proposal, error) {
	return nil, fmt.Errorf("fetch: %w", git.Unreadable{Why: "too much"})
}

// TestReadAgain: once what could not be read can be, the pull request shows its plan
// again, also by another controller.
func TestReadAgain(t *testing.T) {
	h := newHall(t)
	h.look()
	before := h.lastSum(h.head)
	h.git("checkout", "-q", "main")
	h.write("README.md", "Ours.\n")
	h.at.Source = unreadable{h.at.Source}
	for range 3 {
		h.look()
		if got := h.lastSum(h.head); got != "error: cannot be read: too much" {
			t.Errorf("%q", got)
		}
		if err := h.machine.Clock.Sleep(t.Context(), 2*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.count()["SetStatus"]; n > 5 { // three for the plan
		t.Errorf("%d states are shown", n)
	}
	h.restart()
	h.look()
	if got := h.lastSum(h.head); got != before || !strings.HasPrefix(got, "success") {
		t.Errorf("%q, want %q", got, before)
	}
}

// TestManyFilesBesideTheModule: what a pull request does not count as the deployment's
// is not written for it once it is merged, either.
func TestManyFilesBesideTheModule(t *testing.T) {
	r := newRig(t)
	r.commit("modern-before")
	folder := func(mode, id string, n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(entry(mode, fmt.Sprintf("f%04d", i), id))
		}
		return r.object("tree", b.String())
	}
	many := folder("40000", folder("100644", r.object("blob", "x"), 1000), 110)
	acme := entry("40000", "acme", r.git("rev-parse", "main^{tree}"))
	base := r.stands("base", r.object("tree", acme))
	head := r.git("commit-tree", "-p", base, "-m", "x", r.object("tree", acme+entry("40000", "many", many)))
	r.git("update-ref", "refs/heads/main", head)
	clone := &gitops.Clone{Dir: filepath.Join(t.TempDir(), "r"), Remote: func() (git.Remote, error) { return git.Remote{URL: "file://" + r.repo}, nil }}
	if _, err := clone.Head(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	p, err := clone.Propose(t.Context(), port.Pull{Number: 1, Head: "main", HeadCommit: head}, base, []string{"acme/prod"}, t.TempDir())
	if err != nil || len(p.Files) != 110_000 || p.Holds("acme/prod") {
		t.Fatalf("%+v, %v", p, err)
	}
	tree, back, err := clone.Of("acme/prod").Tree(t.Context(), head)
	if err != nil {
		t.Fatal(err)
	}
	defer back()
	for name, there := range map[string]bool{"acme/cue.mod/module.cue": true, "acme/prod/compute.cue": true, "many": false} {
		if _, err := os.Stat(filepath.Join(tree.Dir, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := clone.Of("many").Tree(t.Context(), head); err == nil || !strings.Contains(err.Error(), "more than 100000 files") {
		t.Errorf("%v", err)
	}
	none, back, err := clone.Of("elsewhere").Tree(t.Context(), head)
	if all, _ := os.ReadDir(none.Dir); err != nil || len(all) > 0 {
		t.Errorf("%s, %v", all, err)
	}
	back()
}

// TestFilesThatTakeForEver: nobody holds the mirror for longer than it may take to write
// what a commit holds, and of one pull request that is found out once for all deployments.
func TestFilesThatTakeForEver(t *testing.T) {
	h := newHall(t)
	clone := h.at.Source.(own).Clone
	clone.MostWrite = time.Nanosecond
	if _, err := h.at.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.at.Wait()
	const why = "its files are not written within 1ns"
	if got := h.ends(h.head)[0]; got != "error cannot be planned: "+why {
		t.Errorf("%q", got)
	}
	commit := h.git("rev-parse", "main")
	if _, _, err := clone.Of("prod").Tree(t.Context(), commit); err == nil || err.Error() != why {
		t.Errorf("%v", err)
	}
	propose := func() *gitops.Proposal {
		p, err := clone.Propose(t.Context(), *h.pulls[1], commit, []string{"prod"}, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Done)
		return p
	}
	slow := propose()
	trees := func(ctx context.Context, p *gitops.Proposal) string {
		_, after, err := p.Trees(ctx)
		if err != nil {
			return err.Error()
		}
		_, err = os.Stat(filepath.Join(after.Dir, "prod", "compute.cue"))
		return fmt.Sprint(err)
	}
	if got := trees(t.Context(), slow); got != why {
		t.Errorf("%s", got)
	}
	clone.MostWrite = 0
	if got := trees(t.Context(), slow); got != why {
		t.Errorf("it is tried again: %s", got)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	again := propose()
	for _, c := range []struct {
		ctx  context.Context
		want string
	}{{ended, context.Canceled.Error()}, {t.Context(), fmt.Sprint(nil)}} {
		if got := trees(c.ctx, again); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	h.restart()
	h.look()
	if got := h.ends(h.head)[0]; !strings.HasPrefix(got, "success") {
		t.Errorf("%q", got)
	}
}
