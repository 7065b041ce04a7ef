package schema

import "testing"

// TestVariable: a label is of labels whatever its key is, and nothing is of a variable whose
// field another owns.
func TestVariable(t *testing.T) {
	all := map[string]Value{"owner.size": JSON("terraform"), "owner.labels": JSON("terraform"), "owner.ami": JSON("observe"),
		"terraform.variables.max": JSON("m"), "terraform.variables.labels": JSON("l"), "terraform.variables.ami": JSON("i")}
	for path, want := range map[string][2]string{
		"groups.a.size.max":                      {"m", ""},
		"groups.a.size.min":                      {"", ""},
		"groups.a.ami":                           {"", ""},
		"groups.a.label":                         {"l", PoolLabel},
		"groups.a.labels.max":                    {"l", "max"},
		`groups."acme/b".labels."example.com/x"`: {"l", "example.com/x"},
		"groups.a.taints.gpu":                    {"", ""},
		"groups.a.scaleDownDelay":                {"", ""},
		"label":                                  {"", ""},
	} {
		if name, key := (Object{Fields: all}).Variable(path); name != want[0] || key != want[1] {
			t.Errorf("%s: %q %q, want %q", path, name, key, want)
		}
	}
}
