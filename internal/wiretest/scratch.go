//go:build linux

package wiretest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const scratchPrefix = "domctl-wire-data-"

// sharedDir makes a folder for a server of the whole test process. Nothing
// runs at the end of a test process, so the next one removes what those that
// are gone have left.
func sharedDir() (string, error) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), scratchPrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(dir), scratchPrefix+"%d-", &pid); err == nil && gone(pid) {
			_ = os.RemoveAll(dir) // someone else's stays where it is
		}
	}
	return os.MkdirTemp("", fmt.Sprintf("%s%d-", scratchPrefix, os.Getpid()))
}

func gone(pid int) bool {
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
