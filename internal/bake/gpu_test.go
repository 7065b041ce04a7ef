package bake

import (
	"os/exec"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestLeastDriver: a version is compared number by number, and what is none never
// passes.
func TestLeastDriver(t *testing.T) {
	for _, c := range []struct{ have, least, want string }{
		{"535.104.05", "535", ""},
		{"535.104.05", "535.104", ""},
		{"535.104.05", "535.104.05", ""},
		{"550", "535.104.05", ""},
		{"535.54", "535.104", "the NVIDIA driver is 535.54 and at least 535.104 is asked for"},
		{"99.9", "535", "the NVIDIA driver is 99.9 and at least 535 is asked for"},
		{"", "535", "the NVIDIA driver does not say its version: "},
		{"[N/A]", "535", "the NVIDIA driver does not say its version: [N/A]"},
		{"No devices were found", "535", "the NVIDIA driver does not say its version: No devices were found"},
		{"Failed to initialize NVML: Unknown Error", "535", "the NVIDIA driver does not say its version: Failed to initialize NVML: Unknown Error"},
	} {
		o := order{bake: schema.Bake{GPU: &schema.GPU{MinDriver: c.least}}}
		text := strings.Join(append([]string{"set -eu", "have=" + quote(c.have)}, o.leastDriver()...), "\n")
		out, err := exec.Command("sh", "-c", text).CombinedOutput()
		if got := strings.TrimSuffix(string(out), "\n"); got != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%q against %s: %q, %v", c.have, c.least, got, err)
		}
	}
}
