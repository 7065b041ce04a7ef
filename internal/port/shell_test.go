package port

import (
	"slices"
	"strings"
	"testing"
)

const console = "[    5.1] cloud-init[1]: done\r\n-----BEGIN SSH HOST KEY KEYS-----\r\necdsa-sha2-nistp256 OLD root@ip\r\n-----END SSH HOST KEY KEYS-----\r\n" +
	"[    0.0] Linux\r\n<14>Mar 31 12:00:00 cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----\r\n<14>256 SHA256:x root@ip (ED25519)\r\n" +
	"-----BEGIN SSH HOST KEY KEYS-----\r\nssh-ed25519 AAAA root@ip\r\n\r\nssh-rsa BBBB\r\n-----END SSH HOST KEY KEYS-----\r\nlogin:"

func TestHostKeys(t *testing.T) {
	for text, want := range map[string][]string{
		console: {"ssh-ed25519 AAAA root@ip", "ssh-rsa BBBB"},
		strings.ReplaceAll(console, "\r\n", "\n"): {"ssh-ed25519 AAAA root@ip", "ssh-rsa BBBB"},
		"": nil, "login:": nil,
		"-----BEGIN SSH HOST KEY KEYS-----\nssh-ed25519 AAAA":                nil, // cut in the middle
		"-----END SSH HOST KEY KEYS-----\n-----BEGIN SSH HOST KEY KEYS-----": nil,
	} {
		if got := HostKeys(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzHostKeys(f *testing.F) {
	f.Add(console)
	f.Add("-----BEGIN SSH HOST KEY KEYS-----\n-----END SSH HOST KEY KEYS-----")
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range HostKeys(text) {
			if strings.ContainsAny(k, "\r\n") || len(strings.Fields(k)) < 2 {
				t.Errorf("%q", k)
			}
		}
	})
}

func TestCheckAccounts(t *testing.T) {
	if err := CheckAccounts(nil, []string{"111122223333"}, []string{"000000000000"}); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"all", "", "11112222333", "1111222233334", "11112222333x", "１１１１"} {
		if err := CheckAccounts([]string{"111122223333", id}); err == nil {
			t.Errorf("%q is taken for an account", id)
		}
	}
}
