package heap

import "syscall"

// advise asks for huge pages. Without them everything works as before, so that a
// refusal is not told of.
func advise(memory []byte) { _ = syscall.Madvise(memory, syscall.MADV_HUGEPAGE) }
