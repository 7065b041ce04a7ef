package compiler

import (
	"syscall"
	"time"
)

// slack is what a Go program maps beside its heap, bytes: a heap grows by
// arenas of 64 MiB.
const slack = 192 << 20

// bind sets hard limits on this process. Memory is bounded by RLIMIT_DATA: Go
// reserves address space by the gigabyte, which RLIMIT_AS would count, and uses
// little of it.
func bind(src Source) error {
	data := uint64(src.memory() + slack)
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: data, Max: data}); err != nil {
		return err
	}
	seconds := uint64(src.timeout()/time.Second)*cores + 1
	if err := syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: seconds, Max: seconds + 1}); err != nil {
		return err
	}
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}

// cores bounds how much faster than time a process can use CPU.
const cores = 8
