package schema

import (
	"crypto/sha256"
	"encoding/hex"
)

// DigestOf is 32 hexadecimal digits of the SHA-256 over v's canonical JSON:
// enough to bind an approval, short enough to read aloud.
func DigestOf(v any) string {
	s := sha256.Sum256([]byte(JSON(v).Text))
	return hex.EncodeToString(s[:16])
}
