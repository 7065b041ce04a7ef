package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"domctl.dev/internal/port"
)

// fence refuses requests to hosts that were not given. It sees every request:
// manifests, token realms, and each step of a redirect.
type fence struct {
	hosts map[string]bool
	next  http.RoundTripper
}

// errFenced names the host, so that it can be listed.
type errFenced struct{ host string }

func (e errFenced) Error() string {
	return fmt.Sprintf("host %s is not one that may be asked; add it to deployment.registries", e.host)
}

// RoundTrip sends what is allowed.
func (f fence) RoundTrip(r *http.Request) (*http.Response, error) {
	if !f.hosts[r.URL.Host] {
		return nil, errFenced{r.URL.Host}
	}
	return f.next.RoundTrip(r)
}

// patience repeats a read that the registry asks to repeat, at most attempts
// times, waiting as long as it says but never more than maxWait. One that asks to
// come back after the deadline is not asked again.
type patience struct {
	next http.RoundTripper
	wait func(context.Context, time.Duration) error
}

const (
	attempts = 4
	maxWait  = 15 * time.Second
)

// RoundTrip answers what the last attempt did.
func (p patience) RoundTrip(r *http.Request) (*http.Response, error) {
	for n := range attempts {
		began := time.Now()
		res, err := p.next.RoundTrip(r)
		port.Heard(r.Context(), port.Call{System: "registry", Operation: r.Method, Took: time.Since(began), Failed: err != nil || res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests})
		if err != nil || n == attempts-1 || !busy(res.StatusCode) || r.Method != http.MethodGet && r.Method != http.MethodHead {
			return res, err
		}
		pause, late := retryAfter(res.Header.Get("Retry-After"), time.Second<<n)
		if late {
			return res, err
		}
		res.Body.Close()
		if err := p.wait(r.Context(), pause); err != nil {
			return nil, err
		}
	}
	panic("unreachable: the last attempt returns")
}

func busy(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusBadGateway || status == http.StatusServiceUnavailable
}

// retryAfter reads the seconds of the header (RFC 9110, 10.2.3); a date or
// nothing means the usual pause. late: they are more than an image's deadline.
func retryAfter(header string, usual time.Duration) (pause time.Duration, late bool) {
	if s, err := strconv.ParseUint(header, 10, 63); err == nil {
		late = s > uint64(deadline/time.Second)
		usual = time.Duration(min(s, uint64(maxWait/time.Second))) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		late = true
	}
	return min(usual, maxWait), late
}
