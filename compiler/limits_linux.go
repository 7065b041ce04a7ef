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
	if err := lower(syscall.RLIMIT_DATA, uint64(src.memory()+slack), 0); err != nil {
		return err
	}
	if err := lower(syscall.RLIMIT_CPU, uint64(src.timeout()/time.Second)*cores+1, 1); err != nil {
		return err
	}
	return lower(syscall.RLIMIT_CORE, 0, 0)
}

// lower sets a limit, and the hard one beyond it by grace, but never above the
// hard limit that stands: that takes privileges, and somebody set it.
func lower(resource int, most, grace uint64) error {
	var stands syscall.Rlimit
	if err := syscall.Getrlimit(resource, &stands); err != nil {
		return err
	}
	return syscall.Setrlimit(resource, &syscall.Rlimit{Cur: min(most, stands.Max), Max: min(most+grace, stands.Max)})
}

// cores bounds how much faster than time a process can use CPU.
const cores = 8
