package schema

import "testing"

// TestKeyInTheClear: an administrator's key goes over https, or stays on this machine.
func TestKeyInTheClear(t *testing.T) {
	for url, warns := range map[string]bool{
		"http://domino.acme.com":       true,
		"HTTP://10.0.0.1:8080":         true,
		"http://127.0.0.1.acme.com":    true,
		"http://nucleus-frontend.plat": true,
		"https://domino.acme.com":      false,
		"http://localhost:8080":        false,
		"http://127.0.0.2":             false,
		"http://[::1]:8080":            false,
		"http://[::ffff:127.0.0.1]":    false,
	} {
		d := Desired{Deployment: Deployment{Domino: Domino{URL: url, APIKey: "env:KEY"}}}
		got := false
		for _, f := range Check(d, nil) {
			got = got || f.Code == "DC288" && f.Severity == Warning
		}
		if got != warns {
			t.Errorf("%s: warned %v", url, got)
		}
	}
}
