package port

import (
	"testing"
)

// TestLoopback: no name but one is taken for this machine.
func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "127.1": false, "[::1]": false, "127.0.0.1:80": false, "localhost.acme.example": false, "127.0.0.1.acme.example": false} {
		if got := Loopback(host); got != want {
			t.Errorf("%q is this machine: %v", host, got)
		}
	}
}
