package schema

import "testing"

// TestOwners: each field that a group can have is of one of the three that owner names, and
// domctl's where a pool says nothing.
func TestOwners(t *testing.T) {
	stated := Object{Fields: map[string]Value{"owner.ami": JSON("terraform"), "owner.size": JSON("observe")}}
	for field, want := range map[string]string{"ami": "terraform", "launch": "terraform", "size.max": "observe", "limits.cores": "observe",
		"label": "domctl", `labels."a.b/c"`: "domctl", "taints.gpu": "domctl", "scaleDownDelay": "domctl"} {
		if got := stated.Owner(field); got != want {
			t.Errorf("%s is %s's, not %s's", field, got, want)
		}
		if got := (Object{}).Owner(field); got != "domctl" {
			t.Errorf("%s of a pool that states no owner is %s's", field, got)
		}
	}
}
