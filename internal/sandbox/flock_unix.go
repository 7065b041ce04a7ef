//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sandbox

import (
	"io/fs"
	"os"
	"syscall"
)

// flock waits for the exclusive lock, which goes with the open file.
func flock(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			return err
		}
	}
}

func inode(info fs.FileInfo) uint64 {
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		return sys.Ino
	}
	return 0
}
