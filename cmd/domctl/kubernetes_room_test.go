package main

import (
	"encoding/json"
	"testing"

	"domctl.dev/compiler"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/schema"
)

// TestABombEndsNoPod: the example's pod has room for as many evaluations as there are
// workers, each with all that it may take, beside the controller: what is too much for an
// evaluation is not too much for the pod, which the kernel would end as a whole.
func TestABombEndsNoPod(t *testing.T) {
	var spec podSpec
	var file config.Config
	for _, r := range kustomized(t, kubernetesExample).Resources() {
		switch r.GetKind() {
		case "ConfigMap":
			var found []schema.Finding
			if file, found = config.Check("serve.yaml", []byte(r.GetDataMap()["serve.yaml"]), hasAll()); len(found) > 0 {
				t.Fatal(found)
			}
		case "Deployment":
			text, err := r.MarshalJSON()
			var d struct {
				Spec struct{ Template struct{ Spec podSpec } }
			}
			if err != nil || json.Unmarshal(text, &d) != nil {
				t.Fatalf("%s, %v", text, err)
			}
			spec = d.Spec.Template.Spec
		}
	}
	limit, err := schema.ParseBytes(spec.Containers[0].Resources.Limits.Memory + "B")
	const own, beside = 512 << 20, 192 << 20 // beside: what an evaluation maps beside its heap
	if need := own + int64(file.Workers)*(compiler.DefaultMemory+beside); err != nil || file.Workers == 0 || limit < need {
		t.Errorf("the pod may take %d bytes, and %d workers may need %d (%v)", limit, file.Workers, need, err)
	}
}
