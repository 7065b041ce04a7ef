package port

import "net/netip"

// Loopback says of a host, a name or an address without a port, that it is this machine,
// whatever names resolve to.
func Loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
