package port

import (
	"context"
	"strings"
	"time"
)

// HostKeys are the SSH host keys that cloud-init wrote to a console, as lines of
// an authorized_keys file ("ssh-ed25519 AAAA… root@ip-10-0-0-4"); of several
// boots those of the last. It writes them at the first boot alone, so a console
// of a later one may name none.
// https://docs.cloud-init.io/en/latest/reference/modules.html (SSH, emit_keys_to_console)
func HostKeys(console string) (keys []string) {
	const begin, end = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
	from := strings.LastIndex(console, begin)
	if from < 0 {
		return nil
	}
	block, _, whole := strings.Cut(console[from+len(begin):], end)
	if !whole {
		return nil
	}
	for line := range strings.Lines(block) {
		if f := strings.Fields(line); len(f) >= 2 {
			keys = append(keys, strings.Join(f, " "))
		}
	}
	return keys
}

// Machine is an instance as commands reach it: SSM by its id; SSH at its
// address, where it must show one of its host keys (lines as HostKeys answers
// them).
type Machine struct {
	ID, Address string
	HostKeys    []string
}

// Script is what a machine runs.
type Script struct {
	// Text is run by sh, as root. It may be seen by others and is kept by SSM, so
	// no secret is in it.
	Text string
	// Input is the script's standard input, and the one place for a secret.
	Input []byte
	// Timeout ends the run on the machine, in whole seconds; it must be stated.
	Timeout time.Duration
}

// Output is what a script wrote, and its exit status. Cut says that some of it
// is missing: SSM keeps the first 24,000 characters of what is written to
// standard output and 8,000 of the rest.
type Output struct {
	Stdout, Stderr string
	Cut            bool
	Exit           int
}

// Shell runs scripts on machines. A script that ends with a status other than 0
// is no error. When a call fails, or is broken off, whether the script ran, and
// runs on until its Timeout, is open, but for these errors, at which it was not
// begun: ErrState, ErrInput, ErrDenied, ErrHostKey. ErrTimeout: it ran, and was
// ended. ErrLost: SSM told no end of it.
type Shell interface {
	// Reachable says whether the machine would take a script: false while it
	// starts. ErrHostKey does not pass by waiting; ErrDenied may, over SSH, for a
	// machine that has just started sets up its users.
	Reachable(ctx context.Context, m Machine) (bool, error)
	RunScript(ctx context.Context, m Machine, s Script) (Output, error)
}
