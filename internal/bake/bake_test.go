package bake

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func TestNames(t *testing.T) {
	for image, want := range map[string][2]string{
		"quay.io/domino/base:DED@sha256:aa":     {"quay.io/domino/base:DED", "quay.io/domino/base@sha256:aa"},
		"10.0.0.5:5000/env:65e0-9@sha256:bb":    {"10.0.0.5:5000/env:65e0-9", "10.0.0.5:5000/env@sha256:bb"},
		"10.0.0.5:5000/untagged@sha256:cc":      {"10.0.0.5:5000/untagged", "10.0.0.5:5000/untagged@sha256:cc"},
		"domino-environment:65e0-9@sha256:dead": {"domino-environment:65e0-9", "domino-environment@sha256:dead"},
	} {
		if byTag, byDigest := names(image); byTag != want[0] || byDigest != want[1] {
			t.Errorf("%s is %s and %s", image, byTag, byDigest)
		}
	}
}

// TestNoTextEscapes: what comes from files and from Domino's database stays one word
// of the scripts, and their end cannot be forged by a line of them.
func TestNoTextEscapes(t *testing.T) {
	evil := "x'; reboot #"
	o := order{images: []string{evil + ":1@sha256:aa"}, bake: schema.Bake{Runtime: "docker"}}
	lent := o
	lent.instance, lent.remove = "i-1", []string{evil + ":2@sha256:bb"}
	for _, text := range []string{o.workText("t"), o.verifyText("t"), lent.workText("t")} {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(strings.TrimSpace(line), "reboot") || strings.Contains(line, "'x'; reboot") {
				t.Errorf("a command of its own: %s", line)
			}
		}
	}
	for _, text := range []string{"echo\nDOMCTL-\nreboot", o.workText("t")} {
		end := "DOMCTL-" + schema.DigestOf(text)
		if begin := beginText("t", text); strings.Count(begin, "\n"+end+"\n") != 2 {
			t.Errorf("%q ends %d times", end, strings.Count(begin, "\n"+end+"\n"))
		}
	}
}

// TestWhoMayLogIn: an image lets nobody in. Over SSH the key goes last, since domctl
// looks with it how the work stands.
func TestWhoMayLogIn(t *testing.T) {
	var ssm, ssh order
	ssh.bake.Connect.SSH = &schema.SSH{}
	lent := ssm
	lent.instance = "i-1"
	if text := lent.workText("t"); strings.Contains(text, "authorized_keys") || strings.Contains(text, "/var/lib/cloud") || !strings.Contains(text, "/.docker/config.json") {
		t.Errorf("a person is locked out, or credentials stay:\n%s", text)
	}
	for what, text := range map[string]string{"work over SSM": ssm.workText("t"), "forgetting": forgetText("t")} {
		if !strings.Contains(text, homes+`; do rm -f "$home/.ssh/authorized_keys" "$home/.ssh/authorized_keys2"; done`) {
			t.Errorf("%s leaves who may log in:\n%s", what, text)
		}
	}
	if text := ssh.workText("t"); strings.Contains(text, "authorized_keys") {
		t.Errorf("domctl cannot look any more:\n%s", text)
	}
}

// TestALargeCache: SSM takes so much and no more, which is said before an instance
// is launched; SSH takes all.
func TestALargeCache(t *testing.T) {
	for _, runtime := range []string{"docker", "containerd"} {
		o := order{ami: "a", deployment: "acme", key: strings.Repeat("ab", 16), bake: schema.Bake{Runtime: runtime}}
		for n := range 300 {
			o.images = append(o.images, fmt.Sprintf("registry.acme.example:5000/dominodatalab/environment:65a1b2c3d4e5f60718293a4b-%d@sha256:%064x", n, n))
		}
		over := o
		over.bake.Connect.SSH = &schema.SSH{}
		few := o
		few.images = o.images[:40]
		if o.tooLong() == "" || over.tooLong() != "" || few.tooLong() != "" {
			t.Errorf("%s: 300 images: %q; over SSH: %q; 40 images: %q", runtime, o.tooLong(), over.tooLong(), few.tooLong())
		}
		a := applier.Attempt{Token: "token"}
		if s := (baking{}).none(a, o, nil); s.State != applier.Failed || !strings.HasPrefix(s.Why, "DC348: the script for 300 images") {
			t.Errorf("%s: %+v", runtime, s)
		}
	}
}

func TestNameOfAnImage(t *testing.T) {
	o := order{ami: "gpu", deployment: "acme", key: strings.Repeat("ab", 16)}
	at := time.Date(2026, 3, 1, 23, 59, 30, 0, time.FixedZone("", 3600))
	if got := o.names(at)[:2]; !slices.Equal(got, []string{"domino-acme-executor-20260301-2259-gpu-abababab", "domino-acme-executor-20260301-2259-gpu-abababab-2"}) {
		t.Error(got)
	}
}

// TestRounds: a step that was taken back and goes on has another token and mark.
func TestRounds(t *testing.T) {
	first := applier.Attempt{Token: "token", Begun: map[string]bool{"launch": true}}
	again := applier.Attempt{Token: "token", Begun: map[string]bool{"launch": true, "undo i-1": true}}
	if launchToken(first) != "token" || launched(first) != "launch" {
		t.Error(launchToken(first), launched(first))
	}
	later := applier.Attempt{Token: "token", Round: 1, Begun: map[string]bool{}}
	if t1, t2 := launchToken(again), launchToken(later); t1 == t2 || t2 == "token" {
		t.Error("a round has the token of another")
	}
	if launchToken(again) == "token" || len(launchToken(again)) > 64 || launched(again) != "launch 1" {
		t.Error(launchToken(again), launched(again))
	}
}

// TestTagText: of a long text, its beginning and its end can be read.
func TestTagText(t *testing.T) {
	long := "image 1 of 1: " + strings.Repeat("x", 300) + ": no space left on device"
	tag := tagText(long)
	if len(tag) != 250 || !strings.HasPrefix(tag, "image 1 of 1: xxx") || !strings.Contains(tag, "x ... x") || !strings.HasSuffix(tag, ": no space left on device") || tagText(tag) != tag {
		t.Errorf("%d: %q", len(tag), tag)
	}
}

func FuzzTagText(f *testing.F) {
	f.Add("image 1 of 2: no such host\n")
	f.Fuzz(func(t *testing.T, s string) {
		if b := bounded(s); len(b) > 250 || !utf8.ValidString(b) || strings.ContainsAny(b, "\n\r\t\x1b") {
			t.Errorf("%q", b)
		}
		tag := tagText(s)
		if len(tag) > 256 || !utf8.ValidString(tag) || strings.ContainsAny(tag, "\n\"'`<>") {
			t.Errorf("%q", tag)
		}
	})
}

func TestAnOrderWithoutABake(t *testing.T) {
	if _, err := orderOf(planner.Step{ID: "s", Args: map[string]schema.Value{}}); err == nil {
		t.Error("no error")
	}
}

// TestPulls: what is pulled is said where the registries tell sizes, else left out.
func TestPulls(t *testing.T) {
	o := order{images: []string{"a", "b", "c"}}
	if got := o.pulls(1); got != "image 2 of 3: b" {
		t.Error(got)
	}
	o.sizes = []int64{1 << 30, 1 << 29, 1 << 29}
	if got := o.pulls(1); got != "image 2 of 3, 1.0 GiB of 2.0 GiB pulled: b" {
		t.Error(got)
	}
}
