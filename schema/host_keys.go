package schema

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// hostKeys looks at the lines that instances and bastions are recognised by.
func (c *checker) hostKeys(a Address, o Object) {
	b, _ := o.Bake()
	look := func(path string, lines []string) {
		for i, line := range lines {
			if !isHostKey(line) {
				c.add("DC116", Error, a, o.Positions("bake"), "write it as the machine's /etc/ssh/ssh_host_ed25519_key.pub has it",
					"bake.connect.ssh.%s.%d is no host key: %s", path, i, quoted(line))
			}
		}
	}
	if s := b.Connect.SSH; s != nil {
		look("hostKeys", s.HostKeys)
		if s.Bastion != nil {
			look("bastion.hostKeys", s.Bastion.HostKeys)
		}
	}
}

// isHostKey says that a line has a kind of key, and behind it a key that says to be
// of that kind (RFC 4253, 6.6).
func isHostKey(line string) bool {
	kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	text, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < 4 {
		return false
	}
	n := uint64(binary.BigEndian.Uint32(key))
	return n > 0 && n < uint64(len(key)-4) && string(key[4:4+n]) == kind
}
