package schema

import "testing"

func TestIsHostKey(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
	for line, want := range map[string]bool{
		key: true, key + " root@ip-10-0-0-4": true, " " + key + "\n": true,
		"": false, "ssh-ed25519": false, "ssh-ed25519 AAAA…": false, "ssh-ed25519 AAAA": false,
		"ssh-rsa" + key[len("ssh-ed25519"):]: false, "host.acme.example " + key: false,
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5": false, // no key behind its kind
		"ssh-ed25519 /////w==":             false,
	} {
		if got := isHostKey(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

func FuzzIsHostKey(f *testing.F) {
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAB")
	f.Fuzz(func(_ *testing.T, line string) { isHostKey(line) })
}
