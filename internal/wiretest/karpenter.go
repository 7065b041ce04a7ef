//go:build linux

package wiretest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// karpenterModule holds the definitions of Karpenter's objects, as its releases install
// them; its checksum is that of Go's database.
const karpenterModule = "github.com/aws/karpenter-provider-aws@v1.12.0"

// karpenterKinds are the definitions by file and name.
var karpenterKinds = [][2]string{
	{"karpenter.sh_nodepools.yaml", "nodepools.karpenter.sh"}, {"karpenter.sh_nodeclaims.yaml", "nodeclaims.karpenter.sh"},
	{"karpenter.k8s.aws_ec2nodeclasses.yaml", "ec2nodeclasses.karpenter.k8s.aws"},
}

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

// Karpenter has the cluster serve Karpenter's objects. Nobody acts on them.
func (c *Cluster) Karpenter(t testing.TB) {
	t.Helper()
	dir, err := karpenterDefinitions(t.TempDir())
	check(t, err)
	for _, kind := range karpenterKinds {
		text, err := os.ReadFile(filepath.Join(dir, kind[0]))
		check(t, err)
		if _, err := c.Try(t, http.MethodGet, definitions+"/"+kind[1], ""); err != nil {
			check(t, c.createYAML(t, definitions, text))
		}
		c.until(t, "serves "+kind[1], func() bool {
			var is struct {
				Status struct {
					Conditions []struct{ Type, Status string }
				}
			}
			_ = json.Unmarshal([]byte(c.Do(t, http.MethodGet, definitions+"/"+kind[1], "")), &is)
			for _, condition := range is.Status.Conditions {
				if condition.Type == "Established" && condition.Status == "True" {
					return true
				}
			}
			return false
		})
	}
}

// NoKarpenter has the cluster serve none of them any more.
func (c *Cluster) NoKarpenter(t testing.TB) {
	t.Helper()
	for _, kind := range karpenterKinds {
		_, _ = c.Try(t, http.MethodDelete, definitions+"/"+kind[1], "")
		c.until(t, "has deleted "+kind[1], func() bool {
			_, err := c.Try(t, http.MethodGet, definitions+"/"+kind[1], "")
			return err != nil
		})
	}
}

func (c *Cluster) until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the API server never %s", what)
		}
	}
}

// karpenterDefinitions has Go download the module, which its cache keeps.
func karpenterDefinitions(dir string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", karpenterModule)
	cmd.Dir = dir
	out, err := cmd.Output()
	var module struct{ Dir, Error string }
	if errors.Join(json.Unmarshal(out, &module), err) != nil || module.Dir == "" {
		return "", fmt.Errorf("go mod download %s: %w %s", karpenterModule, err, module.Error)
	}
	return filepath.Join(module.Dir, "pkg", "apis", "crds"), nil
}

func (c *Cluster) createYAML(t testing.TB, path string, body []byte) error {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+c.Addr+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token(KubeAdmin))
	req.Header.Set("Content-Type", "application/yaml")
	req.Header.Set("Accept", "application/json")
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("POST %s: %s: %s", path, res.Status, answer)
	}
	return nil
}
