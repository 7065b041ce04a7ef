package compiler

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLowerHardLimits keeps a hard limit that somebody set below domctl's own: to
// raise it takes privileges, and without them every compile would end.
func TestLowerHardLimits(t *testing.T) {
	const again = "TEST_BIND_AGAIN"
	if os.Getenv(again) != "" {
		if err := bind(Source{Timeout: 30 * time.Second, Memory: 512 << 20}); err != nil {
			t.Fatal(err)
		}
		for _, resource := range []int{syscall.RLIMIT_DATA, syscall.RLIMIT_CPU, syscall.RLIMIT_CORE} {
			var l syscall.Rlimit
			if err := syscall.Getrlimit(resource, &l); err != nil {
				t.Fatal(err)
			}
			fmt.Printf("%d/%d ", l.Cur, l.Max)
		}
		return
	}
	for set, want := range map[string]string{
		"-d 600000": "614400000/614400000 241/242 0/0 ",
		"-t 100":    "738197504/738197504 100/100 0/0 ",
		"-c 0":      "738197504/738197504 241/242 0/0 ",
	} {
		cmd := exec.Command("sh", "-c", `ulimit `+set+` && exec "$0" -test.run='^TestLowerHardLimits$'`, self(t))
		cmd.Env = []string{again + "=1"}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), want) {
			t.Errorf("ulimit %s: %v, limits %s, want %s", set, err, out, want)
		}
	}
}
