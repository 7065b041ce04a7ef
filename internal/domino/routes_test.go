package domino

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

// TestProbeRoutes: each is told by itself, and nothing is written.
func TestProbeRoutes(t *testing.T) {
	d := &store{fails: func(r *http.Request) int {
		if r.URL.Path == configList {
			return 403
		}
		return 0
	}, tiers: many(3)}
	want := map[string]error{port.PublicTiers: nil, port.InternalTiers: port.ErrNotFound, port.ConfigList: port.ErrDenied}
	for _, r := range d.open(t).ProbeRoutes(t.Context()) {
		if _, path, _ := strings.Cut(r.Call, " "); !errors.Is(r.Err, want[r.Call]) || r.Err != nil && !strings.Contains(r.Err.Error(), path) {
			t.Errorf("%s: %v, want %v", r.Call, r.Err, want[r.Call])
		}
	}
	for _, asked := range d.asked {
		if !strings.HasPrefix(asked, "GET ") {
			t.Errorf("it asks %s", asked)
		}
	}
}
