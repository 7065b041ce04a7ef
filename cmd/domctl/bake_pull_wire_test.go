//go:build wire && bake

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"domctl.dev/internal/wiretest"
)

// pulls are images that are baked side by side, of each engine one that meets a
// registry that cuts off and has enough for a while, and one whose disk is too small
// for what the engine downloads.
func pulls(b *wiretest.Bakery) string {
	var text strings.Builder
	fmt.Fprintf(&text, "amis: old: pin: {id: %q, reason: \"made by hand\"}\n", b.Old)
	for engine, downloads := range map[string]string{"docker": "/var/lib/docker/tmp", "containerd": "/var/lib/containerd/io.containerd.content.v1.content"} {
		for _, image := range []string{"cut", "busy", "large"} {
			fmt.Fprintf(&text, "baseImages: %q: image: %q\n", image+"-"+engine, b.Image(image+"-"+engine))
		}
		head := fmt.Sprintf(`from: ami: "old", runtime: %q, connect: ssm: true`, engine)
		fmt.Fprintf(&text, "amis: %q: bake: {%s, cache: baseImages: [%q, %q]}\n", "patient-"+engine, head, "cut-"+engine, "busy-"+engine)
		fmt.Fprintf(&text, "amis: %q: bake: {%s, scripts: [%q], cache: baseImages: [%q]}\n", "full-"+engine, head, "mkdir -p "+downloads+"; mount -t tmpfs -o size=4m tmpfs "+downloads, "large-"+engine)
	}
	return text.String()
}

// TestBakeRealPulls: a pull that breaks off, and one that a registry refuses for now,
// are tried again; one for which there is no room says so, and its instance is ended.
func TestBakeRealPulls(t *testing.T) {
	b, f := beside(t, func(b *wiretest.Bakery) string {
		for _, engine := range []string{"docker", "containerd"} {
			for image, of := range map[string]string{"cut": "standard", "busy": "spark", "large": "spark"} {
				b.Copy(t, of, image+"-"+engine)
			}
			b.Meter.Fail("domino/cut-"+engine, wiretest.BlobFault{Served: 1, Times: 1})
			b.Meter.Fail("domino/busy-"+engine, wiretest.BlobFault{Served: 1, Status: 429, Times: 2})
		}
		return pulls(b)
	})
	f.runs(0, "update", f.dir)
	out := f.runs(1, "apply", f.dir, "--auto-approve", "--parallelism", "4", "--exclude", "amis.executor")
	t.Log(out)
	made := byEntry(b, t)
	for _, engine := range []string{"docker", "containerd"} {
		if got := made["patient-"+engine]; got.verified != "passed" {
			t.Errorf("%s: the image is %+v", engine, got)
		}
		full := regexp.MustCompile("DC331: amis[.]full-" + engine + ": .*: image 1 of 1.*" + b.Image("large-"+engine) + ".*no space left on device.*; its log is ")
		if !full.MatchString(out) {
			t.Errorf("nothing says %s", full)
		}
		logs, err := filepath.Glob(filepath.Join(f.dir, ".domctl/logs/*/amis.patient-"+engine+"_bake.image_*.log"))
		if err != nil || len(logs) != 1 {
			t.Fatalf("logs %v: %v", logs, err)
		}
		text, err := os.ReadFile(logs[0])
		t.Logf("%s: %v\n%s", engine, err, text)
	}
	if left, failing := b.Left(t), b.Meter.Failing(); len(left) != 0 || len(made) != 2 || len(failing) != 0 {
		t.Errorf("instances %v are left, there are images %v, and the registry has yet to fail for %v", left, made, failing)
	}
}
