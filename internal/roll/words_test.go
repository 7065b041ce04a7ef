package roll

import (
	"testing"

	"domctl.dev/internal/port"
)

// TestWritesAreSaid names every write of a roll in words, with the node where it is known
// and without the marks' inner numbers.
func TestWritesAreSaid(t *testing.T) {
	members := []member{{GroupInstance: port.GroupInstance{ID: "i-1"}, node: &port.Node{Name: "ip-1"}}}
	for mark, want := range map[string]string{
		"cordon i-1":   "cordons ip-1 (i-1)",
		"cordon i-2":   "cordons i-2",
		"uncordon i-1": "has ip-1 (i-1) take runs again",
		"uncordon i-1 because DC838: alarm x rings":       "has ip-1 (i-1) take runs again because DC838: alarm x rings",
		"evict i-1 ns/web 0a":                             "evicts pod ns/web from ip-1 (i-1)",
		"terminate i-1 2026-02-20T08:00:00Z 3 #3 smaller": "ends ip-1 (i-1)",
		"terminate i-1 2026-02-20T08:00:00Z 3 #3 forced":  "ends ip-1 (i-1) with its runs",
		"terminate i-1 2026-02-20T08:00:00Z #3 stopped":   "ends ip-1 (i-1), which is stopped",
		"raise 2 3 #0 2026-02-20T08:00:00Z":               "starts a replacement",
		"raise 2 4 #0 2026-02-20T08:00:00Z":               "starts 2 replacements",
		"lower 4 3 #9 2026-02-20T08:00:00Z":               "lowers the capacity to 3",
		"refresh none":                                    "has Auto Scaling replace the nodes",
		"cancel r-1":                                      "cancels instance refresh r-1",
		"update 7 2026-02-20T08:00:00Z":                   "has EKS replace the nodes",
		"update 7 2026-02-20T08:00:00Z forced":            "has EKS replace the nodes with their runs",
		"switch because DC834: no capacity":               "has the group start the old image again because DC834: no capacity",
		"maintain i-9 2026-02-20T08:00:00Z #0 -":          "puts i-9 into maintenance",
		"seen i-9 2026-02-20T08:00:00Z #0":                "notes that i-9 is in maintenance",
		"leave i-9 2026-02-20T08:00:00Z #0":               "takes i-9 out of maintenance",
		"hold pool #0":                                    "has NodePool pool hold drift",
		"release pool #1":                                 "lets NodePool pool drift again",
		"swap 2026-02-20T08:00:00Z":                       "switches the image",
		"back 2026-02-20T08:00:00Z because DC876: none":   "switches the image back because DC876: none",
		"another": "another",
		"":        "",
	} {
		if got := said(mark, members); got != want {
			t.Errorf("%s: %q, want %q", mark, got, want)
		}
	}
}
