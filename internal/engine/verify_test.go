package engine_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/schema"
)

// baking is the fixture of that name, with its files and its world changed: pairs
// of a text that is in one of them and what stands there instead.
func baking(t *testing.T, changes ...string) fixture {
	t.Helper()
	return changed(t, "baking", changes...)
}

func changed(t *testing.T, name string, changes ...string) fixture {
	t.Helper()
	root, used := t.TempDir(), map[string]bool{}
	read := func(file string) string {
		text, err := os.ReadFile(filepath.Join("../sim/testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		out := string(text)
		for i := 0; i < len(changes); i += 2 {
			used[changes[i]] = used[changes[i]] || strings.Contains(out, changes[i])
			out = strings.ReplaceAll(out, changes[i], changes[i+1])
		}
		return out
	}
	files, err := filepath.Glob("../sim/testdata/" + name + "/*.cue")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../sim/testdata/cue.mod/module.cue") {
		file = strings.TrimPrefix(file, "../sim/testdata/")
		at := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(read(file)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f := fixture{name: name, content: []byte(read(name + "/sandbox.json")), before: compiled(t, name+"-before")}
	if f.after, err = sim.Compile(t.Context(), filepath.Join(root, name)); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(changes); i += 2 {
		if !used[changes[i]] {
			t.Fatalf("%q is nowhere in %s", changes[i], name)
		}
	}
	return f
}

// base of the fixture as the sandbox has it, with what lies on its disk.
const base = `"name": "base", "ownerAlias": "amazon"`

func withDisk(disk string) []string { return []string{base, base + `, "disk": ` + disk} }

// tagged are the tags of the image that was baked.
func (r rig) tagged() map[string]string {
	r.t.Helper()
	for _, i := range r.own() {
		return i.Tags
	}
	return nil
}

// switched are the calls that changed something outside, but for those of a bake.
func (r rig) switched() (calls []string) {
	for _, e := range r.Effects {
		if !slices.Contains([]string{"RunInstance", "RunScript", "StopInstance", "CreateImage", "CreateTags", "TerminateInstance", "DeregisterImage"}, e.Call) {
			calls = append(calls, e.Call+" "+e.Args)
		}
	}
	return calls
}

const withGPU = `gpu: {minDriver: "535.54", scripts: ["echo 535.104.05 >/usr/bin/nvidia-smi; touch /usr/bin/nvidia-ctk"]}
	instance: type: "g5.xlarge"
	volume:`

// TestVerifiedWithGPU: the driver is there after a restart, in a container, by the
// default runtime; what passed says how long it took.
func TestVerifiedWithGPU(t *testing.T) {
	for _, runtime := range []string{"docker", "containerd"} {
		f := baking(t, "volume:", "runtime: \""+runtime+"\"\n\tverify: probe: [\"standard\"]\n\t"+withGPU)
		r := f.start(t)
		r.applyAll(f.after)
		tags := r.tagged()
		if tags[schema.TagVerified] != schema.Passed || tags[schema.TagReady] == "" || tags[schema.TagContainer] == "" {
			t.Errorf("%s: it is tagged %v", runtime, tags)
		}
		scripts := ""
		for _, e := range r.Effects {
			scripts += e.Args
		}
		if n := strings.Count(scripts, "container 1 of 1: registry.sim/environment"); n == 0 {
			t.Errorf("%s: no container of what is to be probed", runtime)
		}
		r.atDesired(f)
	}
}

// TestNotVerified: each of what an image can lack ends with its tag, and nothing is
// switched to it.
func TestNotVerified(t *testing.T) {
	file := func(name, text string) []string { return withDisk(`{"files": {"` + name + `": "` + text + `"}}`) }
	gpu := func(disk string) []string { return append(withDisk(disk), "volume:", withGPU) }
	command := func(line, answer string) []string { return withDisk(`{"commands": {"` + line + `": ` + answer + `}}`) }
	for name, c := range map[string]struct {
		changes []string
		why     string
	}{
		"no container starts":  {command("ctr *run *", `{"exit": 1, "stderr": "exec format error\n"}`), "container 1 of 1: quay.io/domino/base:DED"},
		"not unpacked":         {command("ctr *images check *", `{"stdout": "x  complete  false\n"}`), "it is not unpacked in overlayfs"},
		"another snapshotter":  {command("crictl imagefsinfo", `{"stdout": "mountpoint: /var/lib/containerd/io.containerd.snapshotter.v1.stargz\n"}`), "the snapshotter in use is not overlayfs"},
		"an image is missing":  {command("crictl inspecti registry*", `{"exit": 1, "stderr": "no such image\n"}`), "image 2 of 2: registry.sim/environment"},
		"no engine":            {command("crictl info", `{"exit": 1}`), "the engine does not answer"},
		"the kubelet's secret": {file("/var/lib/kubelet/config.json", `{\"auths\":{\"r\":{\"auth\":\"Y2FuYXJ5\"}}}`), "in the image: /var/lib/kubelet/config.json"},
		"containerd's secret":  {file("/etc/containerd/certs.d/r/hosts.toml", `[host.r.header]\nAuthorization = \"Basic Y2FuYXJ5\"\n`), "in the image: /etc/containerd/certs.d/r/hosts.toml"},
		"driver too old":       {gpu(`{"commands": {"nvidia-smi --query*": {"stdout": "470.57.02\n"}}}`), "the driver: the NVIDIA driver is 470.57.02 and at least 535.54 is asked for"},
		"no driver":            {append(withDisk(`{"files": {"/usr/bin/nvidia-ctk": "x"}}`), "volume:", `gpu: minDriver: "410"`+"\n\tinstance: type: \"g5.xlarge\"\n\tvolume:"), "nvidia-smi: not found"},
		"runtime missing":      {gpu(`{"commands": {"nvidia-ctk runtime*": {}}}`), "the default runtime of containerd is not nvidia"},
		"nvidia-smi fails":     {gpu(`{"commands": {"ctr *nvidia-smi": {"exit": 1, "stdout": "Failed to initialize NVML\n"}}}`), "nvidia-smi in a container: Failed to initialize NVML"},
	} {
		t.Run(name, func(t *testing.T) {
			f := baking(t, c.changes...)
			r := f.start(t)
			p := r.plan(f.after)
			res, err := r.engine(f.after).Apply(t.Context(), p)
			why := r.unused(res, err)
			if !strings.Contains(why, "DC335") || !strings.Contains(why, c.why) || strings.Contains(why, "Y2FuYXJ5") {
				t.Fatal(why)
			}
			if tag := r.tagged()[schema.TagVerified]; !strings.Contains(tag, strings.Split(c.why, `"`)[0]) {
				t.Errorf("it is tagged %q", tag)
			}
		})
	}
}

// TestWhatABakeLeaves: the clean-up takes what instances must not share; where it
// did not, the verification names it, and not what it holds.
func TestWhatABakeLeaves(t *testing.T) {
	files := map[string]string{
		"/root/.docker/config.json":                 `{\"auths\":{\"r\":{\"auth\":\"Y2FuYXJ5\"}}}`,
		"/home/ubuntu/.dockercfg":                   `{\"r\":{\"auth\":\"Y2FuYXJ5\"}}`,
		"/root/.config/containers/auth.json":        `{\"auths\":{\"r\":{\"auth\":\"Y2FuYXJ5\"}}}`,
		"/root/.ssh/authorized_keys":                `command=\"x\" ssh-rsa AAAAY2FuYXJ5 someone\n`,
		"/home/ubuntu/.bash_history":                `docker login -p Y2FuYXJ5\n`,
		"/etc/ssh/ssh_host_rsa_key":                 `Y2FuYXJ5\n`,
		"/var/lib/cloud/instances/i-other/sem":      `Y2FuYXJ5\n`,
		"/var/log/cloud-init-output.log":            `Y2FuYXJ5\n`,
		"/var/log/salt/minion":                      `Y2FuYXJ5\n`,
		"/etc/machine-id":                           `0123456789abcdef\n`,
		"/home/ubuntu/.config/containers/auth.json": `{\"auths\":{\"r\":{\"identitytoken\":\"Y2FuYXJ5\"}}}`,
	}
	var all []string
	for _, name := range schema.Sorted(files) {
		all = append(all, `"`+name+`": "`+files[name]+`"`)
		f := baking(t, withDisk(`{"commands": {"rm *": {}, "truncate *": {}}, "files": {"`+name+`": "`+files[name]+`"}}`)...)
		r := f.start(t)
		res, err := r.engine(f.after).Apply(t.Context(), r.plan(f.after))
		why := strings.Join(res.Why, "; ")
		if err != nil || !strings.Contains(why, "in the image:") || !strings.Contains(why, strings.TrimSuffix(name, "/sem")) || strings.Contains(why, "Y2FuYXJ5") {
			t.Errorf("%s: %q, %v", name, why, err)
		}
	}
	f := baking(t, withDisk(`{"files": {`+strings.Join(all, ", ")+`}}`)...)
	r := f.start(t)
	r.applyAll(f.after)
	r.atDesired(f)
}

// TestScriptsThatGetLost: a command that SSM cannot deliver, loses or ends is sent
// again where that does no harm; the bake finishes with one image.
func TestScriptsThatGetLost(t *testing.T) {
	f := baking(t)
	for _, fault := range []string{"undeliverable", "lost", "timedOut"} {
		for after := range 5 {
			r := f.start(t)
			p := r.plan(f.after)
			e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Outside: sandbox.Options{Faults: []sandbox.Fault{{Fault: fault, Call: "RunScript", After: after, Times: 1}}}})
			if err != nil {
				t.Fatal(err)
			}
			if res, err := e.Apply(t.Context(), p); err != nil || res.Outcome != applier.EndedOutcome {
				why := strings.Join(res.Why, "; ")
				if fault != "timedOut" || !strings.Contains(why, "DC317") || !strings.Contains(why, " --resume ") {
					t.Errorf("%s after %d: %s, %v", fault, after, why, err)
				}
				r.goOn(f.after, p)
			}
			if own := r.own(); len(own) != 1 || own[0].Tags[schema.TagVerified] != schema.Passed {
				t.Errorf("%s after %d: %+v", fault, after, own)
			}
			r.atDesired(f)
		}
	}
}

// TestOutputThatIsCut: what a script says before it fails is kept in part, and no
// more of it is shown.
func TestOutputThatIsCut(t *testing.T) {
	f := baking(t, "echo tuned >/etc/tuned", "x=xxxxxxxxxx; x=$x$x$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x$x$x; echo $x$x$x; exit 3")
	r := f.start(t)
	res, err := r.engine(f.after).Apply(t.Context(), r.plan(f.after))
	if why := r.unused(res, err); !strings.Contains(why, "DC331: script 1 of 1: xxxx") || len(why) > 500 {
		t.Errorf("%d characters: %.500s", len(why), why)
	}
}
