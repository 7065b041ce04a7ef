package port

import "strings"

// HostKeys are the SSH host keys that cloud-init wrote to a console, as lines of
// an authorized_keys file ("ssh-ed25519 AAAA… root@ip-10-0-0-4"); of several
// boots those of the last. It writes them at the first boot alone, so a console
// of a later one may name none.
// https://docs.cloud-init.io/en/latest/reference/modules.html (SSH, emit_keys_to_console)
func HostKeys(console string) (keys []string) {
	const begin, end = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
	from := strings.LastIndex(console, begin)
	if from < 0 {
		return nil
	}
	block, _, whole := strings.Cut(console[from+len(begin):], end)
	if !whole {
		return nil
	}
	for line := range strings.Lines(block) {
		if f := strings.Fields(line); len(f) >= 2 {
			keys = append(keys, strings.Join(f, " "))
		}
	}
	return keys
}
