package state

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// record is one file: a line of JSON about the body, then the body.
type record struct {
	Format int    `json:"format"`
	Key    string `json:"key"`
	Nonce  string `json:"nonce"` // makes the etag of every write its own
	Size   int    `json:"size"`  // bytes
	SHA256 string `json:"sha256"`
	body   []byte
}

func newRecord(key string, body []byte) record {
	sum := sha256.Sum256(body)
	return record{Format: 1, Key: key, Nonce: rand.Text(), Size: len(body), SHA256: hex.EncodeToString(sum[:]), body: body}
}

// etag changes with every write, also of equal bytes, and after a delete: a
// counter would begin again with the key.
func (r record) etag() string { return r.SHA256[:16] + "-" + r.Nonce }

func (r record) encode() []byte {
	head, err := json.Marshal(r)
	if err != nil {
		panic("state: a record's header is strings and numbers: " + err.Error())
	}
	return append(append(head, '\n'), r.body...)
}

// decodeRecord reads what encode wrote for key. Every error wraps ErrCorrupt.
func decodeRecord(key string, b []byte) (r record, err error) {
	head, body, ok := bytes.Cut(b, []byte{'\n'})
	if !ok || json.Unmarshal(head, &r) != nil {
		return r, fmt.Errorf("%w: it does not begin with a header", ErrCorrupt)
	}
	sum := sha256.Sum256(body)
	switch {
	case r.Format != 1:
		return r, fmt.Errorf("%w: format %d, this domctl reads 1", ErrCorrupt, r.Format)
	case r.Key != key:
		return r, fmt.Errorf("%w: it was written for key %q", ErrCorrupt, r.Key)
	case r.Size != len(body):
		return r, fmt.Errorf("%w: %d bytes of %d", ErrCorrupt, len(body), r.Size)
	case r.SHA256 != hex.EncodeToString(sum[:]):
		return r, fmt.Errorf("%w: its bytes do not match their digest", ErrCorrupt)
	}
	r.body = body
	return r, nil
}
