//go:build wire

package wiretest_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"domctl.dev/internal/wiretest"
)

// counted is a server that counts what reaches it.
func counted(t *testing.T) (*wiretest.FaultProxy, *atomic.Int32) {
	t.Helper()
	var seen atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	t.Cleanup(server.Close)
	return wiretest.Proxy(t, server.Listener.Addr().String()), &seen
}

func TestProxyForwards(t *testing.T) {
	t.Parallel()
	proxy, seen := counted(t)
	equal(t, status(t, proxy.Addr, "/"), http.StatusOK)
	equal(t, seen.Load(), 1)
}

func TestProxyDelays(t *testing.T) {
	t.Parallel()
	proxy, _ := counted(t)
	proxy.Delay(200 * time.Millisecond)
	begun := time.Now()
	equal(t, status(t, proxy.Addr, "/"), http.StatusOK)
	if took := time.Since(begun); took < 200*time.Millisecond {
		t.Fatalf("answered after %v", took)
	}
}

func TestProxyFaultsEndAtHeal(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		begin   func(*wiretest.FaultProxy)
		reaches int32
	}{
		"cut":               {(*wiretest.FaultProxy).Cut, 0},
		"blackhole":         {(*wiretest.FaultProxy).Blackhole, 0},
		"cut after request": {(*wiretest.FaultProxy).CutAfterRequest, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, seen := counted(t)
			fault.begin(proxy)
			equal(t, status(t, proxy.Addr, "/"), 0)
			equal(t, seen.Load(), fault.reaches)
			proxy.Heal()
			equal(t, status(t, proxy.Addr, "/"), http.StatusOK)
		})
	}
}
