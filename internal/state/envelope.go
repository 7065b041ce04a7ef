package state

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
)

// magic begins every sealed body; its last byte is the format's version.
const magic = "domctl-sealed\x01"

// envelope is a sealed body, taken apart:
//
//	magic · u8 length, keeper's name · u16 length, wrapped key · nonce, AES-256-GCM ciphertext, tag
//
// Everything before the nonce, the deployment and the state key are
// authenticated with the ciphertext, so that a body opens only where it was put.
type envelope struct {
	keeper  string
	wrapped []byte
	sealed  []byte
}

func (e envelope) header() []byte {
	b := append([]byte(magic), byte(len(e.keeper)))
	b = append(b, e.keeper...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.wrapped)))
	return append(b, e.wrapped...)
}

func (e envelope) encode() []byte { return append(e.header(), e.sealed...) }

// bound is what a body is bound to beside its own header.
func (e envelope) bound(deployment, key string) []byte {
	b := binary.BigEndian.AppendUint32(e.header(), uint32(len(deployment)))
	return append(append(b, deployment...), key...)
}

// decodeEnvelope reads what encode wrote. Errors wrap ErrUnsealed or ErrCorrupt.
func decodeEnvelope(b []byte) (e envelope, err error) {
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok {
		if bytes.HasPrefix(b, []byte(magic[:len(magic)-1])) {
			return e, fmt.Errorf("%w: a later domctl sealed it, or its version byte is gone", ErrCorrupt)
		}
		return e, ErrUnsealed
	}
	name, rest, ok := cutBytes(rest, 1)
	if !ok {
		return e, fmt.Errorf("%w: it ends in its header", ErrCorrupt)
	}
	wrapped, rest, ok := cutBytes(rest, 2)
	if !ok {
		return e, fmt.Errorf("%w: it ends in its header", ErrCorrupt)
	}
	return envelope{string(name), wrapped, rest}, nil
}

// cutBytes takes a big-endian length of width bytes and that many bytes.
func cutBytes(b []byte, width int) (field, rest []byte, ok bool) {
	if len(b) < width {
		return nil, nil, false
	}
	n := 0
	for _, c := range b[:width] {
		n = n<<8 | int(c)
	}
	if b = b[width:]; len(b) < n {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// cipherFor makes the AEAD of one data key; it puts a random nonce before each
// ciphertext, which is safe for far more bodies than useKey allows a key.
func cipherFor(dataKey []byte) (cipher.AEAD, error) {
	if len(dataKey) != 32 {
		return nil, fmt.Errorf("the keeper's data key has %d bytes, not 32", len(dataKey))
	}
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
