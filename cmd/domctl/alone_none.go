//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package main

import "os"

// alone cannot be told where there is no flock: whoever starts controllers gives each
// its own folder.
func alone(*os.File) error { return nil }
