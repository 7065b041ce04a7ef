package registry

import (
	"context"
	"encoding/binary"
	"strings"

	"domctl.dev/internal/port"
)

// unpacked is the size of a layer as a tar, bytes: exact for one that is not
// compressed. For gzip it is the size that the last four bytes state, for zstd
// the one in the first frame's header: both are of one member or frame, gzip's
// modulo 4 GiB, and nothing says that there is no other, so they are a lower
// bound, and so is the compressed size. A foreign layer is not asked for: its
// bytes are not the registry's.
func (s *session) unpacked(ctx context.Context, l port.Layer) (bytes int64, exact bool) {
	var stated func(context.Context, port.Layer) (int64, bool)
	switch {
	case strings.HasSuffix(l.MediaType, ".tar"):
		return l.Size, true
	case l.Foreign:
		return l.Size, false
	case strings.HasSuffix(l.MediaType, "gzip"):
		stated = s.tail
	case strings.HasSuffix(l.MediaType, "+zstd"):
		stated = s.frame
	default:
		return l.Size, false
	}
	n, known := s.cache.size(l.Digest)
	if !known {
		if n, known = stated(ctx, l); known {
			s.cache.keepSize(l.Digest, n)
		}
	}
	return max(n, l.Size), false
}

// tail reads ISIZE (RFC 1952, 2.3.1). An eStargz layer ends in an empty member,
// which states 0.
func (s *session) tail(ctx context.Context, l port.Layer) (int64, bool) {
	if l.Size < 18 { // the least a member takes
		return 0, false
	}
	b := s.bytes(ctx, l.Digest, l.Size-4, 4)
	if len(b) != 4 {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint32(b)), true
}

// maxHeader is the most a zstd frame's header takes, bytes.
const maxHeader = 18

// frame reads the content size in the first frame's header.
func (s *session) frame(ctx context.Context, l port.Layer) (int64, bool) {
	return frameSize(s.bytes(ctx, l.Digest, 0, min(maxHeader, l.Size)))
}

// frameSize is false where the header states none.
// https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1
func frameSize(b []byte) (int64, bool) {
	if len(b) < 5 || binary.LittleEndian.Uint32(b) != 0xFD2FB528 {
		return 0, false
	}
	descriptor := b[4]
	single := descriptor>>5&1 == 1
	at := 5 + []int{0, 1, 2, 4}[descriptor&3]
	if !single {
		at++ // the window descriptor
	}
	width := []int{0, 2, 4, 8}[descriptor>>6]
	if width == 0 && single {
		width = 1
	}
	if width == 0 || len(b) < at+width {
		return 0, false
	}
	var wide [8]byte
	copy(wide[:], b[at:at+width])
	n := binary.LittleEndian.Uint64(wide[:])
	if width == 2 {
		n += 256
	}
	if n > maxBytes {
		return 0, false
	}
	return int64(n), true
}
