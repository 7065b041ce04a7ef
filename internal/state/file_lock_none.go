//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package state

import (
	"errors"
	"os"
)

// tryLock refuses: without flock two processes could both win.
func tryLock(*os.File, bool) (bool, error) {
	return false, errors.New("this system has no flock: keep the state in S3")
}
