package registry

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
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
// times, waiting as long as it says but never more than maxWait.
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
		res, err := p.next.RoundTrip(r)
		if err != nil || n == attempts-1 || !busy(res.StatusCode) || r.Method != http.MethodGet && r.Method != http.MethodHead {
			return res, err
		}
		pause := retryAfter(res.Header.Get("Retry-After"), time.Second<<n)
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
// nothing means the usual pause.
func retryAfter(header string, usual time.Duration) time.Duration {
	if s, err := strconv.Atoi(header); err == nil && s >= 0 {
		usual = time.Duration(min(s, int(maxWait/time.Second))) * time.Second
	}
	return min(usual, maxWait)
}
