package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const kubernetesExample = "../../examples/kubernetes"

// kustomized builds a folder as kubectl apply -k does.
func kustomized(t *testing.T, dir string) resmap.ResMap {
	t.Helper()
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// podSpec is what a pod of the example is allowed, and mounts.
type podSpec struct {
	AutomountServiceAccountToken *bool
	SecurityContext              struct {
		RunAsNonRoot   bool
		RunAsUser      int
		SeccompProfile struct{ Type string }
	}
	Containers []struct {
		Args            []string
		Image           string
		SecurityContext struct {
			AllowPrivilegeEscalation, ReadOnlyRootFilesystem bool
			Capabilities                                     struct{ Drop, Add []string }
		}
		Env          []struct{ Name, Value string }
		VolumeMounts []struct{ Name, MountPath string }
		Resources    struct{ Limits struct{ Memory string } }
	}
	Volumes []map[string]any
}

// TestKubernetesExample: what kustomize makes of it holds together, runs without root or
// a file system to write to, and holds no secret; its configuration is one.
func TestKubernetesExample(t *testing.T) {
	kinds, config := []string{}, ""
	var spec podSpec
	for _, r := range kustomized(t, kubernetesExample).Resources() {
		kinds = append(kinds, r.GetKind())
		if r.GetKind() != "Namespace" && r.GetNamespace() != "domctl" {
			t.Errorf("%s is in namespace %q", r.CurId(), r.GetNamespace())
		}
		switch r.GetKind() {
		case "ConfigMap":
			config = r.GetDataMap()["serve.yaml"]
		case "Deployment":
			text, err := r.MarshalJSON()
			var d struct {
				Spec struct {
					Replicas int
					Template struct{ Spec podSpec }
				}
			}
			if err != nil || json.Unmarshal(text, &d) != nil || d.Spec.Replicas != 2 || len(d.Spec.Template.Spec.Containers) != 1 {
				t.Fatalf("%s, %v", text, err)
			}
			spec = d.Spec.Template.Spec
		}
	}
	slices.Sort(kinds)
	if got := strings.Join(kinds, " "); got != "ConfigMap Deployment Namespace NetworkPolicy PodDisruptionBudget Role RoleBinding Service ServiceAccount" {
		t.Errorf("kinds are %s", got)
	}
	c := spec.Containers[0]
	if s, c := spec.SecurityContext, c.SecurityContext; !s.RunAsNonRoot || s.RunAsUser == 0 || s.SeccompProfile.Type != "RuntimeDefault" ||
		c.AllowPrivilegeEscalation || !c.ReadOnlyRootFilesystem || !slices.Equal(c.Capabilities.Drop, []string{"ALL"}) || len(c.Capabilities.Add) > 0 {
		t.Errorf("%+v %+v", s, c)
	}
	file := filepath.Join(t.TempDir(), "serve.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(page, -1) {
		if !strings.Contains(config, "\n"+string(block[1])) {
			t.Errorf("the page shows what the example has not:\n%s", block[1])
		}
	}
	var out bytes.Buffer
	if code := run([]string{"serve", "--check", file}, strings.NewReader(""), &out, &out); code != 0 || !strings.Contains(out.String(), "1 deployment of 1 repository.") {
		t.Errorf("%d: %s", code, &out)
	}
	written := ""
	for _, m := range c.VolumeMounts {
		if m.Name == "work" || m.Name == "tmp" {
			written += m.MountPath + " "
		}
	}
	if !strings.Contains(config, "work: /var/lib/domctl/work\n") || written != "/var/lib/domctl /tmp " || !slices.Equal(c.Args, []string{"serve", "/etc/domctl/serve.yaml"}) {
		t.Errorf("it may write to %s, and runs %s", written, c.Args)
	}
}
