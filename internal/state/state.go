// Package state keeps domctl's records: applier.Store on a folder, on S3 and
// in memory, and a wrapper that seals bodies before any of them sees one.
//
// A store refuses keys that could leave its folder or prefix, follows no
// links, and never answers a part of a list. The engine's wiring calls it; the
// contract that every store passes stands in statetest.
package state

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"domctl.dev/applier"
)

// What the stores answer beyond applier's errors.
var (
	ErrKey      = errors.New("not a state key")            // refused before anything is read or written
	ErrCorrupt  = applier.ErrDamaged                       // torn, overwritten or copied from another key
	ErrUnsealed = errors.New("the record is not sealed")   // a clear body where only sealed ones may stand
	ErrOpaque   = errors.New("the record does not unseal") // altered, moved from another key, or sealed for someone else
)

// Limits in bytes: of a key, of a segment once its special characters are
// written as %XX (file names end at 255), and of one stored body.
const (
	MaxKey     = 512
	MaxSegment = 240
	MaxBody    = 64 << 20
)

// CheckKey says whether key can be stored: slash-separated segments of
// printable UTF-8, none empty, "." or "..", within MaxKey and MaxSegment.
// The error wraps ErrKey.
func CheckKey(key string) error {
	if key == "" || len(key) > MaxKey || !utf8.ValidString(key) {
		return fmt.Errorf("%w: %.80q: a key is 1 to %d bytes of UTF-8", ErrKey, key, MaxKey)
	}
	for s := range strings.SplitSeq(key, "/") {
		if err := checkSegment(s); err != nil {
			return fmt.Errorf("%w: %q: %w", ErrKey, key, err)
		}
	}
	return nil
}

func checkSegment(s string) error {
	switch {
	case s == "" || s == "." || s == "..":
		return fmt.Errorf("%q cannot stand between slashes", s)
	case len(escape(s)) > MaxSegment:
		return fmt.Errorf("%.20q… is longer than %d bytes", s, MaxSegment)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' }):
		return fmt.Errorf("%q holds a backslash or what cannot be printed", s)
	}
	return nil
}

// checkPrefix says whether some longer key could begin with prefix.
func checkPrefix(prefix string) error { return CheckKey(prefix + "x") }
